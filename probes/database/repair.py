"""Mending rows whose metadata is no object: guarded SQL to review, and a rehearsal that is rolled back.

The audit report's own UPDATE calls `jsonb_set` on every row without a user id; it raises on JSON null, scalars and
arrays, and so aborts on the rows that it is meant to mend. Each statement here looks at the shape first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from probes.database.connection import Connection, TableShape
from probes.database.metadata_shapes import PLAIN, SHAPES
from probes.database.seeding import RowSpec, Seeder

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Repair:
    """One guarded statement. `{table}` is the table, `{scope}` a further condition (TRUE for all rows)."""

    name: str
    why: str
    where: str
    change: str

    def statement(self, table: str, scope: str = "TRUE") -> str:
        """The UPDATE, to be run by whoever has reviewed it."""
        return f"UPDATE {table}\nSET {self.change}\nWHERE {self.where}\n  AND {scope};"

    def count(self, table: str) -> str:
        """How many rows it would change."""
        return f"SELECT count(*) FROM {table} WHERE {self.where}"  # noqa: S608 - as above


OWNED = "CASE WHEN user_id IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('user_id', user_id) END"
REPAIRS = (
    Repair(
        "sql-null",
        "metadata is SQL NULL: becomes an object with the column's owner",
        "metadata_ IS NULL",
        f"metadata_ = {OWNED}",
    ),
    Repair(
        "not-an-object",
        "metadata is JSON null, a scalar or an array: becomes an object; what was there is kept in it",
        "jsonb_typeof(metadata_) <> 'object'",
        f"metadata_ = {OWNED} || jsonb_build_object('repaired_from', metadata_)",
    ),
    Repair(
        "no-user-id",
        "metadata is an object without a user id, and the column has one: it is copied",
        "jsonb_typeof(metadata_) = 'object' AND user_id IS NOT NULL "
        "AND COALESCE(jsonb_typeof(metadata_ -> 'user_id'), 'null') = 'null'",
        "metadata_ = metadata_ || jsonb_build_object('user_id', user_id)",
    ),
    Repair(
        "no-column-owner",
        "the column has no owner, and metadata names one: it is copied",
        "user_id IS NULL AND jsonb_typeof(metadata_) = 'object' AND jsonb_typeof(metadata_ -> 'user_id') = 'string'",
        "user_id = metadata_ ->> 'user_id'",
    ),
)
DISAGREEING = (
    "user_id IS NOT NULL AND jsonb_typeof(metadata_) = 'object' "
    "AND COALESCE(jsonb_typeof(metadata_ -> 'user_id'), 'null') <> 'null' AND metadata_ ->> 'user_id' <> user_id"
)


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """How many rows each statement would change, and how many need a person to decide."""

    table: str
    counts: Mapping[str, int]
    disagreeing: int

    def script(self) -> str:
        """The SQL file to review: statements that have something to do, in one transaction."""
        lines = ["-- Review before running; nothing here has been run.", "BEGIN;", "SET LOCAL lock_timeout = '1s';", ""]
        for repair in REPAIRS:
            lines += [f"-- {repair.name}: {self.counts[repair.name]} rows. {repair.why}."]
            lines += [repair.statement(self.table), ""] if self.counts[repair.name] else [""]
        lines += [
            f"-- {self.disagreeing} rows have one owner in the column and another in metadata. They are not touched:",
            f"-- SELECT id, user_id, metadata_ ->> 'user_id' FROM {self.table}",  # noqa: S608 - as above
            f"-- WHERE {DISAGREEING};",
            "",
            "COMMIT;",
        ]
        return "\n".join(lines) + "\n"


async def plan_repair(connection: Connection, table: TableShape) -> RepairPlan:
    """Count what there is to mend. Only reads. Raises asyncpg.PostgresError, e.g. where metadata_ is no jsonb."""
    counts = {one.name: int(await connection.fetchval(one.count(table.name))) for one in REPAIRS}
    disagreeing = await connection.fetchval(f"SELECT count(*) FROM {table.name} WHERE {DISAGREEING}")  # noqa: S608 - as above
    return RepairPlan(table.name, counts, int(disagreeing))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a repair did to one row of every shape, before it was rolled back."""

    error: str  # empty when every statement ran
    unmended: tuple[str, ...]  # shapes that are not an object with their owner afterwards
    touched: tuple[str, ...]  # rows that were in order and are not the same afterwards
    again: int  # rows that a second run changed: 0 for a repair that runs twice alike
    shapes: int


OTHER_OWNER = "nv-somebody-else"


async def rehearse(connection: Connection, table: TableShape, seeder: Seeder, statements: Sequence[str]) -> Rehearsal:
    """Run a repair over one row of ours of every shape, and over sound and disagreeing ones; roll everything back.

    The statements must be scoped to rows of ours (`scope_of`), so that no row of anybody else is locked.
    """
    owner = f"{seeder.prefix}owner"
    specs = [RowSpec(owner, shape) for shape in SHAPES]
    sound = [RowSpec(owner, PLAIN), RowSpec(owner, PLAIN, column_owner=OTHER_OWNER)]
    transaction = connection.transaction()
    await transaction.start()
    try:
        rows = seeder.reserve([*specs, *sound])
        await seeder.insert(rows, [*specs, *sound])
        ids = [row.id for row in rows]
        before = await _read(connection, table, ids)
        error, again = "", 0
        try:
            for statement in statements:
                await connection.execute(statement)
            again = sum([_changed(await connection.execute(statement)) for statement in statements])
        except asyncpg.PostgresError as problem:
            error = f"{type(problem).__name__}: {problem}"
        after = {} if error else await _read(connection, table, ids)
    finally:
        await transaction.rollback()
    if error:
        return Rehearsal(error, tuple(shape.id for shape in SHAPES), (), 0, len(SHAPES))
    mended = {shape.id: after[row.id] for shape, row in zip(SHAPES, rows, strict=False)}
    return Rehearsal(
        "",
        tuple(name for name, row in mended.items() if not _in_order(row, name, owner)),
        tuple(row.id for row in rows[len(specs) :] if after[row.id] != before[row.id]),
        again,
        len(SHAPES),
    )


KEEPS_ITS_NAME = frozenset({"user_id number", "user_id with spaces"})  # disagreeing owners: a person decides


def _in_order(row: Found, shape: str, owner: str) -> bool:
    return bool(
        row["kind"] == "object" and row["user_id"] == owner and (row["named"] == owner or shape in KEEPS_ITS_NAME)
    )


async def _read(connection: Connection, table: TableShape, ids: Sequence[str]) -> dict[str, Found]:
    rows = await connection.fetch(
        f"SELECT id, user_id, metadata_::text AS written, jsonb_typeof(metadata_) AS kind, "  # noqa: S608 - as above
        f"CASE WHEN jsonb_typeof(metadata_) = 'object' THEN metadata_ ->> 'user_id' END AS named "
        f"FROM {table.name} WHERE id = ANY($1::text[])",
        list(ids),
    )
    return {row["id"]: dict(row) for row in rows}


def _changed(status: str) -> int:
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def scope_of(seeder: Seeder) -> str:
    """The condition that keeps a statement to this run's rows."""
    return f"id LIKE '{seeder.prefix}%'"
