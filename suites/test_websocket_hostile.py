"""Hostile clients: an error message or a clean close, and the service lives on."""

import json
from collections.abc import Awaitable, Callable

import pytest

from fixtures.sockets import SocketDoor
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.errors import BadAnswer, TooSlow
from probes.websocket.closes import describe
from probes.websocket.sessions import Session
from targets.contract import Contract

SERVER_ERROR = 1011
FLOOD = 1000
Act = Callable[[Session, Contract], Awaitable[str]]  # returns what must follow: "error", "error or close", "session"


async def _bad_json(session: Session, _contract: Contract) -> str:
    await session.send('{"type": "ping"')
    return "error"


async def _binary(session: Session, _contract: Contract) -> str:
    await session.send(b"\x00\xff\xfe")
    return "error or close"


async def _too_long(session: Session, contract: Contract) -> str:
    text = json.dumps({"type": "ping", "pad": ""})
    await session.send(text[:-2] + "x" * (contract.websocket.max_message_bytes + 1 - len(text)) + text[-2:])
    return "error or close"


async def _deep(session: Session, _contract: Contract) -> str:
    depth = 3000
    await session.send("[" * depth + "]" * depth)
    return "error or close"


async def _unknown_type(session: Session, _contract: Contract) -> str:
    await session.send({"type": "no-such-type"})
    return "session"


async def _fragments(session: Session, _contract: Contract) -> str:
    await session.connection.send(iter(['{"type":', ' "heartbeat"', "}"]))
    await session.receive_of("heartbeat_ack")
    return "session"


async def _flood(session: Session, _contract: Contract) -> str:
    for _ in range(FLOOD):
        await session.send({"type": "heartbeat"})
    return "session or close"


CASES: dict[str, Act] = {
    "bad JSON": _bad_json,
    "binary": _binary,
    "8 KiB + 1": _too_long,
    "deep nesting": _deep,
    "unknown type": _unknown_type,
    "fragments": _fragments,
    "1,000 messages at once": _flood,
}


@check(
    "websocket.hostile",
    requirement="hostile input gets an error message or a clean close, and the service lives on",
    needs="ws token",
    remedy="Parse inside a try, bound the size before parsing, never let one session's error leave its own loop.",
)
@pytest.mark.parametrize("case", CASES)
async def test_hostile_messages_do_no_harm(
    sockets: SocketDoor, owner: User, stranger: User, contract: Contract, case: str
) -> None:
    """The offender gets an error or a clean close; somebody else's session goes on all the while."""
    bystander = await sockets.open(stranger)
    session = await sockets.open(owner)
    follows = await CASES[case](session, contract)
    problem = await _problem(session, follows)
    if problem:
        raise CheckFailure(expected=f"after {case}: {follows}", actual=problem)
    try:
        await bystander.ping()
    except (TooSlow, BadAnswer) as error:
        raise CheckFailure(expected="another user's session goes on", actual=error.detail) from error


async def _problem(session: Session, follows: str) -> str:
    try:
        if follows.startswith("error"):
            message = await session.receive_of("error_message")
            if follows == "error" and "JSON_PARSE_ERROR" not in str(message):
                return f"no JSON_PARSE_ERROR: {message}"
        await session.ping()
    except BadAnswer as error:
        clean = session.closed is not None and session.closed.code not in {None, SERVER_ERROR}
        return "" if clean and "close" in follows else f"{error.detail} ({describe(session.closed)})"
    except TooSlow as error:
        return error.detail
    return ""
