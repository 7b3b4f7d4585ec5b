"""Faults of a proxy in front of the WebSocket: one that reads and changes frames."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from twin.frames import CONTROL, FIN, LONGEST_CONTROL, RESERVED, Seen, walk
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.platform.state import Platform

PING, PONG, CLOSE, TEXT, CONTINUATION = 0x9, 0xA, 0x8, 0x1, 0x0
KNOWN = frozenset({CONTINUATION, TEXT, 0x2, CLOSE, PING, PONG})
OWN_MASK = b"\x01\x02\x03\x04"
LONG = 64 * 1024
NEVER_SENT = (1005).to_bytes(2, "big")
Change = Callable[[Seen], Seen | None]  # of a frame; None takes it out


def _carrying(platform: "Platform", begin: Callable[[], Change]) -> Undo:
    """Let every whole frame of a connection through what `begin` returns for that connection."""

    def carrier() -> Callable[[bytes], bytes]:
        change = begin()

        def carry(data: bytes) -> bytes:
            parts = []
            for one in walk(data):
                changed = change(one) if isinstance(one, Seen) else one
                if changed is not None:
                    parts.append(changed.written() if isinstance(changed, Seen) else changed)
            return b"".join(parts)

        return carry

    return replace(platform, carrier=carrier)


@fault("websocket.proxy-strips-protocols", place="platform", seen="a gateway that passes on the headers of a list")
def strips_protocols(platform: "Platform") -> Undo:
    """The subprotocols that a browser offers, its token among them, never arrive."""

    def rewrite(headers: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if name != "sec-websocket-protocol"}

    return replace(platform, rewrite=rewrite)


@fault(
    "websocket.proxy-eats-pings", place="platform", seen="a proxy that answers keepalives for both sides, and doesn't"
)
def eats_pings(platform: "Platform") -> Undo:
    """Pings never arrive."""
    return _carrying(platform, lambda: lambda seen: None if seen.opcode == PING else seen)


@fault("websocket.proxy-refuses-unasked-pongs", place="platform", seen="a gateway that takes one for a protocol error")
def refuses_pongs(platform: "Platform") -> Undo:
    """An unsolicited pong ends the connection."""

    def let_through(data: bytes) -> bool:
        return not any(isinstance(one, Seen) and one.opcode == PONG for one in walk(data))

    return replace(platform, let_through=let_through)


@fault("websocket.proxy-forgives", place="platform", seen="a proxy that drops frames it does not know")
def forgives(platform: "Platform") -> Undo:
    """Frames that break the protocol are removed, and the session goes on as if nothing had happened."""

    def begin() -> Change:
        goes_on = False  # a fragmented message

        def change(seen: Seen) -> Seen | None:
            nonlocal goes_on
            control = seen.opcode >= CONTROL
            wrong = (
                seen.opcode not in KNOWN
                or not seen.mask
                or (control and (len(seen.payload) > LONGEST_CONTROL or not seen.head & FIN))
                or (seen.opcode == CLOSE and seen.payload == NEVER_SENT)
                or (seen.opcode == CONTINUATION and not goes_on)
            )
            if not control:
                goes_on = not seen.head & FIN
            return None if wrong else seen

        return change

    return _carrying(platform, begin)


@fault("websocket.proxy-clears-reserved-bits", place="platform", seen="a proxy that negotiates extensions for itself")
def clears_bits(platform: "Platform") -> Undo:
    """Reserved bits are cleared on the way, and the message is acted upon."""
    return _carrying(platform, lambda: lambda seen: Seen(seen.head & ~RESERVED, seen.mask or OWN_MASK, seen.payload))


@fault(
    "websocket.proxy-reassembles", place="platform", seen="a proxy that sends every text frame on as a whole message"
)
def reassembles(platform: "Platform") -> Undo:
    """A new message inside a fragmented one is acted upon: the fragment before it is forgotten."""

    def change(seen: Seen) -> Seen | None:
        forgotten = seen.opcode in {TEXT, CONTINUATION} and not (seen.head & FIN and seen.opcode == TEXT)
        return None if forgotten else seen

    return _carrying(platform, lambda: change)


@fault("websocket.proxy-mends-utf8", place="platform", seen="decode(errors='replace') in a logging proxy")
def mends_utf8(platform: "Platform") -> Undo:
    """Bytes that are not UTF-8 are replaced, and the message is acted upon."""

    def change(seen: Seen) -> Seen:
        whole = seen.opcode == TEXT and seen.head & FIN
        return seen.with_payload(seen.payload.decode(errors="replace").encode()) if whole else seen

    return _carrying(platform, lambda: change)


@fault("websocket.proxy-swallows-long-messages", place="platform", seen="an inspection limit that drops without a word")
def swallows_long(platform: "Platform") -> Undo:
    """A message that is too long vanishes: no error, no close."""

    def carrier() -> Callable[[bytes], bytes]:
        left = 0  # of a long message

        def carry(data: bytes) -> bytes:
            nonlocal left
            parts = []
            for one in walk(data[left:] if left < len(data) else b""):
                if isinstance(one, bytes) and _announced(one) > LONG:
                    left = _announced(one) - len(one) + len(data)
                else:
                    parts.append(one.written() if isinstance(one, Seen) else one)
            left = max(left - len(data), 0)
            return b"".join(parts)

        return carry

    return replace(platform, carrier=carrier)


def _announced(begin: bytes) -> int:
    """How long the frame is that begins here, head included; 0 for one that is not that long."""
    long_head = 14
    return int.from_bytes(begin[2:10], "big") + long_head if len(begin) >= long_head and begin[1] & 0x7F == 127 else 0  # noqa: PLR2004 - a 64-bit length follows
