"""Mending rows whose metadata is no object: guarded SQL to review, and a rehearsal that is rolled back.

The audit report's own UPDATE calls `jsonb_set` on every row without a user id; it raises on JSON null, scalars and
arrays, and so aborts on the rows that it is meant to mend. Each statement here looks at the shape first, and no
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

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Repair:
    """One guarded statement, as conditions and changes of one table."""

    name: str
    why: str
    where: str
    change: str

    def statement(self, table: str, scope: str = "TRUE") -> str:
        """The UPDATE, to be run by whoever has reviewed it; `scope` is a further condition."""
        return f"UPDATE {table}\nSET {self.change}\nWHERE {self.where}\n  AND {scope};"

    def count(self, table: str) -> str:
        """How many rows it would change."""
        return f"SELECT count(*) FROM {table} WHERE {self.where}"  # noqa: S608 - names of the catalogue and the TOML


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The SQL by which one table's rows are read and written, whatever type its metadata has."""

    metadata: str  # the column
    value: str  # it as jsonb; NULL where it can't be read
    kind: str  # what kind of JSON value it is
    readable: str  # a condition: its operators can read it
    owner: str  # the owner's column; empty: there is none
    key: str  # of the owner, in metadata
    type: str

    def written(self, value: str) -> str:
        """The assignment of a jsonb value to the column."""
        return f"{self.metadata} = {value}" if self.type == "jsonb" else f"{self.metadata} = ({value})::{self.type}"

    @property
    def owned(self) -> str:
        """An object with the column's owner, where there is one."""
        if not self.owner:
            return "'{}'::jsonb"
        return (
            f"CASE WHEN {self.owner} IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object('{self.key}', {self.owner}) END"
        )

    @property
    def names_nobody(self) -> str:
        """A condition: an object without an owner in it."""
        return f"{self.kind} = 'object' AND COALESCE(jsonb_typeof({self.value} -> '{self.key}'), 'null') = 'null'"


def _words(table: TableShape) -> _Words:
    column = table.layout.metadata
    kind = table.columns.get(column, "")
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
        owner=table.owner_column,
        key=table.layout.owner_key,
        type=kind,
    )


def repairs_for(table: TableShape) -> tuple[Repair, ...]:
    """The statements that mend this table: those about the owner's column only where it has one."""
    words = _words(table)
    shapes = (
        Repair(
            "sql-null",
            "metadata is SQL NULL: becomes an object with the column's owner, where there is one",
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
    """What was there: a text that is no JSON is kept as a string."""
    return words.value if words.type in {"json", "jsonb"} else f"COALESCE({words.value}, to_jsonb({words.metadata}))"


def _owner_repairs(words: _Words) -> tuple[Repair, Repair]:
    return (
        Repair(
            "no-user-id",
            "metadata is an object without a user id, and the column has one: it is copied",
            f"{words.readable} AND {words.owner} IS NOT NULL AND {words.names_nobody}",
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
        f"{words.readable} AND {words.owner} IS NOT NULL AND {words.kind} = 'object' AND NOT ({words.names_nobody}) "
        f"AND {words.value} ->> '{words.key}' <> {words.owner}"
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
        layout, lines = self.table.layout, []
        if self.table.owner_column:
            names = f"{layout.id}, {layout.owner}, {layout.metadata} ->> '{layout.owner_key}'"
            lines += [
                f"-- {self.disagreeing} rows have one owner in the column and another in metadata. They stay:",
                f"-- SELECT {names} FROM {self.table.name}",  # noqa: S608 - as above
                f"-- WHERE {disagreeing(self.table)};",
                "",
            ]
        if self.poisoned:
            condition = is_poisoned(layout.metadata, self.table.columns[layout.metadata])
            lines += [
                f"-- {self.poisoned} rows hold \\u0000 or half of a surrogate pair: ->> and ALTER ... TYPE jsonb raise",
                "-- on them (data.poison). They are not touched; mend their text before the column's type is changed:",
                f"-- SELECT {layout.id}, {layout.metadata}::text FROM {self.table.name}",  # noqa: S608 - as above
                f"-- WHERE {condition};",
                "",
            ]
        return lines


async def plan_repair(connection: Connection, table: TableShape) -> RepairPlan:
    """Count what there is to mend. Only reads."""
    counts = {one.name: int(await connection.fetchval(one.count(table.name))) for one in repairs_for(table)}
    apart = await connection.fetchval(f"SELECT count(*) FROM {table.name} WHERE {disagreeing(table)}")  # noqa: S608 - as above
    return RepairPlan(table, counts, int(apart), (await find_poisoned(connection, table)).rows)


@dataclass(frozen=True, slots=True, kw_only=True)
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

    Where the column can hold rows that its operators can't read, such rows are among those that must stay as they
    are. The statements must be scoped to rows of ours (`scope_of`), so that no row of anybody else is locked.

    Raises SourceRefused where our database user may not do that.
    """
    owner = f"{seeder.prefix}owner"
    specs = [RowSpec(owner=owner, shape=shape) for shape in SHAPES]
    sound = [RowSpec(owner=owner, shape=PLAIN), RowSpec(owner=owner, shape=PLAIN, column_owner=OTHER_OWNER)]
    if table.columns.get(table.layout.metadata) in HOLDERS:
        sound += [RowSpec(owner=owner, shape=shape) for shape in TEXT_SHAPES]
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
        except asyncpg.InsufficientPrivilegeError as problem:
            why = f"our user may not change rows of ours ({problem}): GRANT UPDATE on {table.name} to it (database.url)"
            raise SourceRefused("the rehearsal of the repair", why) from problem
        except asyncpg.PostgresError as problem:
            error = f"{type(problem).__name__}: {problem}"
        after = {} if error else await _read(connection, table, ids)
    finally:
        await transaction.rollback()
    if error:
        return Rehearsal(
            error=error, unmended=tuple(shape.id for shape in SHAPES), touched=(), again=0, shapes=len(SHAPES)
        )
    mended = {shape.id: after[row.id] for shape, row in zip(SHAPES, rows, strict=False)}
    return Rehearsal(
        error="",
        unmended=tuple(name for name, row in mended.items() if not _in_order(row, name, owner)),
        touched=tuple(row.id for row in rows[len(specs) :] if after[row.id] != before[row.id]),
        again=again,
        shapes=len(SHAPES),
    )


KEEPS_ITS_NAME = frozenset({"user_id number", "user_id with spaces"})  # disagreeing owners: a person decides


def _in_order(row: Found, shape: str, owner: str) -> bool:
    """An object with its owner; where no column names one, an object is all that can be made of a row."""
    named = row["owner"] is None or (row["owner"] == owner and (row["named"] == owner or shape in KEEPS_ITS_NAME))
    return bool(row["kind"] == "object" and named)


async def _read(connection: Connection, table: TableShape, ids: Sequence[str]) -> dict[str, Found]:
    words = _words(table)
    rows = await connection.fetch(
        f"SELECT {table.layout.id} AS id, {words.owner or 'NULL'}::text AS owner, "  # noqa: S608 - as above
        f"{words.metadata}::text AS written, {words.kind} AS kind, "
        f"CASE WHEN {words.kind} = 'object' THEN {words.value} ->> '{words.key}' END AS named "
        f"FROM {table.name} WHERE {table.layout.id} = ANY($1::text[])",
        list(ids),
    )
    return {row["id"]: dict(row) for row in rows}


def _changed(status: str) -> int:
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def scope_of(table: TableShape, seeder: Seeder) -> str:
    """The condition that keeps a statement to this run's rows."""
    return f"{table.layout.id} LIKE '{seeder.prefix}%'"
