"""RFC 6455 from client to service, including what a proxy may break: one row of the table per rule."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from fixtures.pace import Family
from fixtures.sockets import SocketDoor
from fixtures.users import Borrow
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.errors import BadAnswer, TooSlow
from probes.websocket.closes import INTERNAL_ERROR, describe
from probes.websocket.raw_frames import RawFrame
from probes.websocket.sessions import Session, closed_at_end
from targets.contract import Contract

CONTINUATION, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10
RESERVED_DATA, RESERVED_CONTROL = 3, 11
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


def rules(heartbeat: str) -> dict[str, Rule]:
    """The table, with the service's own word for a heartbeat."""
    beat = json.dumps({"type": heartbeat}).encode()
    return {**_answered(heartbeat, beat), **_wrong_data(heartbeat), **_wrong_frames(beat)}


def _answered(heartbeat: str, beat: bytes) -> dict[str, Rule]:
    """Frames that the RFC allows."""
    with_a_character = json.dumps({"type": heartbeat, "data": {"note": "€"}}, ensure_ascii=False).encode()
    inside = with_a_character.index("€".encode()) + 1
    return {
        "fragmented text": _answer(
            RawFrame(opcode=TEXT, data=beat[:5], fin=False),
            RawFrame(opcode=CONTINUATION, data=beat[5:12], fin=False),
            RawFrame(opcode=CONTINUATION, data=beat[12:]),
            section="5.4",
        ),
        "ping inside a fragmented message": _answer(
            RawFrame(opcode=TEXT, data=beat[:5], fin=False),
            None,
            RawFrame(opcode=CONTINUATION, data=beat[5:]),
            section="5.4",
        ),
        "character split between fragments": _answer(
            RawFrame(opcode=TEXT, data=with_a_character[:inside], fin=False),
            RawFrame(opcode=CONTINUATION, data=with_a_character[inside:]),
            section="5.6",
        ),
        "ping": _answer(None, RawFrame(opcode=TEXT, data=beat), section="5.5.2"),
        "pong that nobody asked for": _answer(
            RawFrame(opcode=PONG, data=b"?"), RawFrame(opcode=TEXT, data=beat), section="5.5.3"
        ),
    }


def _wrong_data(heartbeat: str) -> dict[str, Rule]:
    """Messages that no service may act on, whatever the frames."""
    begin, _, end = json.dumps({"type": heartbeat, "data": "|"}).encode().partition(b"|")
    return {
        "invalid UTF-8": _end(RawFrame(opcode=TEXT, data=begin + b"\xff" + end), section="8.1"),
        "oversize": _end(RawFrame(opcode=TEXT, data=begin + b"x" * HUGE + end), section="7.4.1"),
    }


def _wrong_frames(beat: bytes) -> dict[str, Rule]:
    """Frames that the RFC forbids."""
    return {
        "reserved opcode": _end(RawFrame(opcode=RESERVED_DATA, data=beat), section="5.2"),
        "reserved control opcode": _end(RawFrame(opcode=RESERVED_CONTROL), section="5.2"),
        "reserved bits": _end(RawFrame(opcode=TEXT, data=beat, reserved=0b011), section="5.2"),
        "not masked": _end(RawFrame(opcode=TEXT, data=beat, masked=False), section="5.1"),
        "continuation of nothing": _end(RawFrame(opcode=CONTINUATION, data=beat), section="5.4"),
        "new message inside a fragmented one": _end(
            RawFrame(opcode=TEXT, data=beat[:5], fin=False), RawFrame(opcode=TEXT, data=beat), section="5.4"
        ),
        "control frame too long": _end(RawFrame(opcode=PING, data=b"x" * 126), section="5.5"),
        "control frame in fragments": _end(RawFrame(opcode=PING, data=b"x", fin=False), section="5.5"),
        "close code that is never sent": _end(RawFrame(opcode=CLOSE, data=(1005).to_bytes(2, "big")), section="7.4.1"),
    }


CASES = tuple(rules("any"))
OVERSIZE = "oversize"
SILENCE_IS_FINE = frozenset({"session", "session or close", "anything"})


@check(
    "websocket.protocol",
    requirement="the service, and any proxy in front of it, accept and refuse frames as RFC 6455 requires",
    needs="ws token",
    remedy="A proxy inspects WebSocket frames, or the server is too lenient: the case names the RFC's section.",
    looking="the case names the section of RFC 6455; try once more without the proxy in front",
)
@pytest.mark.usefixtures("hostile_frames")
@pytest.mark.parametrize("case", CASES)
async def test_frames_are_taken_as_the_protocol_says(
    sockets: SocketDoor, family: Family, borrow: Borrow, contract: Contract, case: str
) -> None:
    """Allowed frames are answered; others end the session cleanly and are never acted upon."""
    allowed = contract.websocket.after.oversize if case == OVERSIZE else ""
    rule = rules(sockets.doorway.dialect.heartbeat)[case]

    async def show(case: str, recorder: Recorder) -> str:
        with borrow("opener") as user:  # not the others': a service may lock out who opens many sessions
            async with closed_at_end(await replace(sockets, recorder=recorder).open(user)) as session:
                return await _problem(session, case, contract)

    problem = await family.ask(case, show)
    if problem:
        expected = "an answer" if rule.answered else "the end of the session, without an answer and without 1011"
        expected += f", or {allowed} (contract.websocket.after.oversize)" if allowed else ""
        raise CheckFailure(expected=f"{case}: {expected} (RFC 6455, {rule.section})", actual=problem)


async def _problem(session: Session, case: str, contract: Contract) -> str:
    """What a session does wrong when it is sent the frames of a case, in words; empty when nothing."""
    words = session.dialect
    rule, allowed = rules(words.heartbeat)[case], contract.websocket.after.oversize if case == OVERSIZE else ""
    try:
        await _send(session, rule.pieces)
        answer = await session.receive_of(words.acknowledgement, *([words.error] if allowed else []))
    except TooSlow as error:
        return "" if allowed in SILENCE_IS_FINE else error.detail
    except BadAnswer as error:
        return _ended(session, error) if rule.answered or _badly(session) else ""
    return "" if rule.answered or words.is_error(answer) else f"it was answered: {answer}"


async def _send(session: Session, pieces: Sequence[Piece]) -> None:
    for piece in pieces:
        if piece is not None:
            session.write(piece)
        else:
            await session.ping_frame()


def _badly(session: Session) -> bool:
    return session.closed is not None and session.closed.code == INTERNAL_ERROR


def _ended(session: Session, error: BadAnswer) -> str:
    return f"{error.detail} ({describe(session.closed)})"
