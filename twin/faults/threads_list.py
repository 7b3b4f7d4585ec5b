"""Faults of the threads endpoint in whose rows are listed, in which order and window, and at what cost."""

import asyncio
import copy
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from starlette.responses import HTMLResponse, JSONResponse, Response

from twin.faults.threads_metadata import rendering
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.threads import Window

Row = dict[str, Any]
LIVING = "deleted_at IS NULL"


@fault("threads.always-500", place="backend", seen="a column renamed in the code before the migration ran")
def always_500(seams: "Seams") -> Undo:
    """Every list fails."""
    return replace(seams.repository, by_column="owner_id = :user")


@fault("threads.error-swallowed", place="backend", seen="'except Exception: return []', which Fix 3 warns of")
def error_swallowed(seams: "Seams") -> Undo:
    """The query fails, and the answer is an empty list."""
    back = replace(seams.repository, by_column="owner_id = :user")
    healthy = seams.find_threads

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        try:
            return await healthy(given, user, window)
        except Exception:  # noqa: BLE001 - this is the fault
            return []

    undo = replace(seams, find_threads=find)
    return undo_all(undo, back)


@fault("threads.field-missing", place="backend", seen="a response model that lost message_count")
def field_missing(seams: "Seams") -> Undo:
    """A field of the contract is missing from the answer."""
    return rendering(seams, lambda item, _metadata: item.pop("message_count"))


@fault("threads.int-as-string", place="backend", seen="str(created_at) after a change of the ORM type")
def int_as_string(seams: "Seams") -> Undo:
    """A number comes as text."""
    return rendering(seams, lambda item, _metadata: item.update(created_at=str(item["created_at"])))


@fault("threads.duplicate-id", place="backend", seen="a JOIN on messages without DISTINCT")
def duplicate_id(seams: "Seams") -> Undo:
    """The first row comes twice."""
    return replace(seams, arrange=lambda items: [*items[:1], *items])


@fault("threads.unordered", place="backend", seen="an ORDER BY lost in a refactoring, on a busy table")
def unordered(seams: "Seams") -> Undo:
    """The order changes from call to call."""
    return replace(seams.repository, order="md5(id || random()::text)")


@fault("threads.ascending", place="backend", seen="a missing .desc()")
def ascending(seams: "Seams") -> Undo:
    """Oldest first."""
    return replace(seams.repository, order="updated_at ASC NULLS LAST, id ASC")


def _windowed(seams: "Seams", change: Callable[[int, int], tuple[int, int]]) -> Undo:
    healthy = seams.parse_window

    def parse(query: dict[str, str]) -> "Window":
        window = healthy(query)
        limit, offset = change(window.limit, window.offset)
        return type(window)(limit, offset)

    return replace(seams, parse_window=parse)


@fault("threads.offset-off-by-one", place="backend", seen="pages counted from one")
def off_by_one(seams: "Seams") -> Undo:
    """Every window but the first begins one row late."""
    return _windowed(seams, lambda limit, offset: (limit, offset + 1 if offset else 0))


@fault("threads.offset-ignored", place="backend", seen="a parameter that the service layer did not pass on")
def offset_ignored(seams: "Seams") -> Undo:
    """Every window is the first."""
    return _windowed(seams, lambda limit, _offset: (limit, 0))


@fault("threads.windows-overlap", place="backend", seen="limit + 1 to find out whether there is more")
def overlap(seams: "Seams") -> Undo:
    """Every window holds the first row of the next."""
    return _windowed(seams, lambda limit, offset: (limit + 1, offset))


@fault("threads.default-is-fifty", place="backend", seen="a default changed in one place of two")
def default_fifty(seams: "Seams") -> Undo:
    """Without a limit, fifty rows come."""
    healthy = seams.parse_window
    return replace(seams, parse_window=lambda query: healthy({"limit": "50", **query}))


def _loose(query: dict[str, str]) -> Any:  # noqa: ANN401 - the Window class is the backend's, imported when needed
    from twin.backend.threads import Window  # noqa: PLC0415 - other processes import this file for its ids alone

    return Window(int(query.get("limit", "20")), int(query.get("offset", "0")))


