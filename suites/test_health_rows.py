"""The detailed health while the table has rows that its check of the table exists for."""

from collections.abc import Awaitable, Callable
from functools import partial

from fixtures.health import FIX_5, checks_in
from fixtures.http_services import Door
from fixtures.rows import Plant
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.http.client import Answer
from probes.timing.deadlines import Deadlines
from targets.contract import Contract

PLANTED, LOOKS = 3, 5


@check(
    "health.bad-rows",
    requirement="rows without metadata are counted while they are there, and make the status unhealthy",
    needs="http write mint health counts",
    remedy=FIX_5 + " Count with IS NULL: `= NULL` is true of no row. Don't answer from a cache.",
    looking="its answer while the rows were there, in the evidence; its own query, run by hand",
)
async def test_it_counts_rows_without_metadata(
    backend: Door, plant: Plant, owner: User, contract: Contract, deadlines: Deadlines, recorder: Recorder
) -> None:
    """With rows in the table whose metadata is NULL, the count is theirs at least, and the status is unhealthy.

    The total is another one than without them, in one of five looks: others may remove as many meanwhile. In a table
    without such rows, a check that is blind to them says the same as one that sees them.
    """
    rules = contract.health
    ask = partial(backend.get, contract.paths.health, deadline_s=deadlines.health)
    before = await _total(ask, contract)
    await plant(owner, count=PLANTED, shape="sql-null")
    body = (await ask()).json_object()
    counts, failed = checks_in(body, contract).get(rules.counts_check), body.get(rules.failed_field)
    bad = counts.get(rules.bad_field) if isinstance(counts, dict) else None
    status = body.get(rules.status_field)
    recorder.attach("health", {rules.bad_field: bad, rules.status_field: status, rules.failed_field: failed})
    if not isinstance(bad, int) or bad < PLANTED:
        raise CheckFailure(expected=f"{rules.bad_field} at least {PLANTED}, the rows just planted", actual=f"{bad!r}")
    if status != rules.unhealthy:
        expected = f"{rules.status_field} {rules.unhealthy!r} while rows without metadata are there"
        raise CheckFailure(expected=expected, actual=f"{status!r}")
    if rules.failed_field and (not isinstance(failed, list) or rules.counts_check not in failed):
        raise CheckFailure(expected=f"{rules.counts_check} in {rules.failed_field}", actual=f"{failed!r}")
    totals = [await _total(ask, contract)]
    while isinstance(before, int) and totals[-1] == before and len(totals) < LOOKS:
        totals.append(await _total(ask, contract))
    if isinstance(before, int) and totals[-1] == before:
        expected = f"another {rules.total_field} with {PLANTED} rows more (count them: an estimate lags behind)"
        raise CheckFailure(expected=expected, actual=f"{before} before and after")


async def _total(ask: Callable[[], Awaitable[Answer]], contract: Contract) -> object:
    """The total that the detailed health states; None if it states none."""
    counts = checks_in((await ask()).json_object(), contract).get(contract.health.counts_check)
    return counts.get(contract.health.total_field) if isinstance(counts, dict) else None
