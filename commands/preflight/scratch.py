"""The scratch server: the only database that preflight may touch, and how it is recognised."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from commands.preflight.relay import IDENTITY, Relay
from probes.database.connection import Connection, connect
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from targets.loading import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Its address and our credentials."""

    host: str
    port: int
    user: str
    password: str
    database: str


def read_scratch(url: str) -> Scratch:
    """A scratch server's URL in parts. Raises ConfigurationError if a part is missing."""
    parts = urlsplit(url)
    if not (parts.hostname and parts.username and parts.path.strip("/")):
        raise ConfigurationError(
            "The scratch database's URL (--database or NETRA_SCRATCH_URL) must contain host, user and database: "
            "postgresql://user:password@host:port/database."
        )
    return Scratch(
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")),
    )


@asynccontextmanager
async def watched(url: str, scratch: Scratch) -> AsyncIterator[tuple[Connection, Relay, int]]:
    """Our own connection to it, the relay in front of it, and the relay's port."""
    async with connect(Secret(url), "preflight", Deadlines()) as connection:
        relay = Relay(host=scratch.host, port=scratch.port, identity=str(await connection.fetchval(IDENTITY)))
        port = await relay.open()
        try:
            yield connection, relay, port
        finally:
            await relay.close()
