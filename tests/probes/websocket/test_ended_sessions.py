"""Whatever one does with a session that the other side has ended is an answer of that side, and never a crash."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.frames import Opcode

from probes.errors import BadAnswer
from probes.secret import Secret
from probes.websocket.raw_frames import RawFrame
from probes.websocket.sessions import Session
from tests.probes.websocket.joining import doorway
from tests.probes.websocket.raw import Answer, frame, opens, raw_server, wait_for_ever


def _then(end: Callable[[asyncio.StreamWriter], object]) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        end(writer)
        await writer.drain()
        await reader.read(1024)  # its close, or its end

    return answer


ENDS: dict[str, Answer] = {
    "half closed": _then(lambda writer: writer.write_eof()),
    "a frame of 2^63 bytes": _then(lambda writer: writer.write(frame(b"x", announced=1 << 62))),
    "a close with a code that there is none of": _then(lambda writer: writer.write(b"\x88\x02\xff\xff")),
    "a close": _then(lambda writer: writer.write(b"\x88\x02\x03\xe8")),
}


ACTS: dict[str, Callable[[Session], Awaitable[object]]] = {
    "a message": lambda session: session.send({"type": "heartbeat"}),
    "fragments": lambda session: session.send(iter(["{", "}"])),
    "a ping frame": lambda session: session.ping_frame(),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("end", ENDS)
async def test_an_ended_session_is_an_answer(end: str, act: str) -> None:
    async with raw_server(opens(ENDS[end])) as url:
        session = await doorway(url).open(Secret("user-0"))
        assert isinstance(session, Session)
        try:
            await session.wait_closed(20)
            with pytest.raises(BadAnswer, match="the session ended"):
                await ACTS[act](session)
        finally:
            await session.aclose()


async def test_a_raw_frame_after_our_own_end_is_an_answer() -> None:
    """The library has sent its close and the end of its stream: asyncio then refuses to write."""
    async with raw_server(opens(wait_for_ever)) as url:
        session = await doorway(url).open(Secret("user-0"))
        assert isinstance(session, Session)
        try:
            session.connection.transport.write_eof()
            with pytest.raises(BadAnswer, match="the session ended"):
                session.write(RawFrame(opcode=Opcode.TEXT, data=b"{}"))
        finally:
            await session.aclose()
