"""What the latency figures rely on: a server clock that ours confirms, and calls whose cost does not grow."""

from collections.abc import Sequence

from fixtures.growth import refuse_growth
from fixtures.latency import WHY_CALLS_FAIL, OrdinaryCalls, Validation, contradiction
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from probes.client_health.event_loop import LAG_SHARE
from probes.latency.clock_agreement import unexplained_ms
from probes.latency.network_round_trip import RoundTrip
from probes.latency.open_loop import LatencySample
from targets.contract import Contract
from targets.model import Sizes

MANY = 120  # calls that a trend is looked for in: each is compared with every other one
# What to do about an answer that does not say how long it took.
SERVER_TIMING = (
    "Send Server-Timing with each answer, and let every proxy and middleware pass it on. Where that is not possible, "
    'have the times read from the log: contract.auth.server_time = "request-log".'
)


def _calls(sizes: Sizes) -> int:
    """How many calls the checks that share them need at most."""
    return max(MANY, sizes.stall_calls)


def _refuse_failed(sample: LatencySample) -> None:
    """Raise CheckFailure if a call failed."""
    if sample.failures:
        calls = len(sample.calls)
        raise CheckFailure(
            expected=f"{calls} validations",
            actual=f"{len(sample.failures)} failed: {sample.failures[0]}",
            remedy=WHY_CALLS_FAIL,
        )


@check(
    "auth.clocks-agree",
    requirement="the server's time in Server-Timing agrees with our own time less the round trip",
    needs="auth token server-timing",
    remedy="Measure everything that a request waits for, including the queue before the handler.",
    looking="the gap in the evidence; where the service's timer begins, and what stands in a queue before it",
)
async def test_the_servers_clock_is_not_contradicted(
    validation: Validation, ordinary_calls: OrdinaryCalls, contract: Contract, sizes: Sizes, recorder: Recorder
) -> None:
    """Our waiting time for a validation is the time that the server reports plus the round trip at that time.

    A contradiction counts only if it is there again with other calls.
    """
    problem = ""
    for take in (ordinary_calls.take_with_round_trip, ordinary_calls.take_again_with_round_trip):
        sample, way = await take(validation, _calls(sizes))
        _refuse_failed(sample)
        _record_gap(sample, way, contract, recorder)
        problem = contradiction(sample, way, contract.auth)
        if not problem:
            return
    raise CheckFailure(expected="a server clock that ours confirms (contract.auth.clock_gap_ms)", actual=problem)


def _record_gap(sample: LatencySample, way: RoundTrip, contract: Contract, recorder: Recorder) -> None:
    """State what neither the server's time nor the round trip explains. Raises CheckFailure without a server's time."""
    gap = unexplained_ms(sample, way.p50_ms)
    if gap is None:
        actual = f"none in {len(sample.calls)} of them"
        raise CheckFailure(expected="Server-Timing in the answers", actual=actual, remedy=SERVER_TIMING)
    recorder.figures(
        rule="median of our time less the server's, the round trip's and our own loop's",
        n=len(sample.calls),
        value=round(gap, 2),
        unit="ms",
        limit=contract.auth.clock_gap_ms,
        round_trip=round(way.p50_ms, 2),
    )


@check(
    "auth.trend",
    requirement="validation does not become slower during the run",
    needs="auth token",
    remedy="Release what each call leaves behind (a session, a connection, a cache entry).",
    looking="first and last times in the evidence; what each validation leaves behind; memory of "
    "`netra-auth-service` over the run",
)
async def test_validation_does_not_grow_slower(
    validation: Validation, ordinary_calls: OrdinaryCalls, contract: Contract, sizes: Sizes, recorder: Recorder
) -> None:
    """Calls at the run's rate, timed by our clock, have no upward trend; what grew while we were late proves none."""
    measured = list[LatencySample]()

    async def measure() -> list[float]:
        take = ordinary_calls.take_again if measured else ordinary_calls.take
        measured.append(await take(validation, _calls(sizes)))
        calls = measured[-1].calls
        _refuse_failed(measured[-1])
        return [call.client_ms - call.lag_ms - call.own_ms for call in calls[:: max(1, len(calls) // MANY)]]

    try:
        await refuse_growth(measure, recorder, "time for each validation of a run at a steady rate")
    except CheckFailure as growth:
        _refuse_late(measured, contract, growth)
        raise


def _refuse_late(measured: Sequence[LatencySample], contract: Contract, growth: CheckFailure) -> None:
    """Raise Broken if our own side was late in a tenth of one of these samples; whether there is growth is open then.

    A moment in which it was late makes no trend.
    """
    late = max(sample.client_lag_ms(0.9) for sample in measured)
    if late > LAG_SHARE * contract.auth.latency_limit_ms:
        raise Broken(f"our own side was {late:.0f} ms late, or more, while times grew ({growth.actual})") from growth
