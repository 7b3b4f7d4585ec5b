"""Our rows: seeded into whatever table there is, and removed again, with no other row touched."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from probes.database.census import take_census
from probes.database.connection import Connection, connect, find_table
from probes.database.metadata_shapes import SHAPES
from probes.database.seeding import RowSpec, Seeder
from probes.errors import SourceRefused
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from tests.probes.database.conftest import DEADLINES, Database
from tests.system.waiting import HANGS_S
from twin.postgres import Postgres

YOUNG = "29990101T000000Z-abcdef"


async def seed(seeder: Seeder, specs: list[RowSpec]) -> None:
    await seeder.insert(seeder.reserve(specs), specs)


async def test_every_shape_is_written_as_it_is(database: Database, seeder: Seeder) -> None:
    before = await database.checksum()
    await seed(seeder, [RowSpec(owner="nv-owner", shape=shape) for shape in SHAPES])
    kinds = await database.owner.fetch(
        "SELECT coalesce(jsonb_typeof(metadata_), 'SQL NULL') AS kind FROM threads WHERE id LIKE 'nv-%' ORDER BY id"
    )
    expected = ["SQL NULL", "null", "object", "array", "array", "string", "number", "boolean"]
    assert [row["kind"] for row in kinds][:8] == expected
    assert await seeder.residue() == len(SHAPES)
    assert await seeder.remove_run() == len(SHAPES)
    assert (await database.ours(), await database.checksum()) == (0, before)


VARIANTS = {
    "json": ("DROP INDEX ix_threads_metadata_owner", "ALTER TABLE threads ALTER metadata_ TYPE json"),
    "text": ("DROP INDEX ix_threads_metadata_owner", "ALTER TABLE threads ALTER metadata_ TYPE text"),
    "no user_id": ("ALTER TABLE threads DROP COLUMN user_id CASCADE",),
    "no updated_at": ("ALTER TABLE threads DROP COLUMN updated_at CASCADE",),
    "integer times": (
        "ALTER TABLE threads ALTER created_at DROP DEFAULT",
        "ALTER TABLE threads ALTER created_at TYPE integer USING extract(epoch FROM created_at)::integer",
    ),
    "naive times": ("ALTER TABLE threads ALTER created_at TYPE timestamp",),
}


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_table_of_another_revision_is_seeded_as_it_is(database: Database, variant: str) -> None:
    for statement in VARIANTS[variant]:
        await database.owner.execute(statement)
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        table = await find_table(connection, "threads")
        assert table is not None
        seeder = Seeder(connection, table, YOUNG)
        await seed(seeder, [RowSpec(owner="nv-owner", shape=shape) for shape in SHAPES])
        assert await seeder.residue() == len(SHAPES)
        assert (await take_census(connection, table)).bad == {}
        assert await seeder.remove_run() == len(SHAPES)


async def test_only_old_rows_of_ours_are_reaped(database: Database, connection: Connection, seeder: Seeder) -> None:
    before = await database.checksum()
    table = await find_table(connection, "threads")
    assert table is not None
    await seed(seeder, [RowSpec(owner="nv-owner")] * 3)
    young = Seeder(connection, table, YOUNG)
    await seed(young, [RowSpec(owner="nv-owner")] * 2)
    assert len(await young.leftovers(timedelta(hours=1))) == 3
    assert await young.reap(timedelta(hours=1)) == 3
    assert (await database.ours(), await database.checksum()) == (2, before)


async def test_an_id_that_only_begins_like_ours_may_be_anyone_s_and_is_never_reaped(
    database: Database, connection: Connection, seeder: Seeder
) -> None:
    table = await find_table(connection, "threads")
    assert table is not None
    theirs = ["nv-1", "nv-", "nv-20250101T000000Z", "nv-0a1b2c3d-thread", "nv-2025 and later"]
    rows = seeder.reserve([RowSpec(owner="nv-owner")] * len(theirs))
    await seeder.insert(rows, [RowSpec(owner="nv-owner")] * len(theirs))
    for row, name in zip(rows, theirs, strict=True):
        await database.owner.execute("UPDATE threads SET id = $1 WHERE id = $2", name, row.id)
    young = Seeder(connection, table, YOUNG)
    assert await young.leftovers(timedelta(hours=1)) == []
    assert await young.reap(timedelta(hours=1)) == 0
    assert await database.ours() == len(theirs)


FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON threads FOR EACH ROW EXECUTE FUNCTION full_disk()
"""
POLICY = """
ALTER TABLE threads ENABLE ROW LEVEL SECURITY;
CREATE POLICY theirs ON threads TO netra_verify USING (true) WITH CHECK ({allowed})
"""
REFUSALS = {  # what the owner arranges, and what our own session has
    "no right to insert": ("REVOKE INSERT ON threads FROM netra_verify", "SELECT 1"),
    "a read-only replica": ("SELECT 1", "SET default_transaction_read_only = on"),
    "a row-level-security policy": (POLICY.format(allowed="false"), "SELECT 1"),
    "a full disk": (FULL_DISK, "SELECT 1"),
}


