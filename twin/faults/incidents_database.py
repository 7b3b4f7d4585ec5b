"""Faults from public reports about databases: pools, connections, statements, and what a driver makes of a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import asyncpg
from asyncpg.exceptions import DuplicatePreparedStatementError, InvalidCachedStatementError
from sqlalchemy import text
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from starlette.responses import Response

from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.health import Check
    from twin.backend.seams import Seams
    from twin.backend.threads import Window

POOL, FEW, MANY = 4, 3, 15  # connections that may be out at once
MODEL_S = 1.5  # how long a model answers
ONE_CALL = "SELECT pg_sleep(0.05)"
Route = Callable[["Seams", "Request", str], Awaitable[Response]]


class _Pool(TypedDict, total=False):
    """SQLAlchemy's own words for a pool."""

    pool_size: int
    max_overflow: int
    pool_timeout: float  # seconds
    pool_pre_ping: bool


def another_engine(seams: "Seams", settings: dict[str, str] | None = None, **pool: Unpack[_Pool]) -> AsyncEngine:
    """One more engine to the twin's database, set up as in a report."""
    plain = {"statement_cache_size": 0, "prepared_statement_cache_size": 0, "server_settings": settings or {}}
    return create_async_engine(seams.store.engine.url, connect_args=plain, **pool)


def until_undone(engine: AsyncEngine, installed: Undo, kept: list[AsyncConnection] | None = None) -> Undo:
    """Close the engine, and what was kept of it, when the fault is taken back."""

    async def undo() -> None:
        installed()
        for one in kept or []:
            await one.close()
        await engine.dispose()

    return undo


@fault(
    "threads.refusals-keep-their-connection",
    place="backend",
    seen="londonaicentre/FLIP#775: a session that is closed after its yield, and not where the route raised",
)
def refusals_keep(seams: "Seams") -> Undo:
    """Each refusal by id keeps a connection of the pool; after a few, routes by id wait, and then are 500."""
    engine, kept = another_engine(seams, pool_size=FEW, max_overflow=0, pool_timeout=0.2), list[AsyncConnection]()

    def holding(route: Route) -> Route:
        async def held(given: "Seams", request: "Request", thread_id: str) -> Response:
            session = await engine.connect()
            kept.append(session)
            answer = await route(given, request, thread_id)
            kept.remove(session)
            await session.close()
            return answer

        return held

    changes = {"read": holding(seams.read), "change": holding(seams.change)}
    return until_undone(engine, replace(seams, **changes), kept)


@fault(
    "health.two-connections-a-request",
    place="backend",
    seen="nsidnev/fastapi-realworld-example-app#64: two dependencies, each with a connection of one pool",
)
def two_connections(seams: "Seams") -> Undo:
    """Concurrent requests hold one connection each and wait for a second one, which none of them releases."""
    engine, healthy = another_engine(seams, pool_size=POOL, max_overflow=0, pool_timeout=1), seams.run_checks

    async def run(checks: "dict[str, Check]") -> dict[str, Any]:
        async with engine.connect() as first:
            await first.execute(text(ONE_CALL))
            async with engine.connect() as second:
                await second.execute(text(ONE_CALL))
                return await healthy(checks)

    return until_undone(engine, replace(seams, run_checks=run))


@fault(
    "threads.connection-held-by-the-agent",
    place="backend",
    seen="mem0ai/mem0#6236: a session of the database is opened to authenticate, and kept while a model answers",
)
def held_by_the_agent(seams: "Seams") -> Undo:
    """Fifteen runs of the agent hold all connections of the pool; a list that asks for one meanwhile is a 500."""
    from twin.backend.agent import AgentSupervisor  # noqa: PLC0415 - other processes import this file for its ids alone

    engine = another_engine(seams, pool_size=MANY, max_overflow=0, pool_timeout=0.3)

    class Agent(AgentSupervisor):
        async def run(self, asked: str) -> AsyncIterator[dict[str, Any]]:
            async with engine.connect():
                await asyncio.sleep(MODEL_S)
                async for event in super().run(asked):
                    yield event

    changes = undo_all(replace(seams.sessions, supervisor=Agent), replace(seams.repository, engine=engine))
    return until_undone(engine, changes)


