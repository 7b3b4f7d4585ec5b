"""Faults of the detailed health answer: not there, not well-formed, not true, too talkative, or old."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from twin.backend.seams import Seams
    from twin.stack import Stack

Body = dict[str, Any]
LONG_S = 120.0


@fault("health.answers-503", place="backend", seen="a readiness probe that fails while a cache warms up")
def answers_503(seams: "Seams") -> Undo:
    """503 instead of an answer."""

    async def answer(_body: Body) -> Response:
        return JSONResponse({"detail": "warming up"}, 503)

    return replace(seams, answer_health=answer)


@fault("health.hangs", place="backend", seen="a dependency asked without a deadline")
def hangs(seams: "Seams") -> Undo:
    """No answer for two minutes."""

    async def answer(body: Body) -> Response:
        await asyncio.sleep(LONG_S)
        return JSONResponse(body)

    return replace(seams, answer_health=answer)


@fault("health.redirects-to-login", place="backend", seen="an identity-aware proxy put in front of everything")
def redirects(seams: "Seams") -> Undo:
    """302 to a login page."""

    async def answer(_body: Body) -> Response:
        return RedirectResponse("/login", 302)

    return replace(seams, answer_health=answer)


def _answering(seams: "Seams", content: str, media_type: str = "application/json") -> Undo:
    async def answer(_body: Body) -> Response:
        return Response(content, media_type=media_type)

    return replace(seams, answer_health=answer)


@fault("health.answers-html", place="backend", seen="a status page that took over the route")
def answers_html(seams: "Seams") -> Undo:
    """200 with HTML."""

    async def answer(_body: Body) -> Response:
        return HTMLResponse("<html><body>All systems operational</body></html>")

    return replace(seams, answer_health=answer)


@fault("health.truncated-json", place="backend", seen="a wrong Content-Length behind a rewriting proxy")
def truncated(seams: "Seams") -> Undo:
    """The body breaks off."""

    async def answer(body: Body) -> Response:
        return Response(json.dumps(body)[:-40], media_type="application/json")

    return replace(seams, answer_health=answer)


def reporting(seams: "Seams", **changes: Any) -> Undo:  # noqa: ANN401 - values of the body
    """Change keys of the report; None takes one away, a function makes it of the healthy body."""
    healthy = seams.report

    def report(found: Mapping[str, Any], failed: list[str], environment: str) -> Body:
        body = healthy(found, failed, environment)
        made = {key: value(body) if callable(value) else value for key, value in changes.items()}
        return {key: value for key, value in (body | made).items() if value is not None}

    return replace(seams, report=report)


@fault("health.key-missing", place="backend", seen="a renamed key: environment became env")
def key_missing(seams: "Seams") -> Undo:
    """A key of the contract is missing."""
    return reporting(seams, environment=None)


@fault("health.wrong-type", place="backend", seen="failed_checks joined into a string for a dashboard")
def wrong_type(seams: "Seams") -> Undo:
    """A list is a string."""
    return reporting(seams, failed_checks=lambda body: ", ".join(body["failed_checks"]))


@fault("health.naive-timestamp", place="backend", seen="Fix 5: datetime.utcnow().isoformat()")
def naive(seams: "Seams") -> Undo:
    """A timestamp without a zone."""
    return reporting(seams, timestamp=lambda _body: datetime.now(UTC).replace(tzinfo=None).isoformat())


@fault("health.cached-body", place="backend", seen="a CDN or an lru_cache in front of the route")
def cached_body(seams: "Seams") -> Undo:
    """The first answer is given again."""
    kept: list[Body] = []

    async def answer(body: Body) -> Response:
        kept.append(body)
        return JSONResponse(kept[0])

    return replace(seams, answer_health=answer)


@fault("health.stale-failures", place="backend", seen="failed_checks kept from the last failure")
def stale_failures(seams: "Seams") -> Undo:
    """It names a failed check although every check is healthy."""
    return reporting(seams, status="unhealthy", failed_checks=["redis"])


@fault("health.unreachable-under-healthy", place="backend", seen="Fix 5 looks for 'unhealthy' and 'error' alone")
def unreachable_under_healthy(seams: "Seams") -> Undo:
    """A check says "unreachable: timeout", and the overall status says healthy."""

    async def auth_service() -> str:
        return "unreachable: timeout"

    back = replace(seams, checks={**seams.checks, "auth_service": auth_service})
    undo = replace(seams, find_failures=failures_by_the_report)
    return undo_all(undo, back)


def failures_by_the_report(found: Mapping[str, Any]) -> list[str]:
    """Fix 5's own reading of its checks."""
    return [
        name for name, value in found.items() if isinstance(value, str) and ("unhealthy" in value or "error" in value)
    ]


