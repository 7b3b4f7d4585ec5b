"""The target's Postgres as we may see it: a connection with deadlines, version heads, and the table's columns."""

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from weakref import WeakKeyDictionary

import asyncpg
import certifi

from probes.database.layout import Layout
from probes.errors import SourceRefused
from probes.secret import Secret, without_frames
from probes.timing.deadlines import Deadlines

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]  # generic in the stubs only
else:
    Connection = asyncpg.Connection
PasswordSource = Callable[[], Awaitable[Secret]]  # asked once for every connection
SERVER_FIRST_S = 1.0  # the server's own statement_timeout says more than ours, so it gets to report first
_TURNS: WeakKeyDictionary[Connection, asyncio.Lock] = WeakKeyDictionary()
OURS = "nv-"  # the ids of all our rows and users begin with it


@dataclass(frozen=True, slots=True)
class TableShape:
    """The threads table as it is: its qualified name, its columns with their types, and how a row is laid out."""

    name: str
    columns: Mapping[str, str]
    layout: Layout = field(default_factory=Layout)
    never_null: frozenset[str] = frozenset()  # columns that are declared so

    @property
    def owner_column(self) -> str:
        """The column that decides who owns a row; empty if the metadata alone does."""
        return self.layout.owner_column(self.columns)

    @property
    def sql(self) -> Layout:
        """The layout as statements write it: with its columns' names quoted."""
        return self.layout.in_sql()


def turn_on(connection: Connection) -> asyncio.Lock:
    """The lock of a connection that several cases use at once: it takes one statement at a time."""
    return _TURNS.setdefault(connection, asyncio.Lock())


@asynccontextmanager
async def connect(
    url: Secret, run_id: str, deadlines: Deadlines, *, pgbouncer: bool = False, password: PasswordSource | None = None
) -> AsyncIterator[Connection]:
    """Open a connection with deadlines on everything, as `netra-verify <run id>`.

    Behind PgBouncer nothing is prepared and nothing is set for the session: the deadlines are then the client's.
    `password` is asked if the address has none, once per connection, so that an expired token is renewed.

    Raises:
        SourceRefused: Unreachable, wrong password, no such database; credentials are never in the message.
    """
    where = describe_url(url)
    settings = {} if pgbouncer else _session_settings(run_id, deadlines)
    connection = await _open(url, where, settings, deadlines, password)
    try:
        yield connection
    except TimeoutError as error:
        raise SourceRefused(where, f"timeout: a statement took longer than {deadlines.statement:g} s") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError) as error:
        raise SourceRefused(where, _reason(error)) from error
    finally:
        await _close(connection, deadlines)


@asynccontextmanager
async def ended_if_lost(connection: Connection, within_s: float) -> AsyncIterator[None]:
    """End what the block waits for when the connection is lost, or after `within_s`; either is a TimeoutError.

    asyncpg's COPY waits for ever, whatever its own timeout, when the connection drops in the middle.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(within_s) as limit:

        def end(_connection: object) -> None:
            if not limit.expired():
                limit.reschedule(loop.time())

        connection.add_termination_listener(end)
        try:
            yield
        finally:
            connection.remove_termination_listener(end)


def _session_settings(run_id: str, deadlines: Deadlines) -> dict[str, str]:
    return {
        "application_name": f"netra-verify {run_id}"[:63],
        "statement_timeout": str(int(deadlines.statement * 1000)),
        "lock_timeout": str(int(deadlines.lock * 1000)),
    }


async def _open(
    url: Secret, where: str, settings: dict[str, str], deadlines: Deadlines, password: PasswordSource | None
) -> Connection:
    """Connect; without `settings` nothing is prepared either. Raises SourceRefused."""
    try:
        async with asyncio.timeout(deadlines.connect_database):
            address, tls = as_taken(url.reveal())
            return await asyncpg.connect(
                address,
                ssl=tls,
                password=_revealed(password) if password else None,
                command_timeout=deadlines.statement + SERVER_FIRST_S,
                statement_cache_size=100 if settings else 0,
                server_settings=settings,
            )
    except TimeoutError as error:
        raise SourceRefused(where, f"no connection within {deadlines.connect_database:g} s") from without_frames(error)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise SourceRefused(where, f"{_reason(error)} (database.url)") from without_frames(error)


def _revealed(password: PasswordSource) -> Callable[[], Awaitable[str]]:
    """The source in the form that asyncpg expects."""

    async def reveal() -> str:
        return (await password()).reveal()

    return reveal


def as_taken(url: str) -> tuple[str, ssl.SSLContext | None]:
    """An address in the form that asyncpg expects, and what it does not do itself: trust what this machine trusts.

    That is `sslrootcert=system` of libpq 16, which implies verify-full. None: the address is enough.
    """
    parts = urlsplit(url)
    settings = parse_qsl(parts.query)
    if ("sslrootcert", "system") not in settings:
        return url, None
    left = [(name, value) for name, value in settings if name not in {"sslrootcert", "sslmode"}]
    context = ssl.create_default_context()
    if not any(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")):
        context.load_verify_locations(certifi.where())
    return parts._replace(query=urlencode(left, quote_via=quote, safe="/:,")).geturl(), context


async def _close(connection: Connection, deadlines: Deadlines) -> None:
    try:
        await connection.close(timeout=deadlines.close)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()  # a connection that can't say goodbye is dropped; nothing depends on it any more


def describe_url(url: Secret) -> str:
    """Where a database is, without credentials: its hosts, or the socket's folder, and its name."""
    try:
        parts = urlsplit(url.reveal())
    except ValueError:
        return "the database of database.url"
    hosts = parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "")
    lacks_port = hosts and not hosts.startswith(("/", "%2F", "%2f")) and not re.search(r",|:\d+$", hosts)
    return f"postgresql://{hosts}{':5432' if lacks_port else ''}{parts.path}"


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


async def limit_waiting(connection: Connection, deadlines: Deadlines) -> None:
    """Set limits for this transaction alone: behind PgBouncer they can't be set for a session."""
    await connection.execute(
        f"SET LOCAL lock_timeout = {int(deadlines.lock * 1000)}; "
        f"SET LOCAL statement_timeout = {int(deadlines.statement * 1000)}"
    )


async def find_table(connection: Connection, table: str, layout: Layout | None = None) -> TableShape | None:
    """The table in our search path, with its columns; None if there is none. `layout` says what they are for."""
    name = await connection.fetchval("SELECT to_regclass($1)::text", table)
    if name is None:
        return None
    rows = await connection.fetch(
        "SELECT attname, format_type(atttypid, NULL) AS type, attnotnull FROM pg_attribute "
        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        table,
    )
    never_null = frozenset(row["attname"] for row in rows if row["attnotnull"])
    return TableShape(name, {row["attname"]: row["type"] for row in rows}, layout or Layout(), never_null)


async def read_heads(connection: Connection, version_table: str) -> frozenset[str] | None:
    """The alembic heads as a set, empty for an empty table; None without a table. Its name may have a schema."""
    name = await connection.fetchval("SELECT to_regclass($1)::text", version_table)
    if name is None:
        return None
    rows = await connection.fetch(f"SELECT version_num FROM {name}")  # noqa: S608 - quoted by the server
    return frozenset(row["version_num"] for row in rows)
