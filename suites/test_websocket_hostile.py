"""Hostile clients get an error message or a clean close each time, and the service keeps running."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from fixtures.hostile_messages import FLOODED, HOSTILE, Hostile
from fixtures.pace import Family
from fixtures.sockets import SocketDoor
from fixtures.threads import Threads
from fixtures.users import Borrow
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from gate.run import Run
from probes.auth.tokens import User
from probes.errors import BadAnswer, TooSlow
from probes.foreign.excerpt import excerpt
from probes.http.internals import find_internals
from probes.websocket.closes import INTERNAL_ERROR, describe
from probes.websocket.sessions import Session, closed_at_end
from targets.contract import Contract

IN_THREAD = pytest.mark.also_needs("talk", "write")  # where unknown threads are made, some are left to be removed
CASES = [pytest.param(case, marks=[IN_THREAD] if hostile.in_thread else []) for case, hostile in HOSTILE.items()]
NO_INTERNALS = "Answer an error with a code of your own, and write what was raised to the log alone."
LET_GO = "Check a thread's id before the database sees it, and let go of its connection on every way out."


@check(
    "websocket.hostile",
    requirement="hostile input gets an error message without internals or a clean close, and the service keeps running",
    needs="ws token",
    remedy="Parse inside a try, bound the size before parsing, never let one session's error leave its own loop.",
    looking="the case's name is the input; close code and the server's log lines. A server-wide stall shows in "
    "the other sessions",
)
@pytest.mark.usefixtures("hostile_frames")
@pytest.mark.parametrize("case", CASES)
async def test_hostile_messages_do_no_harm(
    sockets: SocketDoor, threads: Threads, family: Family, borrow: Borrow, run: Run, case: str
) -> None:
    """The offender gets an error or a clean close, however often it sends that; another session keeps working.

    No message of the server's reveals internals. After messages in threads that don't exist, threads are still listed.
    """
    contract = threads.contract

    async def show(case: str, recorder: Recorder) -> None:
        door = replace(sockets, recorder=recorder)
        with borrow("opener") as owner, borrow("bystander") as bystander:
            async with (
                closed_at_end(await door.open(bystander)) as other_session,
                closed_at_end(await door.open(owner)) as session,
            ):
                await _refuse_harm(session, case, contract)
                await _refuse_silence(other_session)
            if HOSTILE[case].in_thread and "http" in run.plan.offers:
                await _refuse_no_list(threads.noted_by(recorder), bystander)

    await family.ask(case, show, alone=[FLOODED])


async def _refuse_harm(session: Session, case: str, contract: Contract) -> None:
    """Do to a session what the case does. Raises CheckFailure for another answer, or one with internals."""
    hostile, heard = HOSTILE[case], list[str]()
    session.watch = heard.append
    problem = await _problem(session, hostile, contract, heard)
    if problem:
        where = f" (contract.websocket.after.{hostile.after})" if hostile.after else ""
        raise CheckFailure(
            expected=f"after {case}: {hostile.follows(contract)}{where}",
            actual=problem,
            remedy=LET_GO if hostile.in_thread else "",
        )
    for text in [*heard, session.closed.reason if session.closed else ""]:
        found = find_internals(text)
        if found:
            actual = f"{found!r} in {excerpt(text, 300)}"
            raise CheckFailure(expected=f"no internals in an answer to {case}", actual=actual, remedy=NO_INTERNALS)


async def _refuse_silence(session: Session) -> None:
    try:
        await session.ping()
    except (TooSlow, BadAnswer) as error:
        raise CheckFailure(expected="the other session keeps working", actual=error.detail) from error


async def _refuse_no_list(threads: Threads, user: User) -> None:
    try:
        await threads.page(user)
    except (TooSlow, BadAnswer, CheckFailure) as error:
        actual = error.actual if isinstance(error, CheckFailure) else error.detail
        raise CheckFailure(expected="threads are still listed", actual=actual, remedy=LET_GO) from error


async def _problem(session: Session, hostile: Hostile, contract: Contract, heard: Sequence[str]) -> str:
    """What does not follow as it must, after any of the messages; empty if all does."""
    done, events = 0, contract.websocket.agent.events
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
            if any(json.dumps(event) in text for text in heard for event in events):
                break  # here it is a question like any other, and each may cost a model's time
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
