"""WebSocket frames as a proxy on the way sees them: walked through, taken out, written again."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

FIN, RESERVED, OPCODE, MASKED, LENGTH = 0x80, 0x70, 0x0F, 0x80, 0x7F
CONTROL, LONGEST_CONTROL = 0x08, 125
MEDIUM, LONG = 126, 127


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame: its first byte, its mask (empty: not masked) and its payload without the mask."""

    head: int
    mask: bytes
    payload: bytes

    @property
    def opcode(self) -> int:
        """The opcode."""
        return self.head & OPCODE

    def with_payload(self, payload: bytes) -> "Seen":
        """The same frame around other bytes."""
        return replace(self, payload=payload)

    def written(self) -> bytes:
        """The frame's bytes."""
        size, masked = len(self.payload), MASKED if self.mask else 0
        if size < MEDIUM:
            head = struct.pack("!BB", self.head, masked | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", self.head, masked | MEDIUM, size)
        else:
            head = struct.pack("!BBQ", self.head, masked | LONG, size)
        return head + self.mask + _masked(self.payload, self.mask)


def walk(data: bytes) -> Iterator[Seen | bytes]:
    """The frames in a chunk; what is left of one that goes on in the next chunk comes last, as bytes."""
    while data:
        whole = _whole(data)
        if whole is None:
            yield data
            return
        seen, size = whole
        yield seen
        data = data[size:]


def _whole(data: bytes) -> tuple[Seen, int] | None:
    if len(data) < 2:  # noqa: PLR2004 - the head of a frame
        return None
    length, at = data[1] & LENGTH, 2
    if length == MEDIUM:
        length, at = int.from_bytes(data[2:4], "big"), 4
    elif length == LONG:
        length, at = int.from_bytes(data[2:10], "big"), 10
    mask = data[at : at + 4] if data[1] & MASKED else b""
    at += len(mask)
    if len(data) < at + length:
        return None
    return Seen(data[0], mask, _masked(data[at : at + length], mask)), at + length


def _masked(payload: bytes, mask: bytes) -> bytes:
    if not mask or not payload:
        return payload
    pad = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big")
