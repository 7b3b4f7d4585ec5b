"""Servers on loopback for as long as a block lasts; what they still have open ends with it."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOPBACK = "127.0.0.1"
CHUNK, POLL_S = 64 * 1024, 0.02
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Talks:
    """The connections of a server: each is served by a task of its own, and closed when that ends."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._open: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to serve a connection."""
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        finally:
            writer.close()

    async def end(self) -> None:
        """End every connection that is still served."""
        left = list(self._open)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@asynccontextmanager
async def listening(serve: Serve, *, tls: ssl.SSLContext | None = None, limit: int = CHUNK) -> AsyncIterator[int]:
    """A server in this event loop; yields its port. `limit` is the most that a reader keeps in its buffer, in bytes."""
    talks = Talks(serve)
    server = await asyncio.start_server(talks.accept, LOOPBACK, 0, ssl=tls, limit=limit)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await talks.end()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on everything that comes, until one side has gone."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # one side has gone; so does the other
    finally:
        writer.close()


class Quiet:
    """For a handler of http.server: it logs nothing on standard error."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering_with(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """An HTTP server in a thread of its own, by http.server's handler; yields its URL."""
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_S}, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