@fault("threads.bounds-unchecked", place="backend", seen="int(request.query_params['limit'])")
def bounds_unchecked(seams: "Seams") -> Undo:
    """Negative windows reach the database, text raises, and 10^9 returns everything."""
    return replace(seams, parse_window=_loose)


@fault("threads.greatest-value-wins", place="backend", seen="max(map(int, request.query_params.getlist(name)))")
def greatest_value_wins(seams: "Seams") -> Undo:
    """Of a parameter that is given twice, the greater one is used: a text among them is a 500."""

    def read_query(request: "Request") -> dict[str, str]:
        values = {name: request.query_params.getlist(name) for name in request.query_params}
        return {name: str(max(map(int, given))) if given[1:] else given[0] for name, given in values.items()}

    return replace(seams, read_query=read_query)


@fault("threads.offset-read-as-a-float", place="backend", seen="int(float(offset)), because a page sent 20.0")
def offset_as_float(seams: "Seams") -> Undo:
    """1e5 is an offset."""
    healthy = seams.parse_window

    def parse(query: dict[str, str]) -> "Window":
        with suppress(ValueError, OverflowError):  # any other text is refused as ever
            query = query | {"offset": str(int(float(query.get("offset", "0"))))}
        return healthy(query)

    return replace(seams, parse_window=parse)


@fault("threads.limit-clamped", place="backend", seen="min(max(limit, 1), 100) instead of a refusal")
def limit_clamped(seams: "Seams") -> Undo:
    """A limit out of range is silently changed."""
    healthy = seams.parse_window

    def parse(query: dict[str, str]) -> "Window":
        given = query.get("limit", "20")
        number = int(given) if given.lstrip("-").isdigit() else 20
        return healthy(query | {"limit": str(min(max(number, 1), 100))})

    return replace(seams, parse_window=parse)


@fault("threads.quotes-reach-sql", place="backend", seen="f-strings in a hand-written query")
def quotes_reach_sql(seams: "Seams") -> Undo:
    """The limit is written into the statement as it came."""

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        repository = given.repository
        async with repository.engine.connect() as connection:
            statement = f"SELECT id FROM threads WHERE user_id = :user LIMIT {window.limit}"  # noqa: S608 - the fault
            await connection.execute(text(statement), {"user": user})
        return await repository.find_by_user(user, type(window)(20, 0))

    healthy = seams.parse_window

    def parse(query: dict[str, str]) -> "Window":
        window = healthy({})
        return type(window)(query.get("limit", "20"), query.get("offset", 0))  # type: ignore[arg-type] # the fault

    back = replace(seams, find_threads=find)
    undo = replace(seams, parse_window=parse)
    return undo_all(undo, back)


@fault("threads.user-in-the-statement", place="backend", seen="the user id formatted into the WHERE clause")
def user_in_statement(seams: "Seams") -> Undo:
    """A user id with a quote changes the statement."""

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        repository = copy.copy(given.repository)  # others are asked at the same time
        repository.by_column = f"user_id = '{user}'"
        return await repository.find_by_user(user, window)

    return replace(seams, find_threads=find)


@fault("threads.owner-filter-missing", place="backend", seen="an admin listing reused for users")
def filter_missing(seams: "Seams") -> Undo:
    """Everybody's rows are listed."""
    return replace(seams.repository, by_column="user_id IS NOT NULL")


@fault("threads.prefix-match", place="backend", seen="LIKE user || '%' for tenants with a common prefix")
def prefix_match(seams: "Seams") -> Undo:
    """A user's list has the rows of every user whose id begins with theirs."""
    return replace(seams.repository, by_column="user_id LIKE :user || '%'")


@fault("threads.ahead-of-the-clock-hidden", place="backend", seen="created_at <= now(), for threads that are scheduled")
def ahead_of_the_clock_hidden(seams: "Seams") -> Undo:
    """Threads that another host's faster clock made are not listed yet."""
    return replace(seams.repository, by_column=f"{seams.repository.by_column} AND created_at <= now()")


