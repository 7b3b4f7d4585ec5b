"""A PostgreSQL with two databases in it: an empty one as scratch, and another person's with rows."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import asyncpg
import pytest
import pytest_asyncio

from probes.database.connection import Connection
from tests.probes.database.conftest import postgres as postgres  # noqa: PLC0414 - pytest finds a fixture by its name here
from twin.postgres import Postgres

EVERYTHING = """
SELECT json_agg(x ORDER BY x::text) FROM (
    SELECT json_build_array('table', relname, relfilenode, relnatts) AS x FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT json_build_array('column', attrelid, attname, atttypid) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT json_build_array('row', ctid::text, xmin::text, p) FROM precious p) everything
"""


@pytest.fixture(scope="session")
def serial() -> "count[int]":
    """Numbers for databases."""
    return count(1)


async def _create(postgres: Postgres, name: str) -> str:
    admin = await asyncpg.connect(postgres.url("postgres", postgres.admin, "postgres"))
    await admin.execute(f"CREATE DATABASE {name} OWNER netra")
    await admin.close()
    return postgres.url("netra", postgres.owner, name)


@pytest_asyncio.fixture(loop_scope="session")
async def scratch(postgres: Postgres, serial: "count[int]") -> str:
    """The URL of an empty database."""
    return await _create(postgres, f"scratch_{next(serial)}")


@dataclass(frozen=True, slots=True)
class Other:
    """A database that preflight was not given."""

    url: str
    connection: Connection

    async def contents(self) -> str:
        """Every object and every row, with where it lies and who wrote it."""
        return json.dumps(await self.connection.fetchval(EVERYTHING))


@pytest_asyncio.fixture(loop_scope="session")
async def other(postgres: Postgres, serial: "count[int]") -> AsyncIterator[Other]:
    """Somebody else's database."""
    url = await _create(postgres, f"other_{next(serial)}")
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE precious (id int PRIMARY KEY, name text)")
    await connection.execute("INSERT INTO precious SELECT i, 'row ' || i FROM generate_series(1, 20) i")
    yield Other(url, connection)
    await connection.close()
