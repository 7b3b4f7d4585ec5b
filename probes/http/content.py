"""A body, taken off the wire and decoded step by step: no step makes more than a piece, so a deadline can end it."""

import asyncio
import zlib
from collections.abc import AsyncIterable, Iterator
from typing import Protocol

from probes.errors import BadAnswer
from probes.foreign.excerpt import excerpt
from probes.foreign.limits import BODY_BYTES, CODINGS, MIB, WIRE_BYTES

ACCEPTED = "gzip, deflate"  # what we ask for, and all that we take
PIECE = 64 * 1024
FRAME_BYTES = 2  # with which zlib's frame begins, and by which it is known


class _Decoder(Protocol):
    """One coding, undone piece by piece."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the data comes to, in pieces. Raises zlib.error."""

    @property
    def ended(self) -> bool:
        """Whether the coding's own end has been seen."""


class _Inflate:
    """gzip or deflate. A gzip body may be several members; deflate may come with zlib's frame or, wrongly, without."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding != "deflate"
        self._state = self._fresh(zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS)
        self._first = b""  # the body's first bytes, up to FRAME_BYTES

    @staticmethod
    def _fresh(bits: int) -> "zlib._Decompress":
        return zlib.decompressobj(bits)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Undo the coding."""
        while data:
            if self._state.eof:
                if not self._gzip:
                    raise zlib.error("bytes after the end")
                self._state = self._fresh(zlib.MAX_WBITS | 16)
            piece = self._step(data)
            while len(piece) == PIECE and not self._state.eof and not self._state.unconsumed_tail:
                yield piece  # all input is taken, and there may be more output
                piece = self._state.decompress(b"", PIECE)
            yield piece
            data = self._state.unused_data if self._state.eof else self._state.unconsumed_tail

    def _step(self, data: bytes) -> bytes:
        before = self._first
        if len(before) < FRAME_BYTES:
            self._first = (before + data)[:FRAME_BYTES]
        try:
            return self._state.decompress(data, PIECE)
        except zlib.error:
            if self._gzip or len(before) >= FRAME_BYTES:
                raise
            self._state = self._fresh(-zlib.MAX_WBITS)
            return self._state.decompress(before + data, PIECE)

    @property
    def ended(self) -> bool:
        """Whether the last member is whole."""
        return self._state.eof


async def read_body(raw: AsyncIterable[bytes], encoding: str, request: str) -> bytes:
    """Read a body to its end and undo its Content-Encoding.

    Raises:
        BadAnswer: More than `foreign.limits` allows on the wire or decoded, a coding that was not asked for, or bytes
            that are not in the coding that the answer names.
    """
    body = bytearray()
    try:
        await _read_into(body, raw, encoding, request)
        return bytes(body)
    finally:
        body.clear()  # an exception keeps its frames, and a report keeps exceptions: not 16 MiB with each


async def _read_into(body: bytearray, raw: AsyncIterable[bytes], encoding: str, request: str) -> None:
    decoders = [_decoder(coding, request) for coding in reversed(_codings(encoding, request))]
    wire = 0
    try:
        async for chunk in raw:
            wire += len(chunk)
            if wire > WIRE_BYTES:
                raise BadAnswer(request, f"a body of over {WIRE_BYTES / MIB:g} MiB: reading was stopped")
            for piece in _through(decoders, chunk):
                body += piece
                if len(body) > BODY_BYTES:
                    raise BadAnswer(
                        request, f"{wire} bytes of {encoding or 'body'} become over {BODY_BYTES / MIB:g} MiB"
                    )
                await asyncio.sleep(0)  # where the deadline can end it
    except zlib.error as error:
        raise BadAnswer(request, f"says Content-Encoding: {encoding}, and is not ({error})") from error
    if wire and not all(decoder.ended for decoder in decoders):
        raise BadAnswer(request, f"says Content-Encoding: {encoding}, and ends before its end")


def _codings(encoding: str, request: str) -> list[str]:
    codings = [coding.strip().lower() for coding in encoding.split(",")]
    codings = [coding for coding in codings if coding and coding != "identity"]
    if len(codings) > CODINGS:
        raise BadAnswer(request, f"Content-Encoding names {len(codings)} codings, one within the other")
    return codings


def _decoder(coding: str, request: str) -> _Decoder:
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise BadAnswer(
            request, f"says Content-Encoding: {excerpt(coding, 40)!r}, which was not asked for ({ACCEPTED})"
        )
    return _Inflate(coding)


def _through(decoders: list[_Decoder], data: bytes) -> Iterator[bytes]:
    """The data through all decoders, outermost first. Lazy: nothing is decoded before it is asked for.

    Empty pieces are passed on as well, so that the deadline can also end a stream that decodes to nothing.
    """
    if not decoders:
        yield data
        return
    for piece in decoders[0].feed(data):
        if len(decoders) > 1:
            yield b""
            yield from _through(decoders[1:], piece) if piece else ()
        else:
            yield piece
