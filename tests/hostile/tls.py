"""TLS of broken kinds: certificates that nobody should trust, and handshakes that never come to an end."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.authority import make_authority
from tests.serving import self_signed

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
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
async def tls_server(mode: str, accept: Accept) -> AsyncIterator[str]:
    """A server whose TLS is broken in that way; behind a handshake that a client takes all the same is `accept`."""
    busy: set[asyncio.StreamWriter] = set()

    def answer_raw(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        busy.add(writer)
        said = RAW[mode]
        if said is not None:
            writer.write(said)
            writer.close()

    with tempfile.TemporaryDirectory(prefix="netra-tls-") as folder:
        if mode in RAW:
            server = await asyncio.start_server(answer_raw, "127.0.0.1", 0)
        else:
            context = await asyncio.to_thread(_context, mode, Path(folder))
            server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in busy:
            writer.close()
