"""Raw servers that no library would let be: what they say to a handshake, and what they do afterwards."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WELCOME = {
    "type": "system_message",
    "data": {"event": "connection_established", "connection_ready": True, "user_id": "user-0"},
}
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def frame(payload: bytes, opcode: int = 1, announced: int | None = None) -> bytes:
    """A frame of a server; `announced` is the length that it claims."""
    size = len(payload) if announced is None else announced
    if size < 126:
        return bytes([0x80 | opcode, size]) + payload
    return bytes([0x80 | opcode, 127]) + size.to_bytes(8, "big") + payload


def accepted(head: bytes) -> bytes:
    """The answer to a handshake that accepts it."""
    key = next(line for line in head.decode().splitlines() if line.lower().startswith("sec-websocket-key")).split()[1]
    token = base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {token}\r\n\r\n"
    ).encode()


@asynccontextmanager
async def raw_server(answer: Answer) -> AsyncIterator[str]:
    """A server that reads a handshake and then does what `answer` does; yields its URL."""
    held: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        held.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await answer(reader, writer, await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


def says(text: bytes) -> Answer:
    """Answers every handshake with the same bytes."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
        writer.write(text)
        await writer.drain()

    return answer


def opens(then: Answer, *, welcome: bool = True) -> Answer:
    """Accepts the handshake, welcomes, and goes on with `then`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(accepted(head))
        if welcome:
            writer.write(frame(json.dumps(WELCOME).encode()))
        await then(reader, writer, head)

    return answer


async def wait_for_ever(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _head: bytes) -> None:
    """Read, and never say anything: neither a pong nor a close."""
    while await reader.read(1024):
        pass
    await asyncio.Event().wait()