@pytest.mark.parametrize("why", REFUSALS)
async def test_a_database_that_takes_no_rows_says_why_and_keeps_none(database: Database, why: str) -> None:
    arranged, session = REFUSALS[why]
    await database.owner.execute(arranged)
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        await connection.execute(session)
        table = await find_table(connection, "threads")
        assert table is not None
        with pytest.raises(SourceRefused, match="seeding was refused"):
            await seed(Seeder(connection, table, YOUNG), [RowSpec(owner="nv-owner")] * 5)
    assert await database.ours() == 0


async def test_where_copy_can_not_pass_an_insert_does(database: Database) -> None:
    await database.owner.execute(POLICY.format(allowed="true"))
    before = await database.checksum()
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        table = await find_table(connection, "threads")
        assert table is not None
        seeder = Seeder(connection, table, YOUNG)
        await seed(
            seeder,
            [RowSpec(owner="nv-owner", shape=shape) for shape in SHAPES] + [RowSpec(owner="nv-owner", deleted=True)],
        )
        assert await seeder.residue() == len(SHAPES) + 1
        assert await seeder.remove_run() == len(SHAPES) + 1
    assert (await database.ours(), await database.checksum()) == (0, before)


async def test_a_table_under_another_schema_is_not_found_instead_of_guessed(database: Database) -> None:
    await database.owner.execute("CREATE SCHEMA hidden; ALTER TABLE threads SET SCHEMA hidden")
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        assert await find_table(connection, "threads") is None
        await database.owner.execute("GRANT USAGE ON SCHEMA hidden TO netra_verify")
        found = await find_table(connection, "hidden.threads")
        assert found is not None
        seeder = Seeder(connection, found, YOUNG)
        await seed(seeder, [RowSpec(owner="nv-owner")] * 5)
        assert await seeder.remove_run() == 5
    await database.owner.execute("DROP SCHEMA hidden CASCADE")


CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_copy WHERE bytes_processed > 1000000"


async def test_a_connection_that_drops_in_mid_seed_leaves_nothing(postgres: Postgres, database: Database) -> None:
    async def cut() -> int:
        admin = await asyncpg.connect(postgres.url("postgres", postgres.admin))
        while not (found := int(await admin.fetchval(CUT))):
            pass  # each look is a round trip
        await admin.close()
        return found

    long = Deadlines(statement=10 * HANGS_S)  # it is the loss that ends it, and no deadline
    async with connect(Secret(database.url), "self-test", long) as connection, asyncio.timeout(HANGS_S):
        table = await find_table(connection, "threads")
        assert table is not None
        large = next(shape for shape in SHAPES if shape.id == "1 MiB")
        cutting = asyncio.create_task(cut())
        with pytest.raises(SourceRefused, match=r"seeding was (cut off|refused)"):
            await seed(Seeder(connection, table, YOUNG, long), [RowSpec(owner="nv-owner", shape=large)] * 200)
    assert await cutting == 1
    assert await database.ours() == 0


async def test_a_locked_table_makes_us_wait_no_longer_than_our_lock_timeout(database: Database, seeder: Seeder) -> None:
    async with database.owner.transaction():
        await database.owner.execute("LOCK TABLE threads IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SourceRefused, match="lock"):
            await seed(seeder, [RowSpec(owner="nv-owner")])


async def test_the_application_is_never_locked_out_by_seeding(database: Database, connection: Connection) -> None:
    table = await find_table(connection, "threads")
    assert table is not None
    async with connection.transaction():
        await seed(Seeder(connection, table, YOUNG), [RowSpec(owner="nv-owner")] * 100)
        await database.owner.execute("SET lock_timeout = '200ms'")
        assert await database.owner.execute("UPDATE threads SET title = title WHERE id LIKE 'thread-%'") == "UPDATE 50"


async def test_a_census_that_takes_too_long_ends_at_our_limit(database: Database) -> None:
    await database.owner.execute(
        "INSERT INTO threads (id, user_id) SELECT 'thread-' || n, 'x' FROM generate_series(1, 200000) AS n"
    )
    with pytest.raises(SourceRefused, match=r"timeout|Timeout"):
        await _census_within(database.url, 0.02)


async def _census_within(url: str, seconds: float) -> None:
    async with connect(Secret(url), "self-test", Deadlines(statement=seconds)) as connection:
        table = await find_table(connection, "threads")
        assert table is not None
        await take_census(connection, table)
