"""Rows that a service created for our test users under its own ids: a killed run never removes them."""

import time
from datetime import timedelta

import asyncpg

from probes.database.connection import OURS, Connection, TableShape
from probes.database.seeding import INTEGERS
from probes.errors import SourceRefused

# As `probes.auth.pool` names them: with a run's id if the users were of that run alone, and lengthened by a hundred
# characters and more, of which a service may have cut some.
NAME = f"{OURS}([0-9]{{8}}t[0-9]{{6}}z-[0-9a-f]{{6}}-)?[a-z]+-[0-9]{{3}}(x{{64,}}[ab]?)?"


async def made_for_us(connection: Connection, table: TableShape, older_than: timedelta) -> list[str]:
    """The ids of rows that belong to our users and have ids of the service's own, in order.

    A row that names another owner anywhere is not among them. The age is by the time of creation; in a table without
    one, rows of any age are returned.

    Raises:
        SourceRefused: The table can't be read.
    """
    layout, names, columns = table.layout, table.sql, table.columns
    named = f"{names.metadata}::text ~ $2" if layout.metadata in columns else "false"
    whose = f"coalesce({names.owner}::text ~ $1, {named})" if layout.owner in columns else named
    others = _of_others(table)
    where = f"NOT starts_with({names.id}::text, '{OURS}') AND ({whose}) AND NOT ({others}) AND {_old(table)}"
    where += (
        " AND length($1::text || $2::text) > 0"  # sets their types, in case the table has only one of the two places
    )
    query = f"SELECT {names.id}::text AS id FROM {table.name} WHERE {where} ORDER BY 1"  # noqa: S608 - names of the contract and the catalogue
    key = f'"{layout.owner_key}"\\s*:\\s*"'
    limit = time.time() - older_than.total_seconds()
    try:
        rows = await connection.fetch(query, f"^{NAME}$", f'{key}{NAME}"', limit)
    except asyncpg.PostgresError as error:
        raise SourceRefused(table.name, f"can't be searched for our rows: {error}") from error
    return [row["id"] for row in rows]


def _of_others(table: TableShape) -> str:
    """An SQL condition: the metadata names an owner who is not one of our users."""
    layout = table.layout
    if layout.metadata not in table.columns:
        return "false"
    key = f'"{layout.owner_key}"'.replace("'", "''")
    return f"position('{key}' in coalesce({table.sql.metadata}::text, '')) > 0 AND NOT {table.sql.metadata}::text ~ $2"


def _old(table: TableShape) -> str:
    """An SQL condition: the row was created before $3, in unix seconds."""
    name, kind = table.sql.created_at, table.columns.get(table.layout.created_at, "")
    if kind in INTEGERS:
        return f"{name} < $3::float8"
    if kind.startswith("timestamp"):
        return f"extract(epoch FROM {name}) < $3::float8"
    return "$3::float8 IS NOT NULL"
