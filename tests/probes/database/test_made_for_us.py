"""What a killed run made through the service's API is found by its owner, one of our users; no other row is."""

from datetime import timedelta

import pytest

from probes.auth.pool import UserPool
from probes.auth.tokens import User
from probes.database.connection import Connection, TableShape
from probes.database.layout import Layout
from probes.database.made_for_us import made_for_us
from probes.database.seeding import Row, Seeder
from tests.probes.database.conftest import Database

OLD = "now() - interval '2 hours'"
OURS = {
    "thread-of-a-traveller": ("'nv-traveller-001'", "NULL", OLD),
    "thread-of-one-run": ("'nv-20261126t010203z-abcdef-owner-002'", """'{"user_id": "nv-owner-002"}'""", OLD),
    "thread-of-a-long-user": (f"'{UserPool.lengthened(User('nv-owner-003', ''), 255, 'b').sub}'", "NULL", OLD),
    "thread-of-a-user-cut": (f"'nv-owner-003{'x' * 80}'", "NULL", OLD),
    "thread-by-metadata": ("NULL", """'{"user_id": "nv-owner-001", "a": 1}'""", OLD),
}
OTHERS = {
    "thread-of-this-minute": ("'nv-traveller-001'", "NULL", "now()"),
    "thread-of-somebody": ("'nv-traveller-001x'", "NULL", OLD),
    "thread-of-a-namesake": ("'nv-'", "NULL", OLD),
    "thread-that-speaks-of-us": ("'somebody'", """'{"user_id": "somebody", "of": "nv-owner-001"}'""", OLD),
    "thread-with-two-owners": ("'somebody'", """'{"user_id": "nv-owner-001"}'""", OLD),
    "thread-of-ours-by-column-alone": ("'nv-owner-001'", """'{"user_id": "somebody"}'""", OLD),
    "nv-20261126T010203Z-abcdef-0000001": ("'nv-owner-001'", "NULL", OLD),
}


async def test_rows_of_our_users_are_found_and_removed_and_nobody_elses(
    database: Database, connection: Connection, table: TableShape, seeder: Seeder
) -> None:
    before = await database.checksum()
    for name, (owner, metadata, created) in {**OURS, **OTHERS}.items():
        await database.owner.execute(
            "INSERT INTO threads (id, object, created_at, updated_at, user_id, metadata_) "  # noqa: S608 - written above
            f"VALUES ('{name}', 'thread', {created}, {created}, {owner}, {metadata})"
        )
    found = await made_for_us(connection, table, timedelta(hours=1))
    assert found == sorted(OURS)
    assert await seeder.remove([Row(one, "", "", {}) for one in found]) == len(OURS)
    left = {row["id"] for row in await database.owner.fetch("SELECT id FROM threads")}
    assert left >= OTHERS.keys()
    await database.owner.execute("DELETE FROM threads WHERE id = ANY($1)", list(OTHERS))
    assert await database.checksum() == before


@pytest.mark.parametrize("owner_in", ["column", "metadata"])
async def test_a_table_without_one_of_the_two_places_is_searched_by_the_other(
    database: Database, connection: Connection, table: TableShape, owner_in: str
) -> None:
    gone = "metadata_" if owner_in == "column" else "user_id"
    await database.owner.execute(
        "INSERT INTO threads (id, object, created_at, updated_at, user_id, metadata_) VALUES "  # noqa: S608 - as above
        f"""('mine', 'thread', {OLD}, {OLD}, 'nv-owner-001', '{{"user_id": "nv-owner-001"}}')"""
    )
    columns = {name: kind for name, kind in table.columns.items() if name != gone}
    shape = TableShape(table.name, columns, Layout())
    assert await made_for_us(connection, shape, timedelta(hours=1)) == ["mine"]
