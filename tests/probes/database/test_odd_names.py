"""Columns whose names are words of SQL, or have capitals: a statement has to mean the column all the same."""

from datetime import timedelta

import pytest

from probes.database.census import take_census
from probes.database.connection import TableShape, find_table
from probes.database.layout import Layout
from probes.database.made_for_us import made_for_us
from probes.database.poison import find_poisoned
from probes.database.repair import plan_repair, rehearse, repairs_for, scope_of
from probes.database.residue import seen_in_rows
from probes.database.seeding import RowSpec, Seeder
from tests.probes.database.conftest import Database

LAYOUTS = {
    "words of SQL": Layout(id="order", owner="user", metadata="group", created_at="current_time", title="select"),
    "capitals": Layout(id="threadId", owner="userId", metadata="metaData", created_at="createdAt", title="Title"),
}
RUN = "20260107T000000Z-abcdef"


async def _table(database: Database, layout: Layout) -> TableShape:
    await database.owner.execute("DROP TABLE IF EXISTS odd")
    await database.owner.execute(
        f'CREATE TABLE odd ("{layout.id}" text PRIMARY KEY, "{layout.owner}" text, "{layout.metadata}" json, '
        f'"{layout.created_at}" timestamptz, "{layout.title}" text)'
    )
    found = await find_table(database.owner, "odd", layout)
    assert found is not None
    return found


@pytest.mark.parametrize("name", LAYOUTS)
async def test_an_owner_is_read_from_its_column_and_not_from_the_session(database: Database, name: str) -> None:
    table = await _table(database, LAYOUTS[name])
    rows = [
        ("a", "ann", None),
        ("b", "ann", '{"user_id": "ann"}'),
        ("c", "ann", '{"user_id": "bo"}'),
        ("d", "ann", "{}"),
    ]
    await database.owner.executemany("INSERT INTO odd VALUES ($1, $2, $3)", rows)
    census = await take_census(database.owner, table)
    assert (census.total, census.bad, census.disagreeing_owners) == (4, {"sql_null": 1}, 1)
    assert (await find_poisoned(database.owner, table)).rows == 0
    plan = await plan_repair(database.owner, table)
    assert plan.counts == {"sql-null": 1, "not-an-object": 0, "no-user-id": 1, "no-column-owner": 0}
    await database.owner.execute(plan.script())
    named = await database.owner.fetch(f"SELECT {table.sql.metadata} ->> 'user_id' FROM odd ORDER BY 1")  # noqa: S608 - written above
    assert [row[0] for row in named] == ["ann", "ann", "ann", "bo"]


@pytest.mark.parametrize("name", LAYOUTS)
async def test_rows_are_seeded_seen_and_removed_by_these_names(database: Database, name: str) -> None:
    table = await _table(database, LAYOUTS[name])
    seeder = Seeder(database.owner, table, RUN)
    rehearsal = await rehearse(
        database.owner,
        table,
        seeder,
        [one.statement(table.name, scope_of(table, seeder)) for one in repairs_for(table)],
    )
    assert (rehearsal.error, rehearsal.unrepaired, rehearsal.touched, rehearsal.again) == ("", (), (), 0)
    specs = [RowSpec(owner="nv-owner-001")] * 2
    rows = seeder.reserve(specs)
    await seeder.insert(rows, specs)
    assert await seeder.residue() == 2
    assert await seen_in_rows(database.owner, table, ["nv-owner-001"]) == {"nv-owner-001"}
    assert await seeder.kind_of_metadata(rows[0].id) == "object"
    assert len(await seeder.leftovers(timedelta(0))) == 2
    assert await seeder.remove(rows[:1]) == 1
    assert await seeder.remove_of("nv-owner-001") == 1
    await database.owner.execute("INSERT INTO odd VALUES ('made', 'nv-owner-001', NULL, now() - interval '2 h')")
    assert await made_for_us(database.owner, table, timedelta(hours=1)) == ["made"]
