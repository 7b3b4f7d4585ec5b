"""Puts rows into every table before the pending revisions: what works on an empty table may fail on a full one.

A JSON column gets every kind of value that its constraints let in: a statement that takes objects for granted fails on
the others. Ordinary rows outnumber those with an odd value, so that a change of the odd ones is not one of every row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import asyncpg

from commands.preflight.effects import Baseline
from commands.preflight.snapshot import QUERY, read_snapshot
from probes.database.connection import Connection
from probes.database.layout import quoted

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
ODD_JSON = ("NULL", "'null'", "'1'", "'\"row\"'", "'[1]'")


@dataclass(frozen=True, slots=True)
class Planted:
    """The baseline with its ordinary rows, and for each table that accepted none the server's reason.

    `odd` names the JSON columns in which some row holds something other than an object.
    """

    baseline: Baseline
    empty: Mapping[str, str]
    odd: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class _Table:
    """One table while it is filled: what was refused, and what was accepted."""

    oid: str
    name: str  # quoted
    columns: list[asyncpg.Record]
    refused: str = ""
    ordinary: int = 0
    odd: set[str] = field(default_factory=set)

    @property
    def of_json(self) -> list[str]:
        """The columns that hold any JSON value, and refer to no other table."""
        return [
            column["name"]
            for column in self.columns
            if column["base"] in {"json", "jsonb"} and not column["referenced"]
        ]

    @property
    def wanted(self) -> int:
        """How many ordinary rows outnumber the odd ones."""
        return max(ROWS, len(self.of_json) * len(ODD_JSON) + 1)

    def insert(self, first: int, last: int, odd: Mapping[str, str] = MappingProxyType({})) -> str:
        """The INSERT of the rows with these numbers; `odd` replaces the values of its columns."""
        if not self.columns:
            return ";".join([f"INSERT INTO {self.name} DEFAULT VALUES"] * (last - first + 1))
        names = ", ".join(quoted(column["name"]) for column in self.columns)
        values = ", ".join(odd.get(column["name"]) or _value(column) for column in self.columns)
        return f"INSERT INTO {self.name} ({names}) SELECT {values} FROM generate_series({first}, {last}) AS i"  # noqa: S608 - names from the catalogue


async def plant(connection: Connection) -> Planted:
    """Put a few rows into every empty table; tables that refer to others come after those."""
    snapshot = read_snapshot(await connection.fetchval(QUERY))
    tables = [(kind, oid, name) for oid, (name, kind, _) in snapshot.relations.items() if kind in "rp"]
    names = {oid: name for _, oid, name in sorted(tables, key=lambda one: one[0] == "p")}  # each partition on its own
    rows: dict[str, int] = {}
    waiting = [await _look_at(connection, oid) for oid in names]
    odd: list[str] = []
    while waiting:
        for table in waiting:
            rows[table.oid] = await _fill(connection, table)
        odd += [f"{names[table.oid]}.{column}" for table in waiting for column in sorted(table.odd)]
        left = [table for table in waiting if table.refused]
        if len(left) == len(waiting):
            break
        waiting = left
    baseline = Baseline(read_snapshot(await connection.fetchval(QUERY)), rows)
    return Planted(baseline, {names[table.oid]: table.refused for table in waiting if table.refused}, odd)


async def _look_at(connection: Connection, oid: str) -> _Table:
    name = str(await connection.fetchval("SELECT $1::oid::regclass::text", int(oid)))
    return _Table(oid=oid, name=name, columns=await connection.fetch(COLUMNS, int(oid)))


async def _fill(connection: Connection, table: _Table) -> int:
    """Insert the rows of one table that has none; returns how many ordinary rows there are then."""
    there = int(await connection.fetchval(f"SELECT count(*) FROM {table.name}"))  # noqa: S608 - quoted by the server
    table.refused = ""
    if there:
        return there
    instead = ("", *ODD_JSON[1:]) if table.of_json else ("",)  # of an object: a constraint may want an array
    for value in instead:
        refused = await _insert(connection, table.insert(1, table.wanted, dict.fromkeys(table.of_json, value)))
        table.refused = table.refused or refused
        if not refused:
            table.ordinary, table.refused = table.wanted, ""
            break
    else:  # some of them may be accepted: a unique column may have few values
        each = [await _insert(connection, table.insert(i, i)) for i in range(1, table.wanted + 1)]
        table.ordinary = each.count("")
        table.refused = "" if table.ordinary else table.refused
    await _add_odd(connection, table)
    return table.ordinary


async def _add_odd(connection: Connection, table: _Table) -> None:
    """Insert rows with a value of each other kind in a JSON column, as far as the table's constraints let them in."""
    added = 0
    for number, (column, value) in enumerate(_odd_values(table), table.wanted + 1):
        if added + 1 >= table.ordinary:
            return
        if not await _insert(connection, table.insert(number, number, {column["name"]: value})):
            table.odd.add(column["name"])
            added += 1


def _odd_values(table: _Table) -> Iterator[tuple[asyncpg.Record, str]]:
    for column in table.columns:
        if column["name"] in table.of_json:
            yield from ((column, f"{value}::{column['type']}") for value in ODD_JSON)


async def _insert(connection: Connection, statement: str) -> str:
    """Returns the reason if the server refuses it."""
    try:
        async with connection.transaction():
            await connection.execute(statement)
    except asyncpg.PostgresError as error:
        return str(error)
    return ""


def _value(column: asyncpg.Record) -> str:
    kind, base = column["type"], column["base"]
    if column["referenced"] and column["referenced_column"]:
        others = column["referenced"]
        rows = f"GREATEST(1, (SELECT count(*) FROM {others}))"  # noqa: S608 - names from the catalogue
        one = f"ORDER BY 1 OFFSET (i - 1) % {rows} LIMIT 1"
        return f"(SELECT {column['referenced_column']} FROM {others} {one})"  # noqa: S608 - as above
    if column["label"] is not None:
        return "'{}'::{}".format(column["label"].replace("'", "''"), kind)
    if column["category"] == "A":
        return f"'{{}}'::{kind}"
    if column["category"] == "R":
        return f"'empty'::{kind}"
    return f"({VALUES[base]})::{kind}" if base in VALUES else f"(i::text)::{kind}"
