"""The detailed health answer: there, well-formed, true, and silent about internals."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from fixtures.database import Sight
from fixtures.health import OK
from fixtures.http_services import AuthDoor, Door, seen
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from probes.database.connection import Connection, TableShape, take_census
from probes.deadlines import Deadlines
from probes.http.client import Answer
from targets.contract import Contract, HealthRules

FIX_5 = "Fix 5 (/health/detailed): judge each check by what it found; count everything that is not healthy."
KEYS = {"timestamp": str, "environment": str, "status": str, "failed_checks": list, "checks": dict}
COUNTS = ("total", "with_metadata", "null_metadata")
LEAKS = re.compile(
    r"://[^\s\"]+|Traceback|File \"|Error:|Exception|errno|\b\d{1,3}(\.\d{1,3}){3}\b|localhost|password|:\d{4,5}\b",
    re.IGNORECASE,
)


@check(
    "health.reachable",
    requirement="/health/detailed answers 200 within its deadline",
    needs="http",
    remedy="Fix 5. A redirect or a login in front of it, a 5xx, or a dependency without a deadline.",
)
async def test_it_answers(backend: Door, contract: Contract, deadlines: Deadlines, recorder: Recorder) -> None:
    """Without credentials, without redirects, in time."""
    answer = await backend.get(contract.paths.health, deadline_s=deadlines.health)
    recorder.figures(
        rule="one call", n=1, value=round(answer.elapsed_s * 1e3, 1), unit="ms", limit=deadlines.health * 1e3
    )
    if answer.status != OK:
        raise CheckFailure(expected=f"200 within {deadlines.health:g} s", actual=seen(answer))


@check("health.schema", requirement="the body fits the contract", needs="http", remedy=FIX_5)
async def test_the_body_fits_the_contract(health: dict[str, Any], contract: Contract) -> None:
    """Every key of the contract is there, with its type."""
    problems = [
        f"{key} is {type(health.get(key)).__name__}"
        for key, kind in KEYS.items()
        if not isinstance(health.get(key), kind)
    ]
    if health.get("status") not in {"healthy", "unhealthy"}:
        problems.append(f"status is {health.get('status')!r}")
    checks = health.get("checks")
    if isinstance(checks, dict):
        problems += [f"checks.{name} is missing" for name in contract.health.check_names if name not in checks]
        counts = checks.get("threads_table")
        if not isinstance(counts, dict):
            problems.append(f"checks.threads_table is {type(counts).__name__}")
        else:
            problems += [f"threads_table.{key} is {counts.get(key)!r}" for key in COUNTS if not _is_count(counts, key)]
    if problems:
        raise CheckFailure(expected="the contract's body", actual="; ".join(problems))


def _is_count(counts: dict[str, Any], key: str) -> bool:
    value = counts.get(key)
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def sick(checks: dict[str, Any], rules: HealthRules) -> dict[str, str]:
    """The checks that do not pass by our own reading: a word that is not a healthy one, or bad rows."""
    found = {}
    for name in rules.check_names:
        value = checks.get(name)
        if isinstance(value, dict):
            bad = value.get("null_metadata")
            if bad != 0:
                found[name] = f"null_metadata is {bad!r}"
        elif str(value).strip().lower() not in rules.healthy_words:
            found[name] = str(value)
    return found


@check("health.checks", requirement="each health check passes, read one by one", needs="http", remedy=FIX_5)
async def test_each_check_passes(health_checks: dict[str, Any], contract: Contract, recorder: Recorder) -> None:
    """Every single check says that it is healthy, whatever the overall status says."""
    found = sick(health_checks, contract.health)
    total = len(contract.health.check_names)
    recorder.figures(rule="checks that pass", n=total, value=total - len(found), limit=total)
    if found:
        raise CheckFailure(
            expected=f"healthy: {', '.join(contract.health.check_names)}",
            actual="; ".join(f"{name}: {why}" for name, why in found.items()),
        )


@check(
    "health.overall",
    requirement="status and failed_checks follow from the checks",
    needs="http",
    remedy=FIX_5 + ' The report\'s own code misses "unreachable" and NULL rows.',
)
async def test_the_status_follows_from_the_checks(
    health: dict[str, Any], health_checks: dict[str, Any], contract: Contract
) -> None:
    """Unhealthy exactly when a check is, and the failed ones are named."""
    found = sorted(sick(health_checks, contract.health))
    expected = {"status": "unhealthy" if found else "healthy", "failed_checks": found}
    actual = {"status": health.get("status"), "failed_checks": sorted(map(str, health.get("failed_checks") or []))}
    if actual != expected:
        raise CheckFailure(expected=f"{expected}", actual=f"{actual}")


@check(
    "health.honest",
    requirement="what it says of the database, the counts and auth is what we see ourselves",
    needs="http db auth",
    remedy="Ask the dependencies when asked, do not answer from a cache.",
)
async def test_it_says_what_is_so(
    backend: Door, auth: AuthDoor, database_sight: Sight, contract: Contract, deadlines: Deadlines
) -> None:
    """Its counts are the table's, before or after; its word on auth is what auth answers us."""
    if isinstance(database_sight, str):
        answer = await backend.get(contract.paths.health, deadline_s=deadlines.health)
        said = answer.json().get("checks", {}).get("database")
        if str(said).lower() in contract.health.healthy_words:
            raise CheckFailure(expected=f"database unhealthy: we see {database_sight}", actual=f"database {said}")
        raise Broken(f"the database can't be seen by us: {database_sight}")
    database, table = database_sight
    before = await _count(database, table)
    answer = await backend.get(contract.paths.health, deadline_s=deadlines.health)
    after = await _count(database, table)
    checks = answer.json().get("checks", {})
    counts = checks.get("threads_table")
    total = counts.get("total") if isinstance(counts, dict) else None
    if not isinstance(total, int) or not min(before, after) <= total <= max(before, after):
        raise CheckFailure(expected=f"threads_table.total {before} (we counted)", actual=f"{counts!r}")
    census = await take_census(database, table)
    bad = counts.get("null_metadata") if isinstance(counts, dict) else None
    nulls = census.bad.get("sql_null", 0)
    if isinstance(bad, int) and (bad == 0) != (not census.bad) and bad < nulls:
        raise CheckFailure(expected=f"null_metadata at least {nulls} (we counted)", actual=f"{bad}")
    auth_answer = await auth.get(contract.paths.auth_health)
    says, sees = str(checks.get("auth_service")).lower() in contract.health.healthy_words, auth_answer.status == OK
    if says != sees:
        raise CheckFailure(
            expected=f"auth_service {'' if sees else 'un'}healthy", actual=f"{checks.get('auth_service')}"
        )


