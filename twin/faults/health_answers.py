"""Faults of the detailed health answer whose parts do not fit each other: status, checks, counts, time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.faults.health import reporting
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.seams import Seams

Body = dict[str, Any]
UNAVAILABLE = 503
SUMMER_TIME = timedelta(hours=2)


@fault("health.503-over-healthy", place="backend", seen="a status code kept from the last failure, over a new body")
def unavailable_over_healthy(seams: "Seams") -> Undo:
    """The body says that all is well, the status 503."""

    async def answer(body: Body) -> Response:
        return JSONResponse(body, UNAVAILABLE)

    return replace(seams, answer_health=answer)


@fault(
    "health.environment-unset", place="backend", seen="os.getenv('ENVIRONMENT', ''), and a variable lost in a deploy"
)
def environment_unset(seams: "Seams") -> Undo:
    """The environment is there, and empty."""
    return reporting(seams, environment="")


@fault("health.another-environment", place="backend", seen="a service deployed with the variables of production")
def another_environment(seams: "Seams") -> Undo:
    """It says that it is production."""
    return reporting(seams, environment="production")


@fault("health.checks-as-a-list", place="backend", seen="checks as objects with a name, for a dashboard's table")
def checks_as_a_list(seams: "Seams") -> Undo:
    """The checks are a list."""
    return reporting(seams, checks=lambda body: [{"name": k, "result": v} for k, v in body["checks"].items()])


@fault("health.time-in-words", place="backend", seen="email.utils.formatdate(), which the frontend can read")
def time_in_words(seams: "Seams") -> Undo:
    """The timestamp is not in ISO 8601."""
    return reporting(seams, timestamp=lambda _body: datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"))


@fault("health.local-time-as-utc", place="backend", seen="datetime.now().isoformat() + 'Z' on a host in summer time")
def local_time_as_utc(seams: "Seams") -> Undo:
    """The timestamp is two hours ahead."""
    return reporting(seams, timestamp=lambda _body: (datetime.now(UTC) + SUMMER_TIME).isoformat())


@fault("health.any-bad-row", place="backend", seen="SELECT EXISTS(...), which is true or false, read as a number")
def any_bad_row(seams: "Seams") -> Undo:
    """However many rows have no metadata, it counts one."""

    async def threads_table() -> dict[str, int]:
        counts = await healthy()
        return {**counts, "null_metadata": min(counts["null_metadata"], 1)}

    healthy = seams.checks["threads_table"]
    return replace(seams, checks={**seams.checks, "threads_table": threads_table})


@fault("health.failures-kept", place="backend", seen="failed.update(...) on a set that lives as long as the process")
def failures_kept(seams: "Seams") -> Undo:
    """A check that has failed once is listed as failed for ever, and the status is unhealthy."""
    healthy, failed = seams.find_failures, set[str]()

    def find(checks: Mapping[str, Any]) -> list[str]:
        failed.update(healthy(checks))
        return sorted(failed)

    return replace(seams, find_failures=find)


@fault("health.all-counted-as-good", place="backend", seen="count(*), copied from the line above it")
def all_counted_as_good(seams: "Seams") -> Undo:
    """Every row is counted as one with metadata."""

    async def threads_table() -> dict[str, int]:
        counts = await healthy()
        return {**counts, "with_metadata": counts["total"]}

    healthy = seams.checks["threads_table"]
    return replace(seams, checks={**seams.checks, "threads_table": threads_table})


@fault("health.bad-rows-under-healthy", place="backend", seen="counts that are a warning, and change no status")
def bad_rows_under_healthy(seams: "Seams") -> Undo:
    """Rows without metadata are counted and listed as failed, and the status is healthy."""

    def status(body: Body) -> str:
        return "healthy" if body["failed_checks"] == ["threads_table"] else body["status"]

    return reporting(seams, status=status)
