"""`sslrootcert=system`: the database's certificate is verified by what this machine trusts, its name too."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from probes.database.connection import connect
from probes.errors import SourceRefused
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from tests.authority import make_authority

SSL_REQUEST = struct.pack("!II", 8, 80877103)  # https://www.postgresql.org/docs/current/protocol-message-formats.html
REFUSAL = b"SFATAL\x00VFATAL\x00C28P01\x00Mno such user\x00\x00"


@asynccontextmanager
async def postgres_with(tls: ssl.SSLContext) -> AsyncIterator[int]:
    """As much of PostgreSQL as it takes: TLS is agreed on, and a client that comes through is refused by password."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readexactly(8) == SSL_REQUEST
            writer.write(b"S")
            await writer.start_tls(tls)
            (length,) = struct.unpack("!I", await reader.readexactly(4))
            await reader.readexactly(length - 4)
            writer.write(b"E" + struct.pack("!I", len(REFUSAL) + 4) + REFUSAL)
            await writer.drain()
        except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            pass  # the client did not trust it
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def said_of(port: int) -> str:
    url = Secret(f"postgresql://u:p@localhost:{port}/x?sslrootcert=system&sslmode=verify-full")
    with pytest.raises(SourceRefused) as caught:
        async with connect(url, "a-run", Deadlines()):
            pass
    return caught.value.detail


async def test_a_certificate_of_what_the_machine_trusts_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with postgres_with(authority.server_context(tmp_path, "localhost")) as port:
        assert "the password or the user is wrong" in await said_of(port)


@pytest.mark.parametrize("name, trusted", [("localhost", ""), ("elsewhere.invalid", "trusted")])
async def test_another_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: str) -> None:
    authority = make_authority(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with postgres_with(authority.server_context(tmp_path, name)) as port:
        assert "certificate" in (await said_of(port)).lower()
