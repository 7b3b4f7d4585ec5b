"""What is said of a row before it exists, what is then in the table, and which rows go again."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from probes.database.connection import Connection, TableShape, connect, find_table
from probes.database.layout import Layout
from probes.database.metadata_shapes import PLAIN, SHAPES, TEXT_SHAPES, Shape
from probes.database.seeding import FEW, TITLE, RowSpec, Seeder
from probes.errors import SourceRefused
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from tests.probes.database.conftest import DEADLINES, Database
from tests.system.waiting import HANGS_S
from twin.postgres import Postgres

RUN = "20260107T000000Z-abcdef"
OWNER, OTHER = "nv-owner-000", "nv-other-000"
HOUR = timedelta(hours=1)
WITHOUT_COLUMNS = {"id": "text", "metadata_": "jsonb"}
SHAPED = {shape.id: shape for shape in (*SHAPES, *TEXT_SHAPES, PLAIN)}


def seeder_of(connection: Connection, table: TableShape, **layout: Any) -> Seeder:  # noqa: ANN401 - fields of a layout
    return Seeder(connection, replace(table, layout=Layout(**layout)), RUN)


async def seed(seeder: Seeder, *specs: RowSpec) -> list[str]:
    rows = seeder.reserve(specs)
    await seeder.insert(rows, specs)
    return [row.id for row in rows]


async def test_ids_name_the_run_and_are_in_order(seeder: Seeder) -> None:
    first = seeder.reserve([RowSpec(owner=OWNER)] * 2)
    second = seeder.reserve([RowSpec(owner=OWNER)])
    assert [row.id for row in (*first, *second)] == [f"nv-{RUN}-000000{number}" for number in (1, 2, 3)]
    assert all(row.says["id"] == row.id for row in first)


@pytest.mark.parametrize(
    "spec, owner",
    [
        (RowSpec(owner=OWNER), OWNER),
        (RowSpec(owner=OWNER, column_owner=OTHER), OTHER),
        (RowSpec(owner=OWNER, shape=SHAPED["sql-null"]), OWNER),
        (RowSpec(owner=OWNER, column_owner=""), OWNER),  # as the metadata says
        (RowSpec(owner=OWNER, shape=SHAPED["user_id null"], column_owner=""), ""),
    ],
)
async def test_the_columns_owner_counts_where_the_layout_has_one(spec: RowSpec, owner: str, seeder: Seeder) -> None:
    (row,) = seeder.reserve([spec])
    assert (row.owner, row.says["owner"], row.wanted, row.owned) == (owner, owner, OWNER, owner == OWNER)


async def test_a_column_that_is_never_null_always_has_the_owner(connection: Connection) -> None:
    for never_null, owner in ((frozenset[str](), ""), (frozenset({"user_id"}), OWNER)):
        seeder = seeder_of(connection, TableShape("threads", {"user_id": "text"}, never_null=never_null))
        (row,) = seeder.reserve([RowSpec(owner=OWNER, shape=SHAPED["{}"], column_owner="")])
        assert row.owner == owner


@pytest.mark.parametrize(
    "shape, owner",
    [
        ("plain", OWNER),
        ("sql-null", ""),
        ("json-null", ""),
        ("[1]", ""),
        ("{}", ""),
        ("user_id null", ""),
        ("user_id number", "7"),
        ("user_id with spaces", f"  {OWNER}  "),
        ("duplicate keys", OWNER),
    ],
)
@pytest.mark.parametrize("key", ["user_id", "owner"])
async def test_else_the_metadata_names_the_owner(shape: str, owner: str, key: str, connection: Connection) -> None:
    table = TableShape("threads", {**WITHOUT_COLUMNS, "user_id": "text"})
    seeder = seeder_of(connection, table, owner_in="metadata", owner_key=key)
    (row,) = seeder.reserve([RowSpec(owner=OWNER, shape=SHAPED[shape], column_owner=OTHER)])
    assert (row.owner, row.says["owner"]) == (owner, owner)


async def test_what_a_row_says_is_what_is_written_and_can_be_compared(seeder: Seeder) -> None:
    spec = RowSpec(owner=OWNER, title="a title", age=HOUR, created_age=2 * HOUR)
    plain, listed, poisoned, untitled, young = seeder.reserve(
        [
            spec,
            replace(spec, shape=SHAPED["[1]"]),
            replace(spec, shape=SHAPED["NUL escape"]),
            replace(spec, title=None),
            RowSpec(owner=OWNER, age=HOUR),
        ]
    )
    assert plain.says["metadata"] == {"user_id": OWNER}
    assert plain.says["updated_at"] - plain.says["created_at"] == 3600
    assert 3600 <= datetime.now(UTC).timestamp() - plain.says["updated_at"] < 3600 + HANGS_S
    assert plain.says["title"] == "a title"
    assert listed.says["metadata"] is None
    assert "metadata" not in poisoned.says
    assert untitled.says["title"] is None
    assert young.says["title"] == TITLE
    assert young.says["created_at"] == young.says["updated_at"]


async def test_what_has_no_column_goes_into_the_metadata_if_the_shape_carries_it(connection: Connection) -> None:
    bare = seeder_of(connection, TableShape("threads", WITHOUT_COLUMNS), title_key="name", updated_at_key="")
    carried, other = bare.reserve([RowSpec(owner=OWNER), RowSpec(owner=OWNER, shape=SHAPED["extra keys"])])
    assert carried.says["metadata"] == {"user_id": OWNER, "name": TITLE}
    assert set(carried.says) == {"id", "owner", "metadata", "title"}
    assert set(other.says) == {"id", "owner", "metadata"}
    timed = seeder_of(connection, TableShape("threads", {**WITHOUT_COLUMNS, "title": "text"}))
    (row,) = timed.reserve([RowSpec(owner=OWNER)])
    assert row.says["metadata"] == {"user_id": OWNER, "updated_at": row.says["updated_at"]}


@pytest_asyncio.fixture(loop_scope="session")
async def own_table(database: Database) -> AsyncIterator[Connection]:
    """A table with text, times of three kinds and no other columns, in our own session."""
    await database.owner.execute(
        "CREATE TABLE notes (id text, metadata_ text, title text, object text, created_at bigint, updated_at timestamp,"
        " deleted_at timestamptz); GRANT ALL ON notes TO netra_verify"
    )
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        yield connection


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_rows_are_written_as_they_say_in_a_table_of_other_types(count: int, own_table: Connection) -> None:
    table = await find_table(own_table, "notes")
    assert table is not None
    seeder = Seeder(own_table, table, RUN)
    specs = [RowSpec(owner=OWNER, age=HOUR, created_age=2 * HOUR, deleted=True, title="Grüße")] * count
    rows = seeder.reserve(specs)
    await seeder.insert(rows, specs)
    found = await own_table.fetch("SELECT * FROM notes ORDER BY id")
    assert [one["id"] for one in found] == [row.id for row in rows]
    first, says = found[0], rows[0].says
    assert (first["title"], first["object"], first["metadata_"]) == ("Grüße", "thread", f'{{"user_id": "{OWNER}"}}')
    assert first["created_at"] == says["created_at"]
    assert int(first["updated_at"].replace(tzinfo=UTC).timestamp()) == says["updated_at"]
    assert int(first["deleted_at"].timestamp()) == says["updated_at"]


@pytest.mark.parametrize("shape", ["sql-null", "NUL escape", "unicode and emoji"])
async def test_metadata_is_written_to_the_letter(shape: str, own_table: Connection) -> None:
    table = await find_table(own_table, "notes")
    assert table is not None
    await seed(Seeder(own_table, table, RUN), RowSpec(owner=OWNER, shape=SHAPED[shape]))
    assert await own_table.fetchval("SELECT metadata_ FROM notes") == SHAPED[shape].written(OWNER)
    assert await own_table.fetchval("SELECT deleted_at FROM notes") is None


async def test_rows_go_by_id_or_by_run_and_others_stay(
    database: Database, connection: Connection, seeder: Seeder
) -> None:
    before = await database.checksum()
    first, second, third = seeder.reserve([RowSpec(owner=OWNER)] * 3)
    await seeder.insert([first, second, third], [RowSpec(owner=OWNER)] * 3)
    table = await find_table(connection, "threads")
    assert table is not None
    (foreign,) = await seed(Seeder(connection, table, "20260108T000000Z-abcdef"), RowSpec(owner=OWNER))
    kinds = [await seeder.kind_of_metadata(one) for one in (first.id, foreign, "thread-none")]
    assert kinds == ["object", "object", None]
    assert await seeder.remove([first, second, first]) == 2
    assert [await seeder.kind_of_metadata(one.id) for one in (first, third)] == [None, "object"]
    assert (await seeder.residue(), await seeder.remove_run(), await seeder.residue()) == (1, 1, 0)
    assert await seeder.kind_of_metadata(foreign) is not None
    assert await database.checksum() == before


async def test_rows_of_a_user_go_wherever_they_name_it(database: Database, seeder: Seeder) -> None:
    await database.owner.execute("ALTER TABLE threads ALTER user_id DROP NOT NULL")
    statement = "INSERT INTO threads (id, user_id, metadata_) VALUES ($1, $2, $3)"
    for name, user, metadata in (
        ("by-column", OWNER, None),
        ("by-metadata", OTHER, f'{{"user_id": "{OWNER}"}}'),
        ("deeper", OTHER, f'{{"a": ["{OWNER}"]}}'),
        ("longer", OTHER, f'{{"user_id": "{OWNER}1"}}'),
        ("another", OTHER, None),
    ):
        await database.owner.execute(statement, f"nv-{name}", user, metadata)
    assert await seeder.remove_of(OWNER) == 3
    left = await database.owner.fetch("SELECT id FROM threads WHERE id LIKE 'nv-%' ORDER BY id")
    assert [row["id"] for row in left] == ["nv-another", "nv-longer"]


async def test_rows_of_someone_elses_user_are_not_ours_to_remove(database: Database, seeder: Seeder) -> None:
    before = await database.checksum()
    with pytest.raises(ValueError, match=r"^'someone' is not a user of this suite: its rows are not ours to remove$"):
        await seeder.remove_of("someone")
    assert await database.checksum() == before


async def test_in_a_table_that_names_no_user_nothing_is_removed_for_one(database: Database) -> None:
    await database.owner.execute("CREATE TABLE bare (id text); INSERT INTO bare VALUES ('nv-1')")
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        seeder = Seeder(connection, TableShape("bare", {"id": "text"}), RUN)
        assert await seeder.remove_of(OWNER) == 0
    assert await database.owner.fetchval("SELECT count(*) FROM bare") == 1


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_seeding_that_takes_too_long_says_so_and_ends_its_connection(count: int, database: Database) -> None:
    short = Deadlines(statement=0.1)
    async with connect(Secret(database.url), "self-test", DEADLINES, pgbouncer=True) as connection:
        table = await find_table(connection, "threads")
        assert table is not None
        seeder = Seeder(connection, table, RUN, short, session_has_deadlines=True)
        async with database.owner.transaction():
            await database.owner.execute("LOCK TABLE threads IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(SourceRefused) as caught:
                await seed(seeder, *[RowSpec(owner=OWNER)] * count)
        assert str(caught.value) == "INSERT INTO threads: seeding was not done within 0.1 s"
        assert connection.is_closed()
    assert await database.ours() == 0


WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def test_seeding_whose_connection_is_lost_says_so(database: Database, postgres: Postgres) -> None:
    async def cut() -> None:
        admin = await asyncpg.connect(postgres.url("postgres", postgres.admin))
        while not (waiting := await admin.fetchval(WAITING)):
            pass  # each look is a round trip
        await admin.execute("SELECT pg_terminate_backend($1)", waiting)
        await admin.close()

    long = Deadlines(statement=10 * HANGS_S, lock=10 * HANGS_S)
    async with connect(Secret(database.url), "self-test", long) as connection, asyncio.timeout(HANGS_S):
        table = await find_table(connection, "threads")
        assert table is not None
        async with database.owner.transaction():
            await database.owner.execute("LOCK TABLE threads IN ACCESS EXCLUSIVE MODE")
            cutting = asyncio.create_task(cut())
            with pytest.raises(SourceRefused) as caught:
                await seed(Seeder(connection, table, RUN, long), *[RowSpec(owner=OWNER)] * (FEW + 1))
            await cutting
    assert re.match(r"seeding was (cut off: the connection was lost|refused: \w+: .)", caught.value.detail)
    assert await database.ours() == 0


async def test_a_refusal_names_the_table_and_the_databases_own_reason(database: Database) -> None:
    await database.owner.execute("REVOKE INSERT ON threads FROM netra_verify")
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        table = await find_table(connection, "threads")
        assert table is not None
        with pytest.raises(SourceRefused) as caught:
            await seed(Seeder(connection, table, RUN), RowSpec(owner=OWNER))
    assert str(caught.value) == (
        "INSERT INTO threads: seeding was refused: InsufficientPrivilegeError: permission denied for table threads"
    )


async def test_a_shape_of_another_owners_key_is_written_with_it() -> None:
    shape = Shape(id="x", build=lambda owner: {"user_id": owner, "a": 1})
    assert shape.value("u", "owner") == {"owner": "u", "a": 1}
    assert shape.value("u") == {"user_id": "u", "a": 1}
    assert SHAPED["duplicate keys"].written("u", "owner") == '{"owner": "u", "topic": "first", "topic": "last"}'
    assert SHAPED["duplicate keys"].value("u") == {"user_id": "u", "topic": "last"}
    assert SHAPED["[1]"].value("u", "owner") == [1]
    assert (SHAPED["sql-null"].written("u"), SHAPED["json-null"].written("u")) == (None, "null")