@fault("health.null-rows-not-counted", place="backend", seen="Fix 5 counts SQL NULL and never judges the number")
def null_rows_not_counted(seams: "Seams") -> Undo:
    """Two rows have NULL metadata, and the status is healthy."""

    async def threads_table() -> dict[str, int]:
        counts: dict[str, int] = await healthy()
        return counts | {"null_metadata": 2, "with_metadata": counts["total"] - 2}

    healthy = seams.checks["threads_table"]
    back = replace(seams, checks={**seams.checks, "threads_table": threads_table})
    undo = replace(seams, find_failures=failures_by_the_report)
    return undo_all(undo, back)


@fault("health.blind-to-null-rows", place="backend", seen="count(*) FILTER (WHERE metadata_ = NULL) counts nothing")
def blind_to_null_rows(seams: "Seams") -> Undo:
    """Rows without metadata are counted as rows with it."""

    async def threads_table() -> dict[str, int]:
        counts: dict[str, int] = await seen()
        return counts | {"null_metadata": 0, "with_metadata": counts["total"]}

    seen = seams.checks["threads_table"]
    return replace(seams, checks={**seams.checks, "threads_table": threads_table})


@fault("health.null-rows-not-judged", place="backend", seen="Fix 5: the count is reported, and no status follows")
def null_rows_not_judged(seams: "Seams") -> Undo:
    """With rows without metadata in the table, the status is healthy."""
    return replace(seams, find_failures=failures_by_the_report)


@fault("health.tells-the-dsn", place="backend", seen="Fix 5: f'unhealthy: {str(e)}' to anyone who asks")
def tells_the_dsn(seams: "Seams") -> Undo:
    """A failing check quotes the exception with the connection's URL."""

    async def cache() -> str:
        return "unhealthy: Error 111 connecting to redis://default:hunter2@10.0.0.7:6379. Connection refused."

    return replace(seams, checks={**seams.checks, "redis": cache})


@fault("health.counts-of-boot", place="backend", seen="counts taken once at start-up, to spare the database")
async def counts_of_boot(seams: "Seams") -> Undo:
    """The counts are what they were before the last rows came."""
    counts: dict[str, int] = await seams.checks["threads_table"]()

    async def threads_table() -> dict[str, int]:
        return counts | {"total": counts["total"] - 7, "with_metadata": counts["with_metadata"] - 7}

    return replace(seams, checks={**seams.checks, "threads_table": threads_table})


@fault("health.auth-not-asked", place="backend", seen="a check stubbed for a test and never brought back")
def auth_not_asked(seams: "Seams") -> Undo:
    """It says that auth is not healthy, though it is."""

    async def auth_service() -> str:
        return "unhealthy: not asked"

    return replace(seams, checks={**seams.checks, "auth_service": auth_service})


@fault("health.auth-taken-for-granted", place="backend", seen="a check that is healthy if the address is configured")
def auth_taken_for_granted(seams: "Seams") -> Undo:
    """It says that auth is healthy, whatever auth says."""

    async def auth_service() -> str:
        return "healthy"

    return replace(seams, checks={**seams.checks, "auth_service": auth_service})


@fault("health.redis-down", place="stack", seen="a Memorystore failover")
async def redis_down(stack: "Stack") -> Undo:
    """Redis is stopped."""
    await stack.take_down("valkey")

    async def undo() -> None:
        await stack.bring_up("valkey")

    return undo


@fault(
    "health.cached-with-the-database-down",
    place="stack",
    seen="health cached for minutes, database gone",
    brings=("health.remembered",),
)
async def cached_with_database_down(stack: "Stack") -> Undo:
    """The database is stopped, and the health answer is an earlier one."""
    await stack.take_down("postgres")

    async def undo() -> None:
        await stack.bring_up("postgres")

    return undo


@fault("health.remembered", place="backend", seen="part of health.cached-with-the-database-down", dependency=True)
async def remembered(seams: "Seams") -> Undo:
    """The checks as they were when this was installed, with a timestamp of now."""
    found = await seams.run_checks(seams.checks)

    async def run_checks(_checks: Mapping[str, Any]) -> dict[str, Any]:
        return dict(found)

    return replace(seams, run_checks=run_checks)
