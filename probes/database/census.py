"""A census of the metadata of everyone else's rows, and of their owners. No row makes it raise."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from probes.database.connection import OURS, Connection, TableShape
from probes.database.poison import is_poisoned

BAD_SHAPES = ("sql_null", "json_null", "array", "string", "number", "boolean")
SHAPE_NAMES = {None: "sql_null", "null": "json_null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many rows have which metadata, except our own; and how many owners disagree or are missing."""

    total: int
    bad: Mapping[str, int]  # by shape, only those that occur
    disagreeing_owners: int
    missing_owners: int
    unreadable: int  # rows whose owner can't be read: see `probes.database.poison`
    examples: tuple[str, ...]


async def take_census(connection: Connection, table: TableShape) -> Census:
    """Count the metadata of everyone else's rows by shape. Works on jsonb, json and text columns.

    JSON null is not SQL NULL, and both are counted; a text that is not JSON counts as a string. Of a row that `->>`
    can't read, only the shape is looked at.
    """
    shape = shape_of(table)
    # One pass, each part evaluated once per row; `->>` is NULL for everything except objects.
    query = f"""
        SELECT {shape} AS shape, count(*) AS n, {_owners(table)} AS owners
        FROM {table.name} WHERE NOT {_ours(table)} GROUP BY 1, 3
    """  # noqa: S608 - names come from the server's own catalogue and the target's TOML, the prefix is ours
    by_shape, by_owners = Counter[str](), Counter[str]()
    for row in await connection.fetch(query):
        by_shape[SHAPE_NAMES.get(row["shape"], row["shape"])] += row["n"]
        by_owners[row["owners"]] += row["n"]
    bad = {name: by_shape[name] for name in BAD_SHAPES if by_shape[name]}
    return Census(
        total=by_shape.total(),
        bad=bad,
        disagreeing_owners=by_owners["disagree"],
        missing_owners=by_owners["missing"],
        unreadable=by_owners["unreadable"],
        examples=tuple([f"{name}: {await _example(connection, table, shape, name)}" for name in bad]),
    )


async def count_our_bad(connection: Connection, table: TableShape) -> int:
    """How many of our rows, of any run, hold no object: the product's own counts include them."""
    question = (
        f"SELECT count(*) FROM {table.name} "  # noqa: S608 - as above
        f"WHERE {_ours(table)} AND {shape_of(table)} IS DISTINCT FROM 'object'"
    )
    return int(await connection.fetchval(question))


def _ours(table: TableShape) -> str:
    """An SQL expression: whether the suite made a row, as its id says, or, through the API, as its owner does."""
    seeded = f"{table.sql.id} LIKE '{OURS}%'"
    made = f"COALESCE({table.sql.owner}::text LIKE '{OURS}%', FALSE)" if table.owner_column else "FALSE"
    return f"({seeded} OR {made})"


def shape_of(table: TableShape) -> str:
    """An SQL expression: what kind of JSON value a row's metadata is; NULL for SQL NULL."""
    column = table.sql.metadata
    return {
        "jsonb": f"jsonb_typeof({column})",
        "json": f"json_typeof({column})",
    }.get(
        table.columns.get(table.layout.metadata, ""),
        f"CASE WHEN {column} IS JSON THEN json_typeof({column}::json) WHEN {column} IS NOT NULL THEN 'string' END",
    )


def _owners(table: TableShape) -> str:
    """An SQL expression: whether a row has one owner, none, two that disagree, or an unreadable one."""
    column, kind = table.sql.metadata, table.columns.get(table.layout.metadata, "")
    value = column if kind in {"json", "jsonb"} else f"CASE WHEN {column} IS JSON THEN {column}::json END"
    named = f"({value}) ->> '{table.layout.owner_key}'"
    owner = f"{table.sql.owner}::text"  # it may be a uuid
    if not table.owner_column:
        return (
            f"CASE WHEN {is_poisoned(column, kind)} THEN 'unreadable' "
            f"WHEN {named} IS NULL THEN 'missing' ELSE 'one' END"
        )
    alone = (
        "'missing'" if table.layout.owner_in == "column" else f"CASE WHEN {named} IS NULL THEN 'missing' ELSE 'one' END"
    )
    return (
        f"CASE WHEN {is_poisoned(column, kind)} THEN CASE WHEN {owner} IS NULL THEN 'unreadable' ELSE 'one' END "
        f"WHEN {owner} IS NULL THEN {alone} WHEN {owner} <> {named} THEN 'disagree' ELSE 'one' END"
    )


async def _example(connection: Connection, table: TableShape, shape: str, name: str) -> str:
    """The id of one row of a shape; queried only for bad shapes, so that a sound table costs one scan."""
    value = {"sql_null": None, "json_null": "null"}.get(name, name)
    question = (
        f"SELECT {table.sql.id} FROM {table.name} "  # noqa: S608 - as above
        f"WHERE NOT {_ours(table)} AND {shape} IS NOT DISTINCT FROM $1 LIMIT 1"
    )
    return str(await connection.fetchval(question, value))