async def _count(database: Connection, table: TableShape) -> int:
    return int(await database.fetchval(f"SELECT count(*) FROM {table.name}"))  # noqa: S608 - the catalogue's own name


@check(
    "health.silent",
    requirement="no credential, host, DSN or traceback in the body",
    needs="http",
    remedy=FIX_5 + " Never str(exception).",
)
async def test_it_tells_no_internals(health_answer: Answer) -> None:
    """Anybody may ask, so the answer names nothing of the inside."""
    body = re.sub(r'"timestamp"\s*:\s*"[^"]*"', "", health_answer.text)
    found = LEAKS.search(body)
    if found:
        raise CheckFailure(expected="no internals", actual=f"{found.group()[:80]!r} in the body")


@check(
    "health.fresh",
    requirement="a zoned timestamp, within the allowed skew, that moves",
    needs="http",
    remedy="datetime.now(UTC), taken when asked; no cache in front (Fix 5 uses the naive utcnow).",
)
async def test_the_timestamp_is_of_now(
    backend: Door, contract: Contract, deadlines: Deadlines, clock_trouble: str
) -> None:
    """Two answers, two moments, both near our own clock."""
    moments = []
    for _ in range(2):
        answer = await backend.get(contract.paths.health, deadline_s=deadlines.health)
        text = str(answer.json().get("timestamp"))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise CheckFailure(expected="an ISO 8601 timestamp", actual=text) from error
        if moment.tzinfo is None:
            raise CheckFailure(expected="a timestamp with a zone", actual=text)
        if abs(datetime.now(UTC) - moment) > timedelta(seconds=contract.health.skew_s):
            if clock_trouble:
                raise Broken(clock_trouble)
            raise CheckFailure(expected=f"now, within {contract.health.skew_s:g} s", actual=text)
        moments.append(moment)
    if moments[0] >= moments[1]:
        raise CheckFailure(expected="a timestamp that moves", actual=f"{moments[0].isoformat()} twice or backwards")
