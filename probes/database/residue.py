"""Our rows in tables that we do not write ourselves, and whether another run is at work on the same database."""

from collections.abc import Collection
from dataclasses import dataclass

import asyncpg

from probes.database.connection import OURS, Connection, TableShape
from probes.database.layout import quoted
from probes.errors import SourceRefused

TURN = "netra-verify: the users that are used again"


@dataclass(frozen=True, slots=True)
class Trace:
    """How our rows in a table are recognised: a column, and a LIKE pattern that only ours match."""

    table: str
    column: str
    pattern: str


async def count_traces(connection: Connection, trace: Trace) -> int:
    """How many of our rows the table holds. Raises SourceRefused: no such table or column, or no permission to read."""
    name = await _name(connection, trace)
    try:
        count = await connection.fetchval(f"SELECT count(*) FROM {name} WHERE {_ours(trace)}", trace.pattern)  # noqa: S608 - quoted by the server, the column by `_ours`
    except asyncpg.PostgresError as error:
        raise SourceRefused(trace.table, f"can't be counted: {error}") from error
    return int(count)


async def remove_traces(connection: Connection, trace: Trace) -> int:
    """Delete our rows of the table; return how many there were. Raises SourceRefused, and nothing is deleted."""
    name = await _name(connection, trace)
    try:
        status = await connection.execute(f"DELETE FROM {name} WHERE {_ours(trace)}", trace.pattern)  # noqa: S608 - as above
    except asyncpg.PostgresError as error:
        raise SourceRefused(trace.table, f"can't be deleted from: {error}") from error
    return int(status.rpartition(" ")[2])


async def take_turn(connection: Connection) -> bool:
    """Reserve our users on this database, for as long as the connection lives; False if another run has them.

    It is an advisory lock of the session: it needs no permission to write and leaves nothing behind, but does not work
    behind PgBouncer.
    """
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", TURN))


async def seen_in_rows(connection: Connection, table: TableShape, names: Collection[str]) -> frozenset[str]:
    """Which of these users our rows in the table name now, as owner or in the metadata.

    Raises:
        SourceRefused: The table can't be read.
    """
    layout = table.layout
    shown = [f"{quoted(column)}::text" for column in (layout.owner, layout.metadata) if column in table.columns]
    text = f"concat_ws(' ', {', '.join(shown)})" if shown else "''"
    query = (
        f"SELECT DISTINCT named FROM {table.name}, unnest($2::text[]) AS named "  # noqa: S608 - the catalogue's names
        f"WHERE starts_with({table.sql.id}, $1) AND strpos({text}, named) > 0"
    )
    try:
        rows = await connection.fetch(query, OURS, list(names))
    except asyncpg.PostgresError as error:
        raise SourceRefused(table.name, f"can't be searched for our rows: {error}") from error
    return frozenset(row["named"] for row in rows)


async def _name(connection: Connection, trace: Trace) -> str:
    name = await connection.fetchval("SELECT to_regclass($1)::text", trace.table)
    if name is None:
        raise SourceRefused(trace.table, "the table is not in our search path (residue.tables)")
    return str(name)


def _ours(trace: Trace) -> str:
    return f'"{trace.column}"::text LIKE $1'
