"""The detailed health answer: available, well-formed, true, and without internals."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from fixtures.clocks import OurClock
from fixtures.database import Sight
from fixtures.health import FIX_5, BadRows, checks_in, count_in
from fixtures.http_services import AuthDoor, Door, seen
from fixtures.reading import misfits
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from gate.run import Run
from probes.database.census import take_census
from probes.database.connection import Connection, TableShape
from probes.errors import BadAnswer
from probes.foreign.excerpt import excerpt
from probes.http.client import Answer
from probes.timing.deadlines import Deadlines
from targets.contract import Contract
from targets.contract.rest import HealthRules

LOOKS = 5  # at a table in which others write
SECOND_S = 1.0  # after which a clock of whole seconds shows another one
LEAKS = re.compile(
    r"://[^\s\"]+|Traceback|File \"|Error:|Exception|errno|\b\d{1,3}(\.\d{1,3}){3}\b|localhost|password"
    r"|\b[a-z][\w.-]*:\d{4,5}\b",  # a port follows a host: a count of 2000 after a colon is not a port
    re.IGNORECASE,
)


@check(
    "health.reachable",
    requirement="the detailed health answers 200 within its deadline",
    needs="http health",
    remedy="Fix 5. Look for a redirect or a login in front of it, a 5xx, or a dependency without a deadline.",
    looking="`curl -i $BACKEND/health/detailed`: the status, a `Location`, the time it takes",
)
async def test_it_answers(backend: Door, contract: Contract, deadlines: Deadlines, recorder: Recorder) -> None:
    """It answers without credentials, without redirects and in time."""
    answer = await backend.get(contract.paths.health, deadline_s=deadlines.health)
    recorder.figures(
        rule="one call", n=1, value=round(answer.elapsed_s * 1e3, 1), unit="ms", limit=deadlines.health * 1e3
    )
    if answer.status != HTTPStatus.OK:
        raise CheckFailure(expected=f"200 within {deadlines.health:g} s", actual=seen(answer))


@check(
    "health.schema",
    requirement="the body matches the contract",
    needs="http health",
    remedy=FIX_5 + " If it names another environment, correct the service's own variable for it, such as ENVIRONMENT.",
    looking="the body in the evidence, compared with `[contract.health]`",
)
async def test_the_body_fits_the_contract(health: dict[str, Any], contract: Contract) -> None:
    """The body has every key of the contract, with its type, and names the environment that the target expects."""
    rules = contract.health
    problems, named = misfits(health, rules.detailed), health.get(rules.environment_field)
    if rules.environment and named != rules.environment:
        shown = excerpt(repr(named), 80)
        wanted = f"{rules.environment!r} (contract.health.environment)"
        problems.append(f"{rules.environment_field} is {shown}, not {wanted}")
    if problems:
        raise CheckFailure(expected="the body of contract.health.detailed", actual="; ".join(problems))


def sick(checks: dict[str, Any], rules: HealthRules) -> dict[str, str]:
    """The health checks that do not pass by our own judgement: a word that does not mean healthy, or bad rows."""
    found = {}
    for name in rules.check_names:
        value = checks.get(name)
        if isinstance(value, dict):
            bad = value.get(rules.bad_field)
            if bad != 0:
                found[name] = f"{rules.bad_field} is {bad!r}"
        elif str(value).strip().lower() not in rules.healthy_words:
            found[name] = str(value)
    return found


@check(
    "health.checks",
    requirement="each health check passes, judged one by one",
    needs="http health",
    remedy=FIX_5,
    looking="each check by itself in the evidence; then that dependency's own health",
)
async def test_each_check_passes(
    health_checks: dict[str, Any],
    contract: Contract,
    recorder: Recorder,
    run: Run,
    look_for_bad_rows: Callable[[], Awaitable[BadRows | None]],
) -> None:
    """Every single health check says that it is healthy, whatever the overall status says.

    The service also counts rows that a killed run left behind. If all its bad rows are the suite's own,
    the report says so, and they are not a finding about the service.
    """
    rules = contract.health
    found = sick(health_checks, rules)
    counts = health_checks.get(rules.counts_check) if rules.counts_check in found else None
    if isinstance(counts, dict):
        _allow_for_own_rows(found, counts.get(rules.bad_field), await look_for_bad_rows(), rules, run)
    total = len(rules.check_names)
    recorder.figures(rule="checks that pass", n=total, value=total - len(found), limit=total)
    if found:
        raise CheckFailure(
            expected=f"healthy: {', '.join(rules.check_names)}",
            actual="; ".join(f"{name}: {why}" for name, why in found.items()),
        )


def _allow_for_own_rows(
    found: dict[str, str], counted: object, rows: BadRows | None, rules: HealthRules, run: Run
) -> None:
    """Say what is known of the suite's own rows among the bad rows counted; all of them: that is not a finding."""
    if rows is None:
        found[rules.counts_check] += " (rows left by a killed run may be among them; we can't look)"
    elif rows.explain(counted):
        run.notes.append(
            f"{rules.bad_field} is {counted}: all are rows of this suite, left by a killed run "
            "or in use by another (`make reap`)"
        )
        del found[rules.counts_check]
    elif rows.ours:
        found[rules.counts_check] += f" ({rows.ours} of the suite's own rows and {rows.others} other rows are bad)"


