"""Puts rows into every table before the pending revisions: what works on an empty table may fail on a full one."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from commands.preflight.effects import Baseline
from commands.preflight.snapshot import QUERY, read_snapshot
from probes.database.connection import Connection

ROWS = 3
COLUMNS = """
SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, t.typtype AS kind,
       t.typcategory AS category,
       COALESCE(base.typname, t.typname) AS base,
       (SELECT e.enumlabel FROM pg_catalog.pg_enum e
        WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder LIMIT 1) AS label,
       f.confrelid::regclass::text AS referenced,
       (SELECT quote_ident(r.attname) FROM pg_catalog.pg_attribute r
        WHERE r.attrelid = f.confrelid
          AND r.attnum = f.confkey[array_position(f.conkey, a.attnum)]) AS referenced_column
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type base ON base.oid = t.typbasetype
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN LATERAL (SELECT k.conrelid, k.confrelid, k.conkey, k.confkey FROM pg_catalog.pg_constraint k
    WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND a.attnum = ANY(k.conkey) ORDER BY k.oid LIMIT 1) f ON true
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
  AND COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval(%'  -- a sequence gives its own
ORDER BY a.attnum
"""
# A value per type, different for each `i`; for any other type the number's text is tried.
VALUES = {
    "bool": "i % 2 = 0",
    "date": "date '2025-01-01' + i",
    "time": "time '10:00' + i * interval '1 second'",
    "timetz": "timetz '10:00+00' + i * interval '1 second'",
    "timestamp": "timestamp '2025-01-01' + i * interval '1 day'",
    "timestamptz": "timestamptz '2025-01-01+00' + i * interval '1 day'",
    "interval": "i * interval '1 second'",
    "uuid": "lpad(to_hex(i), 32, '0')::uuid",
    "json": "json_build_object('row', i)",
    "jsonb": "jsonb_build_object('row', i)",
    "bytea": "decode(lpad(to_hex(i), 8, '0'), 'hex')",
    "inet": "inet '10.0.0.0' + i",
    "cidr": "(inet '10.0.0.0' + i)::cidr",
    "xml": "xmlparse(content '<row/>')",
    "bit": "i::bit(8)",
    "varbit": "i::bit(8)::varbit",
    "macaddr": "'02:00:00:00:00:01'",
    "tsvector": "to_tsvector('simple', 'row ' || i)",
    "point": "point(i, i)",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """The baseline with its rows, and for each table that accepted none the server's reason."""

    baseline: Baseline
    empty: Mapping[str, str]


async def plant(connection: Connection) -> Planted:
    """Put a few rows into every empty table; tables that refer to others come after those."""
    snapshot = read_snapshot(await connection.fetchval(QUERY))
    tables = {oid: name for oid, (name, kind, _) in snapshot.relations.items() if kind in "rp"}
    refused: dict[str, str] = {}
    waiting = dict(tables)
    while waiting:
        refused = {oid: reason for oid in waiting if (reason := await _fill(connection, oid))}
        if len(refused) == len(waiting):
            break
        waiting = {oid: waiting[oid] for oid in refused}
    rows = {oid: await _count(connection, oid) for oid in tables}
    return Planted(
        Baseline(read_snapshot(await connection.fetchval(QUERY)), rows),
        {tables[oid]: reason for oid, reason in refused.items()},
    )


async def _count(connection: Connection, oid: str) -> int:
    name = await _quoted(connection, oid)
    return int(await connection.fetchval(f"SELECT count(*) FROM {name}"))  # noqa: S608 - quoted by the server


async def _quoted(connection: Connection, oid: str) -> str:
    return str(await connection.fetchval("SELECT $1::oid::regclass::text", int(oid)))


async def _fill(connection: Connection, oid: str) -> str:
    """Insert the rows of one table; returns the reason if the server refuses them."""
    name = await _quoted(connection, oid)
    columns = await connection.fetch(COLUMNS, int(oid))
    names = ", ".join('"{}"'.format(column["name"].replace('"', '""')) for column in columns)
    values = ", ".join(_value(column) for column in columns)
    insert = f"INSERT INTO {name} ({names}) SELECT {values} FROM generate_series(1, {ROWS}) AS i"  # noqa: S608 - names from the catalogue
    if not columns:
        insert = ";".join([f"INSERT INTO {name} DEFAULT VALUES"] * ROWS)
    try:
        async with connection.transaction():
            if not await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})"):  # noqa: S608 - as above
                await connection.execute(insert)
    except asyncpg.PostgresError as error:
        return str(error)
    return ""


def _value(column: asyncpg.Record) -> str:
    kind, base = column["type"], column["base"]
    if column["referenced"] and column["referenced_column"]:
        source = f"SELECT {column['referenced_column']} FROM {column['referenced']} ORDER BY 1 OFFSET i - 1 LIMIT 1"  # noqa: S608 - names from the catalogue
        return f"({source})"
    if column["label"] is not None:
        return "'{}'::{}".format(column["label"].replace("'", "''"), kind)
    if column["category"] == "A":
        return f"'{{}}'::{kind}"
    if column["category"] == "R":
        return f"'empty'::{kind}"
    return f"({VALUES[base]})::{kind}" if base in VALUES else f"(i::text)::{kind}"
