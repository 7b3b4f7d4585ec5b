"""A real CONNECT proxy for self-tests: whatever name is asked for, the tunnel leads to one port on loopback."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"
OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(slots=True)
class Tunnels:
    """Where the proxy is, and which places it was asked for."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def tunnelling(port: int, credentials: str = "") -> AsyncIterator[Tunnels]:
    """A proxy; with `credentials` ("user:password") it lets nobody else through."""
    tunnels, busy = Tunnels(), set[asyncio.Task[None]]()
    wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        tunnels.asked.append(head.split(b" ")[1].decode())
        if credentials and wanted not in head:
            writer.write(REFUSED)
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(OPENED)
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        busy.add(task)
        task.add_done_callback(busy.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    tunnels.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield tunnels
    finally:
        server.close()
        left = list(busy)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on all that comes, until one side has gone."""
    try:
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # one side has gone; so does the other
    finally:
        writer.close()
