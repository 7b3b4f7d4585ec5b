"""Repairing rows whose metadata is not an object: guarded SQL to review, and a rehearsal that is rolled back.

The audit report's own UPDATE calls `jsonb_set` on every row without a user id; it raises on JSON null, scalars and
arrays, and so aborts on the rows that it is meant to repair. Each statement here looks at the shape first, and no
statement reads a row that the column's operators can't read (`probes.database.poison`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from probes.database.census import shape_of
from probes.database.connection import Connection, TableShape
from probes.database.metadata_shapes import PLAIN, SHAPES, TEXT_SHAPES
from probes.database.poison import HOLDERS, find_poisoned, is_poisoned
from probes.database.seeding import RowSpec, Seeder
from probes.errors import SourceRefused
from probes.problem import Problem

RowFound = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Repair:
    """One guarded statement, as conditions and changes of one table."""

    name: str
    why: str
    where: str
    change: str

    def statement(self, table: str, scope: str = "TRUE") -> str:
        """The UPDATE, to be run after a review; `scope` is a further condition."""
        return f"UPDATE {table}\nSET {self.change}\nWHERE {self.where}\n  AND {scope};"

    def count(self, table: str) -> str:
        """How many rows it would change."""
        return f"SELECT count(*) FROM {table} WHERE {self.where}"  # noqa: S608 - names of the catalogue and the TOML


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The SQL that reads and writes one table's rows, whatever type its metadata has."""

    metadata: str  # the column
    value: str  # the column as jsonb; NULL if it can't be read
    kind: str  # what kind of JSON value it is
    readable: str  # a condition: its operators can read it
    owner: str  # the owner's column, if the table has one
    key: str  # of the owner, in metadata
    type: str

    def written(self, value: str) -> str:
        """The assignment of a jsonb value to the column."""
        return f"{self.metadata} = {value}" if self.type == "jsonb" else f"{self.metadata} = ({value})::{self.type}"

    @property
    def owned(self) -> str:
        """An object with the column's owner, if there is one."""
        if not self.owner:
            return "'{}'::jsonb"
        return (
            f"CASE WHEN {self.owner} IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object('{self.key}', {self.owner}) END"
        )

    @property
    def has_no_owner(self) -> str:
        """A condition: an object without an owner in it."""
        return f"{self.kind} = 'object' AND COALESCE(jsonb_typeof({self.value} -> '{self.key}'), 'null') = 'null'"


def _words(table: TableShape) -> _Words:
    column = table.sql.metadata
    kind = table.columns.get(table.layout.metadata, "")
    poisoned = is_poisoned(column, kind)
    value = {
        "jsonb": column,
        "json": f"(CASE WHEN NOT {poisoned} THEN {column}::jsonb END)",
    }.get(kind, f"(CASE WHEN {poisoned} THEN NULL WHEN {column} IS JSON THEN {column}::jsonb END)")
    return _Words(
        metadata=column,
        value=value,
        kind=shape_of(table),
        readable=f"NOT ({poisoned})",
        owner=table.sql.owner if table.owner_column else "",
        key=table.layout.owner_key,
        type=kind,
    )


def repairs_for(table: TableShape) -> tuple[Repair, ...]:
    """The statements that repair this table: those about the owner's column only if it has one."""
    words = _words(table)
    shapes = (
        Repair(
            "sql-null",
            "metadata is SQL NULL: becomes an object with the column's owner, if there is one",
            f"{words.metadata} IS NULL",
            words.written(words.owned),
        ),
        Repair(
            "not-an-object",
            "metadata is JSON null, a scalar or an array: becomes an object; what was there is kept in it",
            f"{words.readable} AND {words.kind} <> 'object'",
            words.written(f"{words.owned} || jsonb_build_object('repaired_from', {_kept(words)})"),
        ),
    )
    return (*shapes, *_owner_repairs(words)) if words.owner else shapes


