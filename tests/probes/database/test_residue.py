"""What a service makes for our tokens is counted and removed by our mark alone; a run knows of another one."""

import pytest

from probes.database.connection import Connection, TableShape, connect
from probes.database.metadata_shapes import SHAPES
from probes.database.residue import Trace, count_traces, remove_traces, seen_in_rows, take_turn
from probes.database.seeding import RowSpec, Seeder
from probes.errors import SourceRefused
from probes.secret import Secret
from tests.probes.database.conftest import DEADLINES, Database

USERS = Trace("users", "email", "%@netra-verify.invalid")
MAKE = (
    "CREATE TABLE users (id text PRIMARY KEY, email text NOT NULL)",
    "INSERT INTO users VALUES ('nv-a', 'nv-a@netra-verify.invalid'), ('b', 'b@example.test')",
    "INSERT INTO users VALUES ('c', 'c@netra-verify.invalid.example.test')",
)


async def test_ours_are_counted_and_removed_and_nobody_elses(database: Database, connection: Connection) -> None:
    for statement in (*MAKE, "GRANT SELECT, DELETE ON users TO netra_verify"):
        await database.owner.execute(statement)
    assert await count_traces(connection, USERS) == 1
    assert await remove_traces(connection, USERS) == 1
    assert await count_traces(connection, USERS) == 0
    assert await database.owner.fetchval("SELECT string_agg(id, ' ' ORDER BY id) FROM users") == "b c"


@pytest.mark.parametrize(
    "trace, said",
    [
        (Trace("nobody", "email", "nv-%"), "not in our search path"),
        (Trace("users", "mail", "nv-%"), "can't be counted: column"),
        (USERS, "permission denied"),
    ],
)
async def test_what_can_not_be_counted_is_said(
    database: Database, connection: Connection, trace: Trace, said: str
) -> None:
    for statement in (*MAKE, *(["GRANT SELECT ON users TO netra_verify"] if trace is not USERS else [])):
        await database.owner.execute(statement)
    with pytest.raises(SourceRefused, match=said):
        await count_traces(connection, trace)


async def test_one_run_has_the_turn_until_its_connection_ends(database: Database, connection: Connection) -> None:
    async with connect(Secret(database.url), "another", DEADLINES) as other:
        assert await take_turn(other)
        assert not await take_turn(connection)
    assert await take_turn(connection)


async def test_whom_rows_of_a_killed_run_name_is_seen_in_any_shape(
    connection: Connection, table: TableShape, seeder: Seeder
) -> None:
    specs = [
        RowSpec(owner="nv-owner-001", shape=SHAPES[0]),
        *(RowSpec(owner="nv-owner-002", shape=shape) for shape in SHAPES),
    ]
    await seeder.insert(seeder.reserve(specs), specs)
    names = ["nv-owner-001", "nv-owner-002", "nv-owner-003"]
    assert await seen_in_rows(connection, table, names) == {"nv-owner-001", "nv-owner-002"}
    await seeder.remove_run()
    assert not await seen_in_rows(connection, table, names)
