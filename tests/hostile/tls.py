"""TLS of broken kinds: certificates that no client should trust, and handshakes that never come to an end."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.authority import make_authority
from tests.loopback import Serve, listening
from tests.serving import self_signed

ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal, handshake_failure
RAW: dict[str, bytes | None] = {  # what comes instead of a handshake; None: nothing ever
    "TLS that says nothing": None,
    "TLS that closes": b"",
    "TLS alert": ALERT,
    "no TLS at all": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "TLS of other bytes": b"\x16\x03\x03\xff\xff" + bytes(200),
}
TLS_MODES = ("self-signed TLS", "expired TLS", "TLS of another name", "TLS of an unknown CA", *RAW)


def _context(mode: str, folder: Path) -> ssl.SSLContext:
    if mode == "self-signed TLS":
        return self_signed(folder)[0]
    name = "elsewhere.invalid" if mode == "TLS of another name" else "localhost"
    return make_authority(folder).server_context(folder, name, expired=mode == "expired TLS")


@asynccontextmanager
async def tls_server(mode: str, serve: Serve) -> AsyncIterator[str]:
    """A server whose TLS is broken in that way; a client that goes on all the same is served by `serve`."""

    async def answer_raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = RAW[mode]
        if answer is None:
            await reader.read(-1)  # until the client has had enough
        else:
            writer.write(answer)

    context = None
    if mode not in RAW:
        with tempfile.TemporaryDirectory(prefix="netra-tls-") as folder:
            context = await asyncio.to_thread(_context, mode, Path(folder))
    async with listening(answer_raw if context is None else serve, tls=context) as port:
        yield f"https://localhost:{port}"