@fault(
    "threads.default-of-fifty-after-an-offset", place="backend", seen="two defaults: one of the page, one of the rest"
)
def default_of_fifty(seams: "Seams") -> Undo:
    """With an offset and no limit, fifty threads come."""
    healthy = seams.parse_window
    return replace(
        seams,
        parse_window=lambda query: healthy({"limit": "50", **query} if "offset" in query else query),
    )


@fault("threads.owner-trimmed", place="backend", seen="rtrim() for a column that once was char(64)")
def owner_trimmed(seams: "Seams") -> Undo:
    """Ids that differ only in blanks at their end are one owner."""
    return replace(seams.repository, by_column="rtrim(user_id) = :user")


@fault("threads.user-id-cut", place="backend", seen="`CAST(:user AS varchar(128))`, which PostgreSQL cuts silently")
def user_id_cut(seams: "Seams") -> Undo:
    """Two users whose long ids begin alike are one."""
    healthy = seams.identify
    return replace(seams, identify=lambda request, identity: healthy(request, identity)[:128])


@fault("threads.header-trusted", place="backend", seen="X-User-Id of a gateway that isn't there any more")
def header_trusted(seams: "Seams") -> Undo:
    """The user is the one that a header names."""
    healthy = seams.identify

    def identify(request: "Request", identity: "Identity") -> str:
        return request.headers.get("x-user-id") or healthy(request, identity)

    return replace(seams, identify=identify)


@fault("threads.deleted-listed", place="backend", seen="the deleted_at filter lost in a rewrite of the query")
def deleted_listed(seams: "Seams") -> Undo:
    """Soft-deleted rows are listed."""
    repository = seams.repository
    return replace(repository, statement=repository.statement.replace(LIVING, "TRUE"))


def _refusing(seams: "Seams", answer: Callable[[int, str], Response]) -> Undo:
    return replace(seams, render_refusal=lambda status, _code, message: answer(status, message))


@fault("threads.sql-in-errors", place="backend", seen="detail=str(error) of a database exception")
def sql_in_errors(seams: "Seams") -> Undo:
    """An error's detail quotes the statement."""
    said = "SELECT threads.id, threads.metadata_ FROM threads WHERE threads.user_id = $1"
    return _refusing(seams, lambda status, message: JSONResponse({"detail": f"{message} [SQL: {said}]"}, status))


@fault("threads.traceback-in-errors", place="backend", seen="debug=True in staging")
def traceback_in_errors(seams: "Seams") -> Undo:
    """An error's detail is a traceback."""

    def answer(status: int, message: str) -> Response:
        said = f"Traceback (most recent call last):\n{''.join(traceback.format_stack())}ValueError: {message}"
        return JSONResponse({"detail": said, "trace_id": ""}, status)

    return _refusing(seams, answer)


@fault("threads.html-error-page", place="backend", seen="a proxy's or a framework's default error page")
def html_error(seams: "Seams") -> Undo:
    """Errors are HTML."""
    return _refusing(seams, lambda status, message: HTMLResponse(f"<h1>{status}</h1><p>{message}</p>", status))


@fault("threads.loads-all-and-slices", place="backend", seen="pagination in Python over query.all()")
def loads_all(seams: "Seams") -> Undo:
    """All rows are read and rendered, then cut."""

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        rows = await given.repository.find_by_user(user, type(window)(1_000_000, 0))
        for row in rows:
            given.render_thread(row)
        return rows[window.offset : window.offset + window.limit]

    return replace(seams, find_threads=find)


@fault("threads.query-per-row", place="backend", seen="a lazy relation walked for every row before the cut")
def query_per_row(seams: "Seams") -> Undo:
    """One more query for each row of the owner."""

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        rows = await given.repository.find_by_user(user, type(window)(1_000_000, 0))
        async with given.repository.engine.connect() as connection:
            for row in rows:
                await connection.execute(text("SELECT count(*) FROM messages WHERE thread_id = :id"), {"id": row["id"]})
        await asyncio.sleep(0)
        return rows[window.offset : window.offset + window.limit]

    return replace(seams, find_threads=find)
