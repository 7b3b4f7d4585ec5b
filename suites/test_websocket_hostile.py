"""Hostile clients get an error message or a clean close, and the service keeps running."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

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

FLOOD, FLOODED = 1000, "1,000 messages at once"
# What is done to a session.
Act = Callable[[Session, Contract], Awaitable[None]]


async def _bad_json(session: Session, _contract: Contract) -> None:
    await session.send(json.dumps({"type": session.dialect.ping})[:-1])


async def _empty(session: Session, _contract: Contract) -> None:
    await session.send("")


async def _binary(session: Session, _contract: Contract) -> None:
    await session.send(b"\x00\xff\xfe")


async def _too_long(session: Session, contract: Contract) -> None:
    text = json.dumps({"type": session.dialect.ping, "pad": ""})
    await session.send(text[:-2] + "x" * (contract.websocket.max_message_bytes + 1 - len(text)) + text[-2:])


async def _longest(session: Session, contract: Contract) -> None:
    text = json.dumps({"type": session.dialect.heartbeat, "pad": ""})
    await session.send(text[:-2] + "x" * (contract.websocket.max_message_bytes - len(text)) + text[-2:])
    await session.receive_of(session.dialect.acknowledgement)


async def _no_type(session: Session, _contract: Contract) -> None:
    await session.send({"data": {}})


async def _number_for_type(session: Session, _contract: Contract) -> None:
    await session.send({"type": 7})


async def _no_text(session: Session, _contract: Contract) -> None:
    await session.send({"type": session.dialect.user_message.get("type", "")})


async def _number_for_text(session: Session, _contract: Contract) -> None:
    said = json.dumps(session.dialect.said("nv-text"))
    await session.send(said.replace('"nv-text"', "7"))


async def _nul_in_text(session: Session, _contract: Contract) -> None:
    await session.send(session.dialect.said("a\x00b"))


async def _deep(session: Session, _contract: Contract) -> None:
    depth = 3000
    await session.send("[" * depth + "]" * depth)


async def _unknown_type(session: Session, _contract: Contract) -> None:
    await session.send({"type": "no-such-type"})


async def _fragments(session: Session, _contract: Contract) -> None:
    await session.send(iter(['{"type":', f" {json.dumps(session.dialect.heartbeat)}", "}"]))
    await session.receive_of(session.dialect.acknowledgement)


async def _flood(session: Session, _contract: Contract) -> None:
    for _ in range(FLOOD):
        await session.send({"type": session.dialect.heartbeat})


# By case: what is done, and the key of contract.websocket.after that says what must follow.
CASES: dict[str, tuple[Act, str]] = {
    "bad JSON": (_bad_json, "bad_json"),
    "empty text": (_empty, "bad_json"),
    "binary": (_binary, "binary"),
    "8 KiB": (_longest, ""),
    "8 KiB + 1": (_too_long, "oversize"),
    "deep nesting": (_deep, "deep"),
    "unknown type": (_unknown_type, "unknown_type"),
    "no type": (_no_type, "unknown_type"),
    "type a number": (_number_for_type, "unknown_type"),
    "message without text": (_no_text, "bad_message"),
    "text a number": (_number_for_text, "bad_message"),
    "text with NUL": (_nul_in_text, "bad_message"),
    "fragments": (_fragments, ""),
    FLOODED: (_flood, "flood"),
}


@check(
    "websocket.hostile",
    requirement="hostile input gets an error message or a clean close, and the service keeps running",
    needs="ws token",
    remedy="Parse inside a try, bound the size before parsing, never let one session's error leave its own loop.",
    looking="the case's name is the input; close code and the server's log lines. A server-wide stall shows in "
    "the other sessions",
)
@pytest.mark.usefixtures("hostile_frames")
@pytest.mark.parametrize("case", CASES)
async def test_hostile_messages_do_no_harm(
    sockets: SocketDoor, family: Family, borrow: Borrow, contract: Contract, case: str
) -> None:
    """The offender gets an error or a clean close; another session keeps working throughout."""

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
    act, key = CASES[case]
    follows = getattr(contract.websocket.after, key) if key else "session"
    codes = contract.websocket.error_codes["bad_json"] if key == "bad_json" else frozenset[str]()
    await act(session, contract)
    problem = await _problem(session, follows, codes)
    if problem:
        where = f" (contract.websocket.after.{key})" if key else ""
        raise CheckFailure(expected=f"after {case}: {follows}{where}", actual=problem)
    try:
        await other_session.ping()
    except (TooSlow, BadAnswer) as error:
        raise CheckFailure(expected="the other session keeps working", actual=error.detail) from error


async def _problem(session: Session, follows: str, codes: frozenset[str]) -> str:
    try:
        if follows.startswith("error"):
            message = await session.receive_of(session.dialect.error)
            if codes and session.dialect.code_of(message) not in codes:
                return f"none of {', '.join(sorted(codes))} (contract.websocket.error_codes): {message}"
        await session.ping()
    except BadAnswer as error:
        clean = session.closed is not None and session.closed.code not in {None, INTERNAL_ERROR}
        may_end = "close" in follows or follows == "anything"
        return "" if clean and may_end else f"{error.detail} ({describe(session.closed)})"
    except TooSlow as error:
        return error.detail
    return ""
