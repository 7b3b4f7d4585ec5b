"""The repair corrects every shape and nothing else; the report's own SQL aborts on the rows it is meant to correct."""

import pytest

from probes.database.connection import Connection, TableShape
from probes.database.metadata_shapes import SHAPES
from probes.database.repair import plan_repair, rehearse, repairs_for, scope_of
from probes.database.seeding import RowSpec, Seeder
from tests.probes.database.conftest import Database

# Fix 2 of the audit report, word for word but for the scope that keeps it to our rows.
OF_THE_REPORT = (
    "UPDATE threads SET metadata_ = '{{}}'::jsonb WHERE metadata_ IS NULL AND {scope}",
    """UPDATE threads SET metadata_ = jsonb_set(COALESCE(metadata_, '{{}}'::jsonb), '{{user_id}}', to_jsonb(user_id))
    WHERE metadata_->>'user_id' IS NULL AND user_id IS NOT NULL AND {scope}""",
)


async def test_our_repair_mends_every_shape_and_is_rolled_back(
    database: Database, connection: Connection, table: TableShape, seeder: Seeder
) -> None:
    before = await database.checksum()
    found = await rehearse(
        connection, table, seeder, [one.statement(table.name, scope_of(table, seeder)) for one in repairs_for(table)]
    )
    assert (found.error, found.unrepaired, found.touched, found.again) == ("", (), (), 0)
    assert found.shapes == len(SHAPES)
    assert (await database.ours(), await database.checksum()) == (0, before)


async def test_the_reports_own_sql_aborts(connection: Connection, table: TableShape, seeder: Seeder) -> None:
    found = await rehearse(
        connection, table, seeder, [one.format(scope=scope_of(table, seeder)) for one in OF_THE_REPORT]
    )
    assert "InvalidParameterValueError" in found.error
    assert "cannot set path in scalar" in found.error


@pytest.mark.parametrize("left_out", ["sql-null", "not-an-object", "no-user-id"])
async def test_without_one_of_its_statements_a_shape_stays(
    connection: Connection, table: TableShape, seeder: Seeder, left_out: str
) -> None:
    statements = [
        one.statement(table.name, scope_of(table, seeder)) for one in repairs_for(table) if one.name != left_out
    ]
    assert (await rehearse(connection, table, seeder, statements)).unrepaired


async def test_the_plan_counts_and_its_script_mends_what_it_counted(
    database: Database, connection: Connection, table: TableShape, seeder: Seeder
) -> None:
    owners = [RowSpec(owner="nv-owner", shape=shape) for shape in SHAPES]
    specs = [*owners, RowSpec(owner="nv-owner", column_owner="nv-other")]
    await seeder.insert(seeder.reserve(specs), specs)
    await database.owner.execute("UPDATE threads SET user_id = NULL WHERE id = 'thread-00-0'")
    plan = await plan_repair(connection, table)
    assert plan.counts == {"sql-null": 1, "not-an-object": 6, "no-user-id": 2, "no-column-owner": 1}
    assert plan.disagreeing == 3
    await database.owner.execute(plan.script())
    after = await plan_repair(connection, table)
    assert (sum(after.counts.values()), after.disagreeing) == (0, 3)
    owner = await database.owner.fetchval("SELECT user_id FROM threads WHERE id = 'thread-00-0'")
    assert owner == "user-00"


async def test_what_was_there_is_kept_in_the_object(
    database: Database, connection: Connection, table: TableShape, seeder: Seeder
) -> None:
    await seeder.insert(
        seeder.reserve([RowSpec(owner="nv-owner", shape=SHAPES[4])]), [RowSpec(owner="nv-owner", shape=SHAPES[4])]
    )
    await database.owner.execute((await plan_repair(connection, table)).script())
    kept = await database.owner.fetchval("SELECT metadata_ ->> 'repaired_from' FROM threads WHERE id LIKE 'nv-%'")
    assert kept == "[1]"
