"""What the latency figures rely on: a server clock that ours confirms, and calls whose cost does not grow."""

from fixtures.growth import refuse_growth
from fixtures.latency import Validation, contradiction
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.latency.clock_agreement import unexplained_ms
from probes.latency.open_loop import LatencySample, measure_latency
from probes.timing.deadlines import Deadlines
from targets.contract import Contract
from targets.model import Sizes

WARM_UP, FEW, MANY = 10, 40, 120


async def _measure(validation: Validation, calls: int, sizes: Sizes, deadlines: Deadlines) -> LatencySample:
    """Make calls at the run's rate. Raises CheckFailure if one of them fails."""
    sample = await measure_latency(
        validation.exchange, calls=calls, rate=sizes.latency_rate, deadline_s=deadlines.answer
    )
    if sample.failures:
        raise CheckFailure(
            expected=f"{calls} validations", actual=f"{len(sample.failures)} failed: {sample.failures[0]}"
        )
    return sample


@check(
    "auth.clocks-agree",
    requirement="the server's time in Server-Timing agrees with our own time less the round trip",
    needs="auth token server-timing",
    remedy="Measure everything that a request waits for, including the queue before the handler.",
    looking="the gap in the evidence; where the service's timer begins, and what stands in a queue before it",
)
async def test_the_servers_clock_is_not_contradicted(
    validation: Validation, contract: Contract, sizes: Sizes, deadlines: Deadlines, recorder: Recorder
) -> None:
    """Our waiting time for a validation is the time that the server reports plus the round trip."""
    await validation.warm_up(WARM_UP, sizes.latency_rate)
    sample = await _measure(validation, FEW, sizes, deadlines)
    way = await validation.round_trip()
    gap = unexplained_ms(sample, way.p50_ms)
    if gap is None:
        raise CheckFailure(expected="Server-Timing in the answers", actual=f"none in {FEW} of them")
    recorder.figures(
        rule="median of our time less the server's, the round trip's and our own loop's",
        n=FEW,
        value=round(gap, 2),
        unit="ms",
        limit=contract.auth.clock_gap_ms,
        round_trip=round(way.p50_ms, 2),
    )
    problem = contradiction(sample, way, contract.auth)
    if problem:
        raise CheckFailure(expected="a server clock that ours confirms (contract.auth.clock_gap_ms)", actual=problem)


@check(
    "auth.trend",
    requirement="validation does not become slower during the run",
    needs="auth token",
    remedy="Release what each call leaves behind (a session, a connection, a cache entry).",
    looking="first and last times in the evidence; what each validation leaves behind; memory of "
    "`netra-auth-service` over the run",
)
async def test_validation_does_not_grow_slower(
    validation: Validation, sizes: Sizes, deadlines: Deadlines, recorder: Recorder
) -> None:
    """Calls at the run's rate, timed by our clock, have no upward trend."""
    await validation.warm_up(WARM_UP, sizes.latency_rate)

    async def measure() -> list[float]:
        calls = (await _measure(validation, MANY, sizes, deadlines)).calls
        return [call.client_ms - call.own_ms for call in calls]

    await refuse_growth(measure, recorder, f"time for each of {MANY} validations")
