"""RFC 6455 from the client to the service: what a proxy on the way may spoil, one row of the table a rule."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from websockets.exceptions import ConnectionClosed

from fixtures.sockets import SocketDoor
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.deadlines import Deadlines
from probes.errors import BadAnswer, TooSlow
from probes.websocket.closes import describe
from probes.websocket.handshake import SERVER_ERROR
from probes.websocket.raw_frames import RawFrame, write
from probes.websocket.sessions import Session

CONTINUATION, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10
RESERVED_DATA, RESERVED_CONTROL = 3, 11
BEAT = b'{"type": "heartbeat"}'
BEAT_WITH_A_CHARACTER = '{"type": "heartbeat", "data": {"text": "€"}}'.encode()
INSIDE = BEAT_WITH_A_CHARACTER.index("€".encode()) + 1
HUGE = 1024 * 1024
Piece = RawFrame | None  # None: a ping of the library, whose pong has to come before the next frame is sent


@dataclass(frozen=True, slots=True)
class Rule:
    """What is sent, and what must follow: an answer to the heartbeat in it, or the end of the session."""

    pieces: Sequence[Piece]
    answered: bool
    section: str


def _end(*pieces: RawFrame, section: str) -> Rule:
    return Rule(pieces, answered=False, section=section)


def _answer(*pieces: Piece, section: str) -> Rule:
    return Rule(pieces, answered=True, section=section)


RULES = {
    "fragmented text": _answer(
        RawFrame(TEXT, BEAT[:5], fin=False), RawFrame(CONTINUATION, BEAT[5:12], fin=False),
        RawFrame(CONTINUATION, BEAT[12:]), section="5.4",
    ),
    "ping inside a fragmented message": _answer(
        RawFrame(TEXT, BEAT[:5], fin=False), None, RawFrame(CONTINUATION, BEAT[5:]), section="5.4",
    ),
    "character split between fragments": _answer(
        RawFrame(TEXT, BEAT_WITH_A_CHARACTER[:INSIDE], fin=False),
        RawFrame(CONTINUATION, BEAT_WITH_A_CHARACTER[INSIDE:]), section="5.6",
    ),
    "ping": _answer(None, RawFrame(TEXT, BEAT), section="5.5.2"),
    "pong that nobody asked for": _answer(RawFrame(PONG, b"?"), RawFrame(TEXT, BEAT), section="5.5.3"),
    "invalid UTF-8": _end(RawFrame(TEXT, b'{"type": "heartbeat", "data": "\xff"}'), section="8.1"),
    "oversize": _end(RawFrame(TEXT, b'{"type": "heartbeat", "data": "' + b"x" * HUGE + b'"}'), section="7.4.1"),
    "reserved opcode": _end(RawFrame(RESERVED_DATA, BEAT), section="5.2"),
    "reserved control opcode": _end(RawFrame(RESERVED_CONTROL), section="5.2"),
    "reserved bits": _end(RawFrame(TEXT, BEAT, reserved=0b011), section="5.2"),
    "not masked": _end(RawFrame(TEXT, BEAT, masked=False), section="5.1"),
    "continuation of nothing": _end(RawFrame(CONTINUATION, BEAT), section="5.4"),
    "new message inside a fragmented one": _end(
        RawFrame(TEXT, BEAT[:5], fin=False), RawFrame(TEXT, BEAT), section="5.4"
    ),
    "control frame too long": _end(RawFrame(PING, b"x" * 126), section="5.5"),
    "control frame in fragments": _end(RawFrame(PING, b"x", fin=False), section="5.5"),
    "close code that is never sent": _end(RawFrame(CLOSE, (1005).to_bytes(2, "big")), section="7.4.1"),
}  # fmt: skip


@check(
    "websocket.protocol",
    requirement="frames are taken and refused as RFC 6455 says, by the service and by whatever is in front of it",
    needs="ws token",
    remedy="A proxy that looks into WebSocket frames, or a server that is too forgiving: the RFC's section is named.",
)
@pytest.mark.parametrize("case", RULES)
async def test_frames_are_taken_as_the_protocol_says(
    sockets: SocketDoor, owner: User, deadlines: Deadlines, case: str
) -> None:
    """What is allowed is answered; what is not ends the session cleanly, and is never acted upon."""
    rule = RULES[case]
    session = await sockets.open(owner)
    try:
        await _send(session, rule.pieces, deadlines)
        answer = await session.receive_of("heartbeat_ack")
    except TooSlow as error:
        problem = error.detail
    except BadAnswer as error:
        problem = _ended(session, error) if rule.answered or _badly(session) else ""
    else:
        problem = "" if rule.answered else f"it was answered: {answer}"
    if problem:
        expected = "an answer" if rule.answered else "the end of the session, without an answer and without 1011"
        raise CheckFailure(expected=f"{case}: {expected} (RFC 6455, {rule.section})", actual=problem)


async def _send(session: Session, pieces: Sequence[Piece], deadlines: Deadlines) -> None:
    for piece in pieces:
        if piece is not None:
            write(session.connection, piece)
            continue
        try:
            async with asyncio.timeout(deadlines.message):
                await (await session.connection.ping())
        except TimeoutError as error:
            raise TooSlow(session.request, f"no pong within {deadlines.message:g} s") from error
        except ConnectionClosed as error:
            raise BadAnswer(session.request, f"the session ended before its pong: {error}") from error


def _badly(session: Session) -> bool:
    return session.closed is not None and session.closed.code == SERVER_ERROR


def _ended(session: Session, error: BadAnswer) -> str:
    return f"{error.detail} ({describe(session.closed)})"
