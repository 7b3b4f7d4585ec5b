r"""Rows that `->>` can't read are found by their text, named, and never end one of our statements."""

import asyncpg
import pytest

from probes.database.census import take_census
from probes.database.connection import Connection, TableShape, connect, find_table
from probes.database.layout import Layout
from probes.database.metadata_shapes import PLAIN, SHAPES, TEXT_SHAPES
from probes.database.poison import find_poisoned
from probes.database.repair import plan_repair, rehearse, repairs_for, scope_of
from probes.database.seeding import RowSpec, Seeder
from probes.secret import Secret
from tests.probes.database.conftest import DEADLINES, Database

# The table as the service's own code makes it: no owner, title or time of change but in the metadata.
DEPLOYED = (
    "DROP INDEX ix_threads_metadata_owner",
    "ALTER TABLE threads ALTER metadata_ TYPE json",
    "ALTER TABLE threads DROP COLUMN user_id CASCADE",
    "ALTER TABLE threads DROP COLUMN title CASCADE",
    "ALTER TABLE threads DROP COLUMN updated_at CASCADE",
    "ALTER TABLE threads ALTER created_at DROP DEFAULT",
    "ALTER TABLE threads ALTER created_at TYPE integer USING extract(epoch FROM created_at)::integer",
)
LAYOUT = Layout(owner_in="metadata")
RUN = "29990101T000000Z-abcdef"
# JSON text -> whether the column's own operators raise on it.
TEXTS = {
    r'{"x": "\u0000"}': True,
    r'{"x": {"y": ["a", "\\\u0000"]}}': True,
    r'{"\u0000": 1}': True,
    r'{"x": "\ud83d"}': True,
    r'{"x": "\uDE80"}': True,
    r'{"x": "\ud83d\ud83d\ude80"}': True,
    r'{"x": "\ude80\ud83d"}': True,
    r'{"x": "\ud83d\ude80"}': False,
    r'{"x": "\uD83D\uDE80\ud83d\ude80"}': False,
    r'{"x": "a text about \\u0000"}': False,
    r'{"x": "\\\\ud83d"}': False,
    r'{"x": "\u00e9 \u20ac"}': False,
    '{"x": "plain"}': False,
    "null": False,
}


async def deployed(database: Database) -> None:
    for statement in DEPLOYED:
        await database.owner.execute(statement)


async def table_of(connection: Connection, layout: Layout | None = None) -> TableShape:
    found = await find_table(connection, "threads", layout)
    assert found is not None
    return found


@pytest.mark.parametrize("text", TEXTS)
async def test_a_row_is_named_exactly_when_the_server_can_not_read_it(database: Database, text: str) -> None:
    await deployed(database)
    await database.owner.execute("DELETE FROM threads")
    await database.owner.execute(
        "INSERT INTO threads (id, object, metadata_, created_at) VALUES ('x', 'thread', $1, 0)", text
    )
    raises = False
    try:
        await database.owner.fetchval("SELECT metadata_ ->> 'user_id' FROM threads")
    except (asyncpg.UntranslatableCharacterError, asyncpg.InvalidTextRepresentationError):
        raises = True
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        found = await find_poisoned(connection, await table_of(connection, LAYOUT))
    assert (found.rows == 1) == TEXTS[text] == raises
    assert found.ids == (("x",) if raises else ())


async def test_the_census_and_the_plan_go_past_rows_that_can_not_be_read(database: Database) -> None:
    await deployed(database)
    for number, text in enumerate((r'{"user_id": "a", "x": "\u0000"}', "null", "{}")):
        await database.owner.execute(
            "INSERT INTO threads (id, object, metadata_, created_at) VALUES ($1, 'thread', $2, 0)", f"p-{number}", text
        )
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        table = await table_of(connection, LAYOUT)
        census, plan = await take_census(connection, table), await plan_repair(connection, table)
    assert (census.bad, census.unreadable, census.missing_owners, census.disagreeing_owners) == (
        {"json_null": 1},
        1,
        2,
        0,
    )
    assert (dict(plan.counts), plan.disagreeing, plan.poisoned) == ({"sql-null": 0, "not-an-object": 1}, 0, 1)
    script = plan.script()
    assert "1 rows hold" in script
    assert "user_id," not in script
    await database.owner.execute(script)  # what it says does not abort on the row that it leaves alone
    with pytest.raises((asyncpg.UntranslatableCharacterError, asyncpg.InvalidTextRepresentationError)):
        await database.owner.execute("ALTER TABLE threads ALTER metadata_ TYPE jsonb USING metadata_::jsonb")


@pytest.mark.parametrize("kind", ["json", "text", "jsonb"])
@pytest.mark.parametrize("column", [True, False], ids=["an owner's column", "none"])
async def test_the_repair_mends_every_shape_in_every_table(database: Database, kind: str, *, column: bool) -> None:
    await database.owner.execute("DROP INDEX ix_threads_metadata_owner")
    await database.owner.execute(f"ALTER TABLE threads ALTER metadata_ TYPE {kind}")
    if not column:
        await database.owner.execute("ALTER TABLE threads DROP COLUMN user_id CASCADE")
    before = await database.checksum()
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        table = await table_of(connection, Layout() if column else LAYOUT)
        seeder = Seeder(connection, table, RUN)
        statements = [one.statement(table.name, scope_of(table, seeder)) for one in repairs_for(table)]
        found = await rehearse(connection, table, seeder, statements)
    assert (found.error, found.unrepaired, found.touched, found.again) == ("", (), (), 0)
    assert (await database.ours(), await database.checksum()) == (0, before)


async def test_what_names_no_owner_is_nobodys_where_metadata_decides(database: Database) -> None:
    await deployed(database)
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        seeder = Seeder(connection, await table_of(connection, LAYOUT), RUN)
        specs = [RowSpec(owner="nv-a", shape=shape) for shape in (*SHAPES, *TEXT_SHAPES, PLAIN)]
        rows = seeder.reserve(specs)
        await seeder.insert(rows, specs)
        named = await database.owner.fetch(
            "SELECT id, metadata_ ->> 'user_id' AS owner FROM threads WHERE starts_with(id, 'nv-') AND "
            r"metadata_::text !~ '\\u0000|\\ud83d'"
        )
        assert {row["id"]: row["owner"] or "" for row in named}.items() <= {row.id: row.owner for row in rows}.items()
        unowned = {spec.shape.id for spec, row in zip(specs, rows, strict=True) if not row.owned}
        assert await seeder.remove_run() == len(rows)
    assert unowned == {
        "sql-null",
        "json-null",
        "{}",
        "[]",
        "[1]",
        '"text"',
        "number",
        "true",
        "user_id null",
        "user_id number",
        "user_id with spaces",
    }


async def test_what_has_no_column_goes_into_the_metadata_that_carries_it(database: Database) -> None:
    await deployed(database)
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        seeder = Seeder(connection, await table_of(connection, LAYOUT), RUN)
        spec = RowSpec(owner="nv-a", shape=PLAIN, title="First light", column_owner="nv-b")
        (row,) = seeder.reserve([spec])
        await seeder.insert([row], [spec])
        told = await database.owner.fetchval("SELECT metadata_ ->> 'title' FROM threads WHERE id = $1", row.id)
    assert (told, row.says["title"], row.says["metadata"]["title"]) == ("First light",) * 3
    assert row.owner == "nv-a"  # there is no column in which another could be named
