"""Frames that no WebSocket API would send, written by the library's own frame layer onto an open connection."""

from dataclasses import dataclass
from typing import cast

from websockets.frames import Frame, Opcode


class _AnyFrame(Frame):
    """A frame whose validity is not checked."""

    def check(self) -> None:
        """Accept everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFrame:
    """One frame as it goes over the wire. An opcode of 0 to 15, reserved ones included."""

    opcode: int
    data: bytes = b""
    fin: bool = True
    reserved: int = 0  # of the bits RSV1, RSV2 and RSV3 as one number
    masked: bool = True

    def written(self) -> bytes:
        """The frame's bytes."""
        bits = [bool(self.reserved & bit) for bit in (4, 2, 1)]
        frame = _AnyFrame(cast("Opcode", self.opcode), self.data, self.fin, *bits)
        return frame.serialize(mask=self.masked)