def _kept(words: _Words) -> str:
    """The previous value; a text that is not JSON is kept as a string."""
    return words.value if words.type in {"json", "jsonb"} else f"COALESCE({words.value}, to_jsonb({words.metadata}))"


def _owner_repairs(words: _Words) -> tuple[Repair, Repair]:
    return (
        Repair(
            "no-user-id",
            "metadata is an object without a user id, and the column has one: it is copied",
            f"{words.readable} AND {words.owner} IS NOT NULL AND {words.has_no_owner}",
            words.written(f"{words.value} || jsonb_build_object('{words.key}', {words.owner})"),
        ),
        Repair(
            "no-column-owner",
            "the column has no owner, and metadata names one: it is copied",
            f"{words.readable} AND {words.owner} IS NULL AND {words.kind} = 'object' "
            f"AND jsonb_typeof({words.value} -> '{words.key}') = 'string'",
            f"{words.owner} = {words.value} ->> '{words.key}'",
        ),
    )


def disagreeing(table: TableShape) -> str:
    """A condition: one owner in the column and another in the metadata."""
    words = _words(table)
    if not words.owner:
        return "FALSE"
    return (
        f"{words.readable} AND {words.owner} IS NOT NULL AND {words.kind} = 'object' AND NOT ({words.has_no_owner}) "
        f"AND {words.value} ->> '{words.key}' <> {words.owner}::text"
    )


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """How many rows each statement would change, and how many need a person to decide."""

    table: TableShape
    counts: Mapping[str, int]
    disagreeing: int
    poisoned: int

    def script(self) -> str:
        """The SQL file to review: statements that have something to do, in one transaction."""
        lines = ["-- Review before running; nothing here has been run.", "BEGIN;", "SET LOCAL lock_timeout = '1s';", ""]
        for repair in repairs_for(self.table):
            lines += [f"-- {repair.name}: {self.counts[repair.name]} rows. {repair.why}."]
            lines += [repair.statement(self.table.name), ""] if self.counts[repair.name] else [""]
        return "\n".join([*lines, *self._for_a_person(), "COMMIT;"]) + "\n"

    def _for_a_person(self) -> list[str]:
        layout, lines = self.table.sql, []
        if self.table.owner_column:
            names = f"{layout.id}, {layout.owner}, {layout.metadata} ->> '{layout.owner_key}'"
            lines += [
                f"-- {self.disagreeing} rows have one owner in the column and another in metadata. They stay:",
                f"-- SELECT {names} FROM {self.table.name}",  # noqa: S608 - as above
                f"-- WHERE {disagreeing(self.table)};",
                "",
            ]
        if self.poisoned:
            condition = is_poisoned(layout.metadata, self.table.columns[self.table.layout.metadata])
            lines += [
                f"-- {self.poisoned} rows hold \\u0000 or half of a surrogate pair: ->> and ALTER ... TYPE jsonb raise",
                "-- on them (data.poison). They are not touched; repair their text before changing the column's type:",
                f"-- SELECT {layout.id}, {layout.metadata}::text FROM {self.table.name}",  # noqa: S608 - as above
                f"-- WHERE {condition};",
                "",
            ]
        return lines