@check(
    "health.overall",
    requirement="status and failed_checks follow from the checks",
    needs="http health",
    remedy=FIX_5 + ' The report\'s own code misses "unreachable" and NULL rows.',
    looking="`status` and `failed_checks`, compared with the checks: which unhealthy one was not counted?",
)
async def test_the_status_follows_from_the_checks(
    health: dict[str, Any], health_checks: dict[str, Any], contract: Contract
) -> None:
    """The status is unhealthy exactly if a check is, and the failed checks are listed."""
    rules = contract.health
    found = sorted(sick(health_checks, rules))
    named = health.get(rules.failed_field)
    expected: dict[str, object] = {rules.status_field: rules.unhealthy if found else rules.healthy}
    actual = {rules.status_field: health.get(rules.status_field)}
    if rules.failed_field:
        expected |= {rules.failed_field: found}
        actual |= {rules.failed_field: sorted(map(str, named)) if isinstance(named, list) else named}
    if actual != expected:
        raise CheckFailure(expected=f"{expected}", actual=f"{actual}")


@check(
    "health.honest",
    requirement="what it says about the database, the counts and auth matches what we observe",
    needs="http db auth health",
    remedy="Query the dependencies on each request; do not answer from a cache.",
    looking="its counts and ours, in the evidence; ask twice: an answer that does not change is a cache",
)
async def test_it_says_what_is_so(
    backend: Door, auth: AuthDoor, database_sight: Sight, contract: Contract, deadlines: Deadlines
) -> None:
    """Its counts match the table while we look, five times at most; what it says about auth matches auth's answer."""
    rules = contract.health
    if isinstance(database_sight, str):
        word = (await _checks(backend, contract, deadlines)).get(rules.database_check)
        if str(word).lower() in rules.healthy_words:
            raise CheckFailure(expected=f"database unhealthy: we observe {database_sight}", actual=f"database {word}")
        raise Broken(f"we can't check the database: {database_sight}")
    database, table = database_sight
    counted = [await _count(database, table)]
    for _ in range(LOOKS):  # others may add and remove rows at any moment; a wrong count stays wrong
        checks = await _checks(backend, contract, deadlines)
        counted.append(await _count(database, table))
        if not rules.counts_check or says_one_of(checks, rules, counted):
            break
    if rules.counts_check:
        _judge_total(checks, rules, counted)
        await _judge_bad_rows(checks, rules, database, table)
    if rules.auth_check:
        auth_answer = await auth.get(contract.paths.auth_health)
        says = str(checks.get(rules.auth_check)).lower() in rules.healthy_words
        sees = auth_answer.status == HTTPStatus.OK
        if says != sees:
            words = (
                f"{'one' if sees else 'none'} of contract.health.healthy_words: auth answers us {auth_answer.status}"
            )
            raise CheckFailure(expected=f"{rules.auth_check} {words}", actual=f"{checks.get(rules.auth_check)}")


async def _checks(backend: Door, contract: Contract, deadlines: Deadlines) -> dict[str, Any]:
    answer = await backend.get(contract.paths.health, deadline_s=deadlines.health)
    return checks_in(answer.json_object(), contract)


def says_one_of(checks: dict[str, Any], rules: HealthRules, counted: Sequence[int]) -> bool:
    """Whether the total is what we counted, or between two of our counts."""
    total = count_in(checks, rules, rules.total_field)
    return isinstance(total, int) and min(counted) <= total <= max(counted)


