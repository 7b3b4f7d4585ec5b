"""A PostgreSQL of one's own with the application's schema, and rows of other people in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest_asyncio

from probes.database.connection import Connection, TableShape, connect, find_table
from probes.database.seeding import Seeder
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from twin.backend.migrate import migrate
from twin.ports import free_ports
from twin.postgres import Postgres
from twin.processes import Processes
from twin.seeding import seed_other_people

CHECKSUM = "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM threads t WHERE id NOT LIKE 'nv-%'"
DEADLINES = Deadlines()


@dataclass(frozen=True, slots=True)
class Database:
    """The scratch database: our URL, and its owner's connection to arrange things."""

    url: str
    owner: Connection

    async def ours(self) -> int:
        """How many of our rows are in it."""
        return int(await self.owner.fetchval("SELECT count(*) FROM threads WHERE id LIKE 'nv-%'"))

    async def checksum(self) -> str:
        """Over everybody else's rows."""
        return str(await self.owner.fetchval(CHECKSUM))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    processes = Processes()
    processes.open()
    try:
        server = Postgres(processes=processes, port=free_ports(1)[0])
        await server.start()
        yield server
    finally:
        await processes.close()


@pytest_asyncio.fixture(loop_scope="session")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """Freshly migrated for every test."""
    owner = await asyncpg.connect(postgres.owner_url, statement_cache_size=0)
    await owner.execute("DROP SCHEMA IF EXISTS public CASCADE")
    await owner.execute("CREATE SCHEMA public")
    await owner.execute("GRANT USAGE ON SCHEMA public TO netra_verify")
    await migrate(postgres.owner_url.replace("postgresql:", "postgresql+asyncpg:", 1))
    await owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON threads TO netra_verify")
    await owner.execute("GRANT SELECT ON alembic_version TO netra_verify")
    await seed_other_people(owner)
    yield Database(postgres.verify_url, owner)
    await owner.close()


@pytest_asyncio.fixture(loop_scope="session")
async def connection(database: Database) -> AsyncIterator[Connection]:
    async with connect(Secret(database.url), "self-test", DEADLINES) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def table(connection: Connection) -> TableShape:
    found = await find_table(connection, "threads")
    assert found is not None
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def seeder(connection: Connection, table: TableShape) -> Seeder:
    return Seeder(connection, table, "20260107T000000Z-abcdef")
