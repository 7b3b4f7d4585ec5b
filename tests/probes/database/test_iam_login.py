"""A private database as a runner reaches it: through a proxy's port or socket, with a token in the password's place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import asyncpg
import pytest
from google.oauth2 import service_account

from probes.database.connection import connect
from probes.errors import SourceRefused
from probes.google.access_tokens import SQL_LOGIN
from probes.google.adc import Adc
from probes.secret import Secret
from tests.loopback import LOOPBACK, Talks, listening, pump
from tests.probes.answering import answering
from tests.probes.database.conftest import DEADLINES, Database
from tests.probes.google.test_access_tokens import key_for
from twin.postgres import Postgres


@asynccontextmanager
async def led_through(proxy: str, port: int) -> AsyncIterator[str]:
    """What stands for Google's Auth Proxy: a port, or a socket, that leads to the database; yields where it is."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    if proxy == "port":
        async with listening(lead) as own_port:
            yield f"{LOOPBACK}:{own_port}/netra"
        return
    with TemporaryDirectory(prefix="nv-") as folder:
        talks = Talks(lead)
        server = await asyncio.start_unix_server(talks.accept, Path(folder) / ".s.PGSQL.5432")
        try:
            yield f"/netra?host={folder}"
        finally:
            server.close()
            await talks.end()


@pytest.mark.parametrize("proxy", ["port", "socket"])
async def test_each_connection_has_a_token_that_is_valid_then(
    database: Database, postgres: Postgres, proxy: str
) -> None:
    """PostgreSQL takes the password for the token, and changes it where Google would have ended the first one."""
    port = urlsplit(database.url).port
    assert port is not None
    admin = await asyncpg.connect(postgres.url("postgres", postgres.admin))
    ended = {"expires_in": 0, "token_type": "Bearer"}
    answers = [(200, {"access_token": name, **ended}) for name in (postgres.verify, "the-next-token", "a-wrong-one")]
    try:
        with answering(*answers) as script:
            key = service_account.Credentials.from_service_account_info(key_for(script.url), scopes=[SQL_LOGIN])
            adc = Adc(key, learn=lambda _: None)
            async with led_through(proxy, port) as place:
                url = Secret(f"postgresql://netra_verify@{place}")
                async with connect(url, "first", DEADLINES, password=adc) as first:
                    await admin.execute("ALTER ROLE netra_verify PASSWORD 'the-next-token'")
                    async with connect(url, "second", DEADLINES, password=adc) as second:
                        assert await second.fetchval("SELECT current_user") == "netra_verify"
                    assert await first.fetchval("SELECT count(*) FROM threads") == 50
                with pytest.raises(SourceRefused, match="the password or the user is wrong"):
                    async with connect(url, "third", DEADLINES, password=adc):
                        raise AssertionError
        assert len(script.asked) == 3
    finally:
        await admin.execute(f"ALTER ROLE netra_verify PASSWORD '{postgres.verify}'")
        await admin.close()
