"""A real CONNECT proxy for self-tests: whatever name is asked for, the tunnel leads to one port on loopback."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.loopback import LOOPBACK, listening, pump

REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"
OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(slots=True)
class Tunnels:
    """Where the proxy is, and which places it was asked for."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def tunnelling(port: int, credentials: str = "") -> AsyncIterator[Tunnels]:
    """A proxy; with `credentials` ("user:password") it refuses clients that do not send them."""
    tunnels = Tunnels()
    wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        tunnels.asked.append(head.split(b" ")[1].decode())
        if credentials and wanted not in head:
            writer.write(REFUSED)
            return
        there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(OPENED)
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    async with listening(serve) as own_port:
        tunnels.url = f"http://{LOOPBACK}:{own_port}"
        yield tunnels
