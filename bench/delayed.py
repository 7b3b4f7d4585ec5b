"""A way of a given length before a server: bytes arrive as they were sent, each half a round trip later."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 64 * 1024


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, later_s: float, first_s: float) -> None:
    """Carry bytes on, all of them as much later; those of the first moment `first_s` later still."""
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    opened = time.perf_counter() + first_s

    async def deliver() -> None:
        with suppress(ConnectionError):  # the other side has gone
            while True:
                due, some = await waiting.get()
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                if not some:
                    break
                writer.write(some)
                await writer.drain()
        writer.close()

    async def take() -> None:
        while True:
            try:
                some = await reader.read(CHUNK)
            except ConnectionError:
                some = b""  # a reset is passed on as an end: otherwise the other side would wait for ever
            waiting.put_nowait((max(time.perf_counter(), opened) + later_s, some))
            if not some:
                return

    await asyncio.gather(take(), deliver())


@asynccontextmanager
async def delayed(url: str, round_trip_s: float) -> AsyncIterator[str]:
    """The server of a URL behind a way of this length, which opening a connection takes once as well; its new URL."""
    place = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(place.hostname, place.port)
        except OSError:  # the server is down, which a client learns by a connection that ends
            writer.close()
            return
        await asyncio.gather(
            _carry(reader, there_writer, round_trip_s / 2, round_trip_s),
            _carry(there_reader, writer, round_trip_s / 2, 0.0),
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