def _judge_total(checks: dict[str, Any], rules: HealthRules, counted: Sequence[int]) -> None:
    if not says_one_of(checks, rules, counted):
        here = f"{min(counted)}" if len({*counted}) == 1 else f"between {min(counted)} and {max(counted)}"
        raise CheckFailure(
            expected=f"{rules.counts_check}.{rules.total_field} {here} (we counted)",
            actual=f"{checks.get(rules.counts_check)!r}",
        )


async def _judge_bad_rows(checks: dict[str, Any], rules: HealthRules, database: Connection, table: TableShape) -> None:
    bad, census = count_in(checks, rules, rules.bad_field), await take_census(database, table)
    nulls = census.bad.get("sql_null", 0)
    if isinstance(bad, int) and (bad == 0) != (not census.bad) and bad < nulls:
        raise CheckFailure(expected=f"{rules.bad_field} at least {nulls} (we counted)", actual=f"{bad}")


async def _count(database: Connection, table: TableShape) -> int:
    return int(await database.fetchval(f"SELECT count(*) FROM {table.name}"))  # noqa: S608 - the catalogue's own name


@check(
    "health.silent",
    requirement="the body has no credential, host, DSN or traceback",
    needs="http health",
    remedy=FIX_5 + " Never str(exception).",
    looking="the matched text in the evidence, redacted; `curl $BACKEND/health/detailed` while a dependency is down",
)
async def test_it_tells_no_internals(health_answer: Answer, contract: Contract) -> None:
    """The route is public, so the answer must not reveal internals."""
    found = next((leak for text in _texts(health_answer, contract) if (leak := LEAKS.search(text))), None)
    if found:
        raise CheckFailure(expected="no internals", actual=f"{excerpt(found.group(), 80)!r} in the body")
    if health_answer.status != HTTPStatus.OK:
        raise CheckFailure(expected="200: without an answer there is nothing to look at", actual=seen(health_answer))


def _texts(answer: Answer, contract: Contract) -> list[str]:
    """The text in a body: its keys and strings, without the timestamp; the whole body if it is not JSON."""
    try:
        stack: list[Any] = [answer.json()]
    except BadAnswer:
        return [answer.text]
    texts: list[str] = []
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            texts += value
            stack += [inner for key, inner in value.items() if key != contract.health.timestamp_field]
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str):
            texts.append(value)
    return texts


@check(
    "health.fresh",
    requirement="the timestamp has a time zone, is within the allowed skew, and advances",
    needs="http health",
    remedy="Use datetime.now(UTC), taken on each request, with no cache in front (Fix 5 uses the naive utcnow).",
    looking="`curl -i $BACKEND/health/detailed` twice: the timestamp, its zone, an `Age` header",
)
async def test_the_timestamp_is_of_now(
    backend: Door, contract: Contract, deadlines: Deadlines, our_clock: OurClock
) -> None:
    """Two answers have two different times, both close to our own clock.

    If both are of the same whole second, a second later a third one has another time.
    """
    first = await _timestamp(backend, contract, deadlines, our_clock)
    later = await _timestamp(backend, contract, deadlines, our_clock)
    if later == first and not first.microsecond:
        await asyncio.sleep(SECOND_S)
        later = await _timestamp(backend, contract, deadlines, our_clock)
    if first >= later:
        raise CheckFailure(expected="a timestamp that advances", actual=f"{first.isoformat()} twice or backwards")


async def _timestamp(backend: Door, contract: Contract, deadlines: Deadlines, our_clock: OurClock) -> datetime:
    """The time that the detailed health says. Raises CheckFailure unless it is one of now."""
    answer = await backend.get(contract.paths.health, deadline_s=deadlines.health)
    text = str(answer.json_object().get(contract.health.timestamp_field))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CheckFailure(expected="an ISO 8601 timestamp", actual=text) from error
    if moment.tzinfo is None:
        raise CheckFailure(expected="a timestamp with a zone", actual=text)
    if abs(datetime.now(UTC) - moment) > timedelta(seconds=contract.health.skew_s):
        if trouble := await our_clock.trouble():
            raise Broken(trouble)
        raise CheckFailure(expected=f"now, within {contract.health.skew_s:g} s", actual=text)
    return moment