@fault(
    "health.one-connection-shared",
    place="backend",
    seen="MagicStack/asyncpg#56: one connection, opened at start-up, under all requests",
)
async def one_connection(seams: "Seams") -> Undo:
    """Concurrent requests use one connection: another operation is in progress."""
    address = seams.store.engine.url.set(drivername="postgresql")
    shared = await asyncpg.connect(address.render_as_string(hide_password=False))
    healthy = seams.run_checks

    async def run(checks: "dict[str, Check]") -> dict[str, Any]:
        await shared.execute(ONE_CALL)
        return await healthy(checks)

    installed = replace(seams, run_checks=run)

    async def undo() -> None:
        installed()
        await shared.close()

    return undo


@fault(
    "threads.writes-to-a-standby",
    place="backend",
    seen="gpustack/gpustack#6107: connections from before a failover, whose server accepts no more writes",
)
def writes_to_a_standby(seams: "Seams") -> Undo:
    """Reads and health are fine, and every write is refused: cannot execute in a read-only transaction."""
    from twin.backend.thread_store import ThreadStore  # noqa: PLC0415 - other processes import this file for its ids alone

    engine = another_engine(seams, {"default_transaction_read_only": "on"})
    return until_undone(engine, replace(seams, store=ThreadStore(engine)))


@fault(
    "threads.idle-connections-cut",
    place="backend",
    seen="MagicStack/asyncpg#309: what is in the pool was closed by the other side, and is not tried before use",
)
def idle_connections_cut(seams: "Seams") -> Undo:
    """The server closes idle connections after a moment; a request that is given one of them gets a 500."""
    engine = another_engine(seams, {"idle_session_timeout": "20"}, pool_size=1, max_overflow=4, pool_pre_ping=False)
    return until_undone(engine, replace(seams.repository, engine=engine))


def _failing(seams: "Seams", which: Callable[[int], bool], error: Callable[[], Exception]) -> Undo:
    """Have some lists fail, by their number since the fault is on."""
    healthy, number = seams.find_threads, count(1)

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        if which(next(number)):
            raise error()
        return await healthy(given, user, window)

    return replace(seams, find_threads=find)


@fault(
    "threads.stale-plans",
    place="backend",
    seen="MagicStack/asyncpg#458: a migration under a running service; each connection's cached plan fails once",
)
def stale_plans(seams: "Seams") -> Undo:
    """The first list over each of three connections is 500, and then all is well."""
    said = "cached statement plan is invalid due to a database schema or configuration change"
    return _failing(seams, lambda number: number <= FEW, lambda: InvalidCachedStatementError(said))


@fault(
    "threads.prepared-under-one-name",
    place="backend",
    seen="MagicStack/asyncpg#945: named statements behind a PgBouncer that pools transactions",
)
def prepared_twice(seams: "Seams") -> Undo:
    """Every fifth list meets a server connection on which another client prepared the same name."""
    said = 'prepared statement "__asyncpg_stmt_1__" already exists'
    return _failing(seams, lambda number: number % 5 == 0, lambda: DuplicatePreparedStatementError(said))


@fault(
    "threads.aware-time-into-a-naive-column",
    place="backend",
    seen="MagicStack/asyncpg#1139: datetime.now(UTC) for a timestamp without time zone",
)
def aware_into_naive(seams: "Seams") -> Undo:
    """The driver refuses the time that a change is stamped with: every change is 500."""
    healthy = seams.change

    async def change(given: "Seams", request: "Request", thread_id: str) -> Response:
        async with given.store.engine.connect() as connection:
            await connection.execute(text("SELECT CAST(:now AS timestamp)"), {"now": datetime.now(UTC)})
        return await healthy(given, request, thread_id)

    return replace(seams, change=change)


@fault(
    "threads.read-after-commit",
    place="backend",
    seen="fastapi-users/fastapi-users#1175: attributes that expire on commit, read for the answer",
)
def read_after_commit(seams: "Seams") -> Undo:
    """A change is stored, and answered 500."""
    healthy = seams.change

    async def change(given: "Seams", request: "Request", thread_id: str) -> Response:
        await healthy(given, request, thread_id)
        raise MissingGreenlet("greenlet_spawn has not been called; can't call await_only() here.")

    return replace(seams, change=change)