async def plan_repair(connection: Connection, table: TableShape) -> RepairPlan:
    """Count what there is to repair. Only reads."""
    counts = {repair.name: int(await connection.fetchval(repair.count(table.name))) for repair in repairs_for(table)}
    apart = await connection.fetchval(f"SELECT count(*) FROM {table.name} WHERE {disagreeing(table)}")  # noqa: S608 - as above
    return RepairPlan(table, counts, int(apart), (await find_poisoned(connection, table)).rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a repair did to one row of every shape, before it was rolled back."""

    error: Problem  # of the statement that failed
    unrepaired: tuple[str, ...]  # shapes that are not an object with their owner afterwards
    touched: tuple[str, ...]  # rows that were in order and are not the same afterwards
    again: int  # rows that a second run changed: 0 if the repair can safely be repeated
    shapes: int


OTHER_OWNER = "nv-another-user"


async def rehearse(connection: Connection, table: TableShape, seeder: Seeder, statements: Sequence[str]) -> Rehearsal:
    """Run a repair over one seeded row of every shape, and over sound and disagreeing ones; roll everything back.

    If the column can hold rows that its operators can't read, such rows are among those that must stay as they are.
    The statements must be scoped to this run's rows (`scope_of`), so that no one else's row is locked.

    Raises SourceRefused if our database user may not do that.
    """
    owner = f"{seeder.prefix}owner"
    specs = [*(RowSpec(owner=owner, shape=shape) for shape in SHAPES), *_sound(table, owner)]
    transaction = connection.transaction()
    await transaction.start()
    try:
        rows = seeder.reserve(specs)
        await seeder.insert(rows, specs)
        ids = [row.id for row in rows]
        before = await _read(connection, table, ids)
        error, again = await _run_twice(connection, table, statements)
        after = {} if error else await _read(connection, table, ids)
    finally:
        await transaction.rollback()
    pairs, sound = list(zip(SHAPES, rows, strict=False)), rows[len(SHAPES) :]
    repaired = [] if error else [shape.id for shape, row in pairs if _in_order(after[row.id], shape.id, owner)]
    return Rehearsal(
        error=error,
        unrepaired=tuple(shape.id for shape in SHAPES if shape.id not in repaired),
        touched=tuple(row.id for row in sound if not error and after[row.id] != before[row.id]),
        again=again,
        shapes=len(SHAPES),
    )


def _sound(table: TableShape, owner: str) -> list[RowSpec]:
    """Rows that a repair must not change: in order, a person's to decide, or unreadable."""
    specs = [RowSpec(owner=owner, shape=PLAIN), RowSpec(owner=owner, shape=PLAIN, column_owner=OTHER_OWNER)]
    if table.columns.get(table.layout.metadata) in HOLDERS:
        specs += [RowSpec(owner=owner, shape=shape) for shape in TEXT_SHAPES]
    return specs


async def _run_twice(connection: Connection, table: TableShape, statements: Sequence[str]) -> tuple[Problem, int]:
    """Which statement failed and why, and how many rows the second run changed. Raises SourceRefused."""
    try:
        for statement in statements:
            await connection.execute(statement)
        return "", sum([_changed(await connection.execute(statement)) for statement in statements])
    except asyncpg.InsufficientPrivilegeError as problem:
        why = f"our user may not change our own rows ({problem}): GRANT UPDATE on {table.name} to it (database.url)"
        raise SourceRefused("the rehearsal of the repair", why) from problem
    except asyncpg.PostgresError as problem:
        return f"{type(problem).__name__}: {problem}", 0


KEEPS_ITS_NAME = frozenset({"user_id number", "user_id with spaces"})  # disagreeing owners: a person decides


def _in_order(row: RowFound, shape: str, owner: str) -> bool:
    """Whether a row is an object with its owner; if no column names one, an object is all that it can become."""
    named = row["owner"] is None or (row["owner"] == owner and (row["named"] == owner or shape in KEEPS_ITS_NAME))
    return bool(row["kind"] == "object" and named)


async def _read(connection: Connection, table: TableShape, ids: Sequence[str]) -> dict[str, RowFound]:
    words = _words(table)
    rows = await connection.fetch(
        f"SELECT {table.sql.id} AS id, {words.owner or 'NULL'}::text AS owner, "  # noqa: S608 - as above
        f"{words.metadata}::text AS written, {words.kind} AS kind, "
        f"CASE WHEN {words.kind} = 'object' THEN {words.value} ->> '{words.key}' END AS named "
        f"FROM {table.name} WHERE {table.sql.id} = ANY($1::text[])",
        list(ids),
    )
    return {row["id"]: dict(row) for row in rows}


def _changed(status: str) -> int:
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def scope_of(table: TableShape, seeder: Seeder) -> str:
    """The condition that keeps a statement to this run's rows."""
    return f"{table.sql.id} LIKE '{seeder.prefix}%'"
