r"""Rows that the column's own operators can't read: `\u0000` and lone surrogates, found by a look at the text alone.

A `json` column keeps text as it came. `->>`, and a cast to jsonb, raise on the whole document if any of its strings
holds `\u0000` or half of a surrogate pair (UntranslatableCharacterError): one such row, and every query that filters
by `metadata_ ->> 'user_id'` fails for everyone. Nothing here casts to jsonb, so nothing here raises.
"""

from dataclasses import dataclass

from probes.database.connection import OURS, Connection, TableShape

HOLDERS = frozenset({"json", "text", "character varying"})  # the types that can hold such a row; jsonb refuses it
PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
HALF = r"\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
MOST_NAMED = 10


def is_poisoned(column: str, kind: str) -> str:
    r"""An SQL condition: this column can't be read by `->>`. Never NULL, and never raises.

    Escaped backslashes are removed first, so that a text about `\u0000` does not count; then complete pairs.
    """
    if kind not in HOLDERS:
        return "FALSE"
    plain = f"regexp_replace({column}::text, E'\\\\\\\\\\\\\\\\', '', 'g')"
    return (
        rf"CASE WHEN {column} IS NULL OR strpos({column}::text, '\u') = 0 THEN FALSE "
        f"ELSE regexp_replace({plain}, '{PAIR}', '', 'g') ~ '{HALF}' END"
    )


@dataclass(frozen=True, slots=True)
class Poisoned:
    """Rows that can't be read: how many, and the ids of some."""

    total: int
    rows: int
    ids: tuple[str, ...]


async def find_poisoned(connection: Connection, table: TableShape) -> Poisoned:
    """Look through everyone else's rows, but not our own."""
    layout = table.sql
    condition = is_poisoned(layout.metadata, table.columns.get(table.layout.metadata, ""))
    where = f"FROM {table.name} WHERE {layout.id} NOT LIKE '{OURS}%'"
    total = int(await connection.fetchval(f"SELECT count(*) {where}"))
    count = int(await connection.fetchval(f"SELECT count(*) {where} AND {condition}"))
    rows = await connection.fetch(f"SELECT {layout.id} AS id {where} AND {condition} ORDER BY 1 LIMIT {MOST_NAMED}")
    return Poisoned(total, count, tuple(str(row["id"]) for row in rows))
