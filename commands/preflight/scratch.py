"""The scratch server: the only database that preflight may touch, and how it is recognised."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from commands.preflight.certificate import make_certificate
from commands.preflight.relay import IDENTITY, Relay
from probes.database.connection import Connection, connect
from probes.secret import Secret, without_frames
from probes.timing.deadlines import Deadlines
from targets.dsn import SCHEMES
from targets.loading import ConfigurationError

WANTED = (
    "The scratch database's URL (--database or NETRA_SCRATCH_URL) {problem}: it has the form "
    "postgresql://user:password@host:port/database, with %40 for an @ in the password, and %2F for a slash."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Its address and our credentials."""

    host: str
    port: int
    user: str
    password: str
    database: str


def read_scratch(url: str) -> Scratch:
    """A scratch server's URL in parts. Raises ConfigurationError if one is missing, or is what the relay can't use."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as error:
        # Its words may hold half of a password: what stands before a slash in it is read as a port.
        raise ConfigurationError(WANTED.format(problem="has a host or port that can't be read")) from without_frames(
            error
        )
    if parts.scheme not in SCHEMES:
        raise ConfigurationError(WANTED.format(problem="must begin with postgresql://, without the name of a driver"))
    if not (parts.hostname and parts.username and parts.path.strip("/")):
        raise ConfigurationError(WANTED.format(problem="must contain host, user and database"))
    if "," in parts.hostname or "%" in parts.hostname:
        raise ConfigurationError(WANTED.format(problem="must name one host, and no socket's folder"))
    return Scratch(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")),
    )


@asynccontextmanager
async def watched(url: str, scratch: Scratch) -> AsyncIterator[tuple[Connection, Relay, int]]:
    """Our own connection to it, the relay in front of it, and the relay's port."""
    with TemporaryDirectory(prefix="netra-preflight-") as folder:
        tls, certificate = make_certificate(Path(folder), scratch.host)
        async with _relayed(url, scratch, tls, certificate) as parts:
            yield parts


@asynccontextmanager
async def _relayed(
    url: str, scratch: Scratch, tls: SSLContext, certificate: Path
) -> AsyncIterator[tuple[Connection, Relay, int]]:
    async with connect(Secret(url), "preflight", Deadlines()) as connection:
        identity = str(await connection.fetchval(IDENTITY))
        relay = Relay(host=scratch.host, port=scratch.port, identity=identity, tls=tls, certificate=certificate)
        port = await relay.open()
        try:
            yield connection, relay, port
        finally:
            await relay.close()
