"""Hostile clients get an error message or a clean close each time, and the service keeps running."""

from contextlib import suppress
from dataclasses import replace

import pytest

from fixtures.hostile_messages import FLOODED, HOSTILE, Hostile
from fixtures.pace import Family
from fixtures.sockets import SocketDoor
from fixtures.users import Borrow
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.errors import BadAnswer, TooSlow
from probes.websocket.closes import INTERNAL_ERROR, describe
from probes.websocket.sessions import Session, closed_at_end
from targets.contract import Contract


@check(
    "websocket.hostile",
    requirement="hostile input gets an error message or a clean close, and the service keeps running",
    needs="ws token",
    remedy="Parse inside a try, bound the size before parsing, never let one session's error leave its own loop.",
    looking="the case's name is the input; close code and the server's log lines. A server-wide stall shows in "
    "the other sessions",
)
@pytest.mark.usefixtures("hostile_frames")
@pytest.mark.parametrize("case", HOSTILE)
async def test_hostile_messages_do_no_harm(
    sockets: SocketDoor, family: Family, borrow: Borrow, contract: Contract, case: str
) -> None:
    """The offender gets an error or a clean close, however often it sends that; another session keeps working."""

    async def show(case: str, recorder: Recorder) -> None:
        door = replace(sockets, recorder=recorder)
        with borrow("opener") as owner, borrow("bystander") as bystander:
            async with (
                closed_at_end(await door.open(bystander)) as other_session,
                closed_at_end(await door.open(owner)) as session,
            ):
                await _refuse_harm(session, other_session, case, contract)

    await family.ask(case, show, alone=[FLOODED])


async def _refuse_harm(session: Session, other_session: Session, case: str, contract: Contract) -> None:
    """Do to a session what the case does. Raises CheckFailure for another answer, or harm to the other one."""
    hostile = HOSTILE[case]
    follows = hostile.follows(contract)
    problem = await _problem(session, hostile, contract)
    if problem:
        where = f" (contract.websocket.after.{hostile.after})" if hostile.after else ""
        raise CheckFailure(expected=f"after {case}: {follows}{where}", actual=problem)
    try:
        await other_session.ping()
    except (TooSlow, BadAnswer) as error:
        raise CheckFailure(expected="the other session keeps working", actual=error.detail) from error


async def _problem(session: Session, hostile: Hostile, contract: Contract) -> str:
    """What does not follow as it must, after any of the messages; empty if all does."""
    done = 0
    try:
        for count in hostile.batches(contract):
            for _ in range(count):
                await session.send(hostile.write(session.dialect, contract))
            for _ in range(count):
                problem = await _other_answer(session, hostile, contract)
                if problem:
                    return problem
            await session.ping()
            done += count
    except BadAnswer as error:
        with suppress(TooSlow):
            await session.wait_closed(session.deadlines.close)  # what was sent may fail before the close is read
        clean = session.closed is not None and session.closed.code not in {None, INTERNAL_ERROR}
        return (
            "" if clean and hostile.may_end(contract) else f"{error.detail} ({describe(session.closed)}){_after(done)}"
        )
    except TooSlow as error:
        return f"{error.detail}{_after(done)}"
    return ""


def _after(done: int) -> str:
    return f", after {done} such messages that did no harm" if done else ""


async def _other_answer(session: Session, hostile: Hostile, contract: Contract) -> str:
    """How the answer to one message differs from what it must be; a message that may be ignored is not waited for."""
    rules, dialect = contract.websocket, session.dialect
    if hostile.is_answered:
        await session.receive_of(dialect.acknowledgement)
    elif hostile.follows(contract).startswith("error"):
        message = await session.receive_of(dialect.error)
        codes = rules.error_codes["bad_json"] if hostile.after == "bad_json" else frozenset[str]()
        if codes and dialect.code_of(message) not in codes:
            return f"none of {', '.join(sorted(codes))} (contract.websocket.error_codes): {message}"
    return ""
