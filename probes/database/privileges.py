"""What our database user may do beyond what the suite needs: the less it may, the less our mistakes can do."""

from collections.abc import Collection
from dataclasses import dataclass

import asyncpg

from probes.database.connection import Connection
from probes.errors import SourceRefused

# Attributes of a role in pg_roles, and in words.
POWERS = {
    "rolsuper": "is a superuser",
    "rolbypassrls": "is not bound by row-level policies (BYPASSRLS)",
    "rolcreaterole": "may create roles",
    "rolcreatedb": "may create databases",
    "rolreplication": "may replicate the whole server",
}
CHANGES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
MOST_NAMED = 5

_ROLE = f"SELECT {', '.join(POWERS)} FROM pg_roles WHERE rolname = current_user"  # noqa: S608 - names written above
_SCHEMAS = """
    SELECT nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'CREATE') ORDER BY 1
"""
_TABLES = """
    SELECT oid::regclass::text AS name, pg_has_role(relowner, 'MEMBER') AS owned, row_security_active(oid) AS kept,
        ARRAY(SELECT one FROM unnest($1::text[]) AS one WHERE has_table_privilege(oid, one)) AS may
    FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace NOT IN (
        SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema'
    ) ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Needed:
    """What the suite needs to change, by the tables' names as `to_regclass` shows them."""

    adds_to: frozenset[str] = frozenset()
    deletes_from: frozenset[str] = frozenset()


async def more_than_needed(connection: Connection, needed: Needed) -> list[str]:
    """In words, everything that our user may do and no run needs.

    For a superuser, or an owner of tables, only that is said: what follows from it is not listed.

    Raises:
        SourceRefused: The catalogue can't be read.
    """
    try:
        role = await connection.fetchrow(_ROLE)
        tables = await connection.fetch(_TABLES, list(CHANGES))
        schemas = [row["nspname"] for row in await connection.fetch(_SCHEMAS)]
    except asyncpg.PostgresError as error:
        raise SourceRefused("pg_roles", f"what our user may do can't be seen: {error}") from error
    spare = [words for name, words in POWERS.items() if role is not None and role[name]]
    if role is not None and role["rolsuper"]:
        return spare
    owned = [row["name"] for row in tables if row["owned"]]
    spare += [f"owns {_listed(owned)}, and no row-level policy binds an owner"] if owned else []
    for row in tables:
        if not row["owned"]:
            spare += _beyond(row["name"], set(row["may"]), needed, kept=row["kept"])
    spare += [f"may create tables in {_listed(schemas)}"] if schemas else []
    return spare


def _beyond(table: str, may: Collection[str], needed: Needed, *, kept: bool) -> list[str]:
    """What is too much on one table."""
    used = {word for word, tables in (("INSERT", needed.adds_to), ("DELETE", needed.deletes_from)) if table in tables}
    unused = [change for change in CHANGES if change in may and change not in used]
    spare = [f"may {', '.join(unused)} {table}"] if unused else []
    if used & set(may) and not kept:
        spare.append(f"has no row-level policy that keeps it from other people's rows of {table}")
    return spare


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
