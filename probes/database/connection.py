"""The target's Postgres as we may see it: version heads, columns, and a census of what `metadata_` holds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from probes.deadlines import Deadlines
from probes.errors import SourceRefused
from probes.secret import Secret, without_frames

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]  # generic in the stubs only
else:
    Connection = asyncpg.Connection
SERVER_FIRST_S = 1.0  # the server's own statement_timeout says more than ours, so it gets to speak first
OURS = "nv-"  # every row of ours begins with it, its user ids too
BAD_SHAPES = ("sql_null", "json_null", "array", "string", "number", "boolean")


@dataclass(frozen=True, slots=True)
class TableShape:
    """The threads table as it is: its qualified name and its columns with their types."""

    name: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Census:
    """How many rows have which metadata, ours aside; and how many owners disagree or are missing."""

    total: int
    bad: Mapping[str, int]  # by shape, only those that occur
    disagreeing_owners: int
    missing_owners: int
    examples: tuple[str, ...]


@asynccontextmanager
async def connect(
    url: Secret, run_id: str, deadlines: Deadlines, *, pgbouncer: bool = False
) -> AsyncIterator[Connection]:
    """Open a connection with deadlines on everything, as `netra-verify <run id>`.

    Behind PgBouncer nothing is prepared and nothing is set for the session: the deadlines are then the client's.

    Raises:
        SourceRefused: Unreachable, wrong password, no such database; credentials are never in the message.
    """
    where = describe_url(url)
    settings = {
        "application_name": f"netra-verify {run_id}"[:63],
        "statement_timeout": str(int(deadlines.statement * 1000)),
        "lock_timeout": str(int(deadlines.lock * 1000)),
    }
    try:
        async with asyncio.timeout(deadlines.connect_database):
            connection = await asyncpg.connect(
                url.reveal(),
                command_timeout=deadlines.statement + SERVER_FIRST_S,
                statement_cache_size=0 if pgbouncer else 100,
                server_settings={} if pgbouncer else settings,
            )
    except TimeoutError as error:
        raise SourceRefused(where, f"no connection within {deadlines.connect_database:g} s") from without_frames(error)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise SourceRefused(where, f"{_reason(error)} (database.url)") from without_frames(error)
    try:
        yield connection
    except TimeoutError as error:
        raise SourceRefused(where, f"timeout: a statement took longer than {deadlines.statement:g} s") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError) as error:
        raise SourceRefused(where, _reason(error)) from error
    finally:
        await _close(connection, deadlines)


async def _close(connection: Connection, deadlines: Deadlines) -> None:
    try:
        await connection.close(timeout=deadlines.close)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()  # a connection that can't say goodbye is dropped; nothing of ours hangs on it


def describe_url(url: Secret) -> str:
    """Where a database is, without credentials."""
    try:
        parts = urlsplit(url.reveal())
        port = parts.port or 5432
    except ValueError:
        return "the database of database.url"
    return f"postgresql://{parts.hostname}:{port}{parts.path}"


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        return "the password or the user is wrong"
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return f"our user may not do that: {error}"
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return "it is a read-only replica"
    if isinstance(error, OSError):
        return f"unreachable: {error.strerror or error}"
    return f"{type(error).__name__}: {error}"


async def find_table(connection: Connection, table: str) -> TableShape | None:
    """The table in our search path, with its columns; None where there is none."""
    name = await connection.fetchval("SELECT to_regclass($1)::text", table)
    if name is None:
        return None
    rows = await connection.fetch(
        "SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute "
        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        table,
    )
    return TableShape(name, {row["attname"]: row["type"] for row in rows})


async def read_heads(connection: Connection, version_table: str) -> frozenset[str] | None:
    """The database's alembic heads as a set, empty for an empty table; None where there is no such table."""
    if await connection.fetchval("SELECT to_regclass($1)::text", version_table) is None:
        return None
    name = await connection.fetchval("SELECT quote_ident($1)", version_table)
    rows = await connection.fetch(f"SELECT version_num FROM {name}")  # noqa: S608 - quoted by the server
    return frozenset(row["version_num"] for row in rows)


async def take_census(connection: Connection, table: TableShape) -> Census:
    """Count the metadata of everyone else's rows by shape. Works on jsonb, json and text columns.

    JSON null is not SQL NULL, and both are counted; a text that is no JSON counts as a string.
    """
    kind = table.columns.get("metadata_", "")
    shape = {
        "jsonb": "jsonb_typeof(metadata_)",
        "json": "json_typeof(metadata_)",
    }.get(kind, "CASE WHEN metadata_ IS JSON THEN json_typeof(metadata_::json) ELSE 'string' END")
    owner = "user_id" if "user_id" in table.columns else "NULL::text"
    as_json = "metadata_" if kind in {"json", "jsonb"} else "CASE WHEN metadata_ IS JSON THEN metadata_::json END"
    # One pass, each part evaluated once a row; `->>` is NULL for everything that is no object.
    query = f"""
        SELECT {shape} AS shape, count(*) AS n,
               CASE WHEN {owner} IS NULL THEN CASE WHEN {as_json} ->> 'user_id' IS NULL THEN 'missing' ELSE 'one' END
                    WHEN {owner} <> {as_json} ->> 'user_id' THEN 'disagree' ELSE 'one' END AS owners
        FROM {table.name} WHERE id NOT LIKE '{OURS}%' GROUP BY 1, 3
    """  # noqa: S608 - names come from the server's own catalogue, the prefix is ours
    rows = await connection.fetch(query)
    by_shape, by_owners = Counter[str](), Counter[str]()
    for row in rows:
        by_shape[SHAPE_NAMES.get(row["shape"], row["shape"])] += row["n"]
        by_owners[row["owners"]] += row["n"]
    bad = {name: by_shape[name] for name in BAD_SHAPES if by_shape[name]}
    return Census(
        total=by_shape.total(),
        bad=bad,
        disagreeing_owners=by_owners["disagree"],
        missing_owners=by_owners["missing"],
        examples=tuple([f"{name}: {await _example(connection, table, shape, name)}" for name in bad]),
    )


SHAPE_NAMES = {None: "sql_null", "null": "json_null"}


async def _example(connection: Connection, table: TableShape, shape: str, name: str) -> str:
    """The id of one row of a shape; asked for bad shapes alone, so that a sound table costs one scan."""
    value = {"sql_null": None, "json_null": "null"}.get(name, name)
    question = f"SELECT id FROM {table.name} WHERE id NOT LIKE '{OURS}%' AND {shape} IS NOT DISTINCT FROM $1 LIMIT 1"  # noqa: S608 - as above
    return str(await connection.fetchval(question, value))
