"""The long way before a server: bytes arrive whole and late, and so does an end, however it came about."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from bench.delayed import delayed

ROUND_TRIP_S = 0.05
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def client_of(serve: Serve) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to this server, a round trip away."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, delayed(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", ROUND_TRIP_S) as url:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        yield reader, writer
        writer.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, to its end."""
    while some := await reader.read(1024):
        writer.write(some)
        await writer.drain()
    writer.close()


async def last_words(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say goodbye with bytes still unread, as a server does that was sent too much: the connection is reset."""
    await reader.read(1)
    writer.write(b"too much")
    await writer.drain()
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()


async def test_what_is_sent_comes_back_whole_and_no_sooner_than_the_way_allows() -> None:
    async with client_of(echo) as (reader, writer):
        begun, sent = time.perf_counter(), bytes(range(256)) * 1024
        writer.write(sent)
        assert await reader.readexactly(len(sent)) == sent
        assert time.perf_counter() - begun >= 2 * ROUND_TRIP_S - 0.001  # one to connect, one there and back


async def test_a_connection_that_the_server_resets_ends_for_the_client_too() -> None:
    async with client_of(last_words) as (reader, writer):
        writer.write(b"x" * 1024 * 1024)
        assert await reader.read(-1) in {b"too much", b""}  # a reset may take its last words with it


async def test_a_server_that_is_down_is_a_connection_that_ends() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with delayed(f"http://127.0.0.1:{taken.getsockname()[1]}", ROUND_TRIP_S) as url:
            place = urlsplit(url)
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            assert await reader.read(1) == b""
            writer.close()
