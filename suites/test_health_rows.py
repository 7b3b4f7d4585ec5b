"""The detailed health while the table has rows that its check of the table exists for."""

from functools import partial
from typing import Any

from fixtures.health import FIX_5, checks_in, count_in
from fixtures.http_services import Door
from fixtures.rows import Plant, Uproot
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.foreign.excerpt import excerpt
from probes.http.client import Answer
from probes.timing.deadlines import Deadlines
from probes.timing.request_pace import Ask
from targets.contract import Contract

PLANTED, LOOKS = 3, 5
OF_THIS_REQUEST = "Derive status and failed_checks from the checks of this request; keep nothing of earlier ones."


@check(
    "health.bad-rows",
    requirement="rows without metadata are counted while they are there, and make the status unhealthy",
    needs="http write mint health counts",
    remedy=FIX_5 + " Count with IS NULL: `= NULL` is true of no row. Don't answer from a cache.",
    looking="its answer while the rows were there, in the evidence; its own query, run by hand",
)
async def test_it_counts_rows_without_metadata(
    backend: Door,
    plant: Plant,
    uproot: Uproot,
    owner: User,
    contract: Contract,
    deadlines: Deadlines,
    recorder: Recorder,
) -> None:
    """With rows in the table whose metadata is NULL, the count is theirs at least, and the status is unhealthy.

    The total is another one than without them, in one of five looks: others may remove as many meanwhile. In a table
    without such rows, a check that is blind to them says the same as one that sees them. What was healthy before them
    is so again when they are gone.
    """
    rules = contract.health
    ask = partial(backend.get, contract.paths.health, deadline_s=deadlines.health)
    before = (await ask()).json_object()
    rows = await plant(owner, count=PLANTED, shape="sql-null")
    body = (await ask()).json_object()
    _refuse_blind(body, contract, recorder)
    await _refuse_estimate(ask, _total(before, contract), contract)
    await uproot(rows)
    after = (await ask()).json_object()
    others = count_in(checks_in(after, contract), rules, rules.bad_field) != 0  # another run's rows, or a person's
    if before.get(rules.status_field) == rules.healthy != after.get(rules.status_field) and not others:
        expected = f"{rules.status_field} {rules.healthy!r} again, without those rows"
        raise CheckFailure(expected=expected, actual=excerpt(f"{after}"), remedy=OF_THIS_REQUEST)


def _refuse_blind(body: dict[str, Any], contract: Contract, recorder: Recorder) -> None:
    """Raise CheckFailure unless an answer counts the planted rows as bad ones, and not as good, and is unhealthy."""
    checks, rules = checks_in(body, contract), contract.health
    bad, failed = count_in(checks, rules, rules.bad_field), body.get(rules.failed_field)
    status = body.get(rules.status_field)
    recorder.attach("health", {rules.bad_field: bad, rules.status_field: status, rules.failed_field: failed})
    if not isinstance(bad, int) or bad < PLANTED:
        raise CheckFailure(expected=f"{rules.bad_field} at least {PLANTED}, the rows just planted", actual=f"{bad!r}")
    good, total = count_in(checks, rules, rules.good_field), count_in(checks, rules, rules.total_field)
    if isinstance(good, int) and isinstance(total, int) and good > total - PLANTED:
        expected = f"{rules.good_field} at most {total - PLANTED}: {PLANTED} of {total} were planted without"
        raise CheckFailure(expected=expected, actual=f"{good}")
    if status != rules.unhealthy:
        expected = f"{rules.status_field} {rules.unhealthy!r} while rows without metadata are there"
        raise CheckFailure(expected=expected, actual=f"{status!r}")
    if rules.failed_field and (not isinstance(failed, list) or rules.counts_check not in failed):
        raise CheckFailure(expected=f"{rules.counts_check} in {rules.failed_field}", actual=f"{failed!r}")


async def _refuse_estimate(ask: Ask[Answer], before: object, contract: Contract) -> None:
    """Raise CheckFailure if the total is the same in every look as it was with fewer rows."""
    for _ in range(LOOKS):
        if not isinstance(before, int) or _total((await ask()).json_object(), contract) != before:
            return
    expected = f"another {contract.health.total_field} with {PLANTED} rows more (count them: an estimate lags behind)"
    raise CheckFailure(expected=expected, actual=f"{before} before and after")


def _total(body: dict[str, Any], contract: Contract) -> object:
    """The total that the detailed health states; None if it states none."""
    return count_in(checks_in(body, contract), contract.health, contract.health.total_field)
