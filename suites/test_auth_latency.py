"""Success metric 5: validation under 100 ms at p95, decided with a stated error rate; and no stalled call."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from fixtures.growth import record_growth
from fixtures.latency import Validation, contradiction
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, Pending
from gate.plots import LatencyPlot, SequencePlot
from probes.client_health.event_loop import await_quiet
from probes.deadlines import Deadlines
from probes.errors import ProbeError
from probes.latency.calibration import ATTEMPTS, CALLS, Calibration, calibrate
from probes.latency.measuring import Measurement, TooManyVoid, measure_by_plan, measure_fit
from probes.latency.network_round_trip import RoundTrip
from probes.latency.open_loop import LatencySample, cold_starts, measure_latency
from probes.latency.sequential_plan import Look, look_sizes, make_plan, rates
from probes.statistics import Finding, percentile, percentile_interval
from probes.trend import FEWEST, find_trend
from probes.window import SteadyClock
from targets.contract import Contract
from targets.contract.access import AuthRules
from targets.model import Sizes

WARM_UP = 10
TOKEN_BYTES = 400  # about the size of a validation call
STALL_LIMITS = 8  # times the limit: more than network noise, a real stall
FEWEST_CALLS = 59
MOST_AFTERWARDS = 500  # calls judged once, at the end, if the server's time comes from the log
MOST_OF_A_TREND = 120  # calls that are compared with each other: every call with every other one
INFINITE = float("inf")
VOID = "blocks voided by our own lag"


@check(
    "auth.latency",
    requirement="p95 of validation is under 100 ms, at 95 % confidence",
    needs="auth token",
    remedy="Fix 4: avoid a client per call and a cold start on the path; then look at the auth service's own time.",
    looking="the latency and sequence plots, the server's and the client's figures side by side; `make gate "
    "TARGET=staging EXPLAIN=auth.latency`; [latency.md](latency.md)",
)
async def test_validation_is_fast_enough(
    validation: Validation,
    contract: Contract,
    sizes: Sizes,
    deadlines: Deadlines,
    recorder: Recorder,
    clock: SteadyClock,
) -> None:
    """Calls at a fixed rate, each timed from the moment it was due; failed calls count as slow."""
    rules, rate = contract.auth, sizes.latency_rate
    own = await calibrate(
        rate=rate, body=b"x" * TOKEN_BYTES, limit_ms=rules.latency_limit_ms, quiet_s=deadlines.fit_client
    )
    warm = await validation.warm_up(WARM_UP, rate)
    plan = make_plan(_looks(sizes, rules), round(1 - rules.latency_percentile, 6), rules.latency_confidence)
    try:
        got = await _measure(validation, plan, sizes, deadlines, clock)
    except TooManyVoid as unfit:
        recorder.attach(VOID, list(unfit.void))
        raise
    if got.void:
        recorder.attach(VOID, list(got.void))
    for call in got.sample.calls:
        if call.failure:
            recorder.trace(call.trace_id, "POST /validate")
    if all(call.failure for call in got.sample.calls):
        raise CheckFailure(expected="answers to measure", actual=f"no call succeeded: {got.sample.failures[0]}")
    _record(got, plan, rules, recorder)
    _record_the_way(warm, got.sample, own, recorder)
    way = await _record_the_network(validation, recorder)
    if way and rules.latency_clock == "server" and (said := contradiction(got.sample, way, rules)):
        raise Broken(f"the server's clock can't be used, because ours contradicts it: {said}")
    _judge(got.sample, got.finding, rules)


def _looks(sizes: Sizes, rules: AuthRules) -> tuple[int, ...]:
    """When to look: according to the plan, or once at the end if the times come from the log."""
    afterwards = rules.latency_clock == "server" and rules.server_time == "request-log"
    return (min(sizes.latency_calls, MOST_AFTERWARDS),) if afterwards else look_sizes(sizes.latency_calls)


async def _measure(
    validation: Validation, plan: Sequence[Look], sizes: Sizes, deadlines: Deadlines, clock: SteadyClock
) -> Measurement:
    rules, begun = validation.contract.auth, clock.now()
    how = {"rate": sizes.latency_rate, "deadline_s": deadlines.answer, "anew_s": deadlines.fit_client}
    if len(plan) > 1 or validation.log is None:
        got = await measure_by_plan(
            validation.exchange, plan, partial(_slow, rules=rules), limit_ms=rules.latency_limit_ms, **how
        )
        return replace(got, sample=await validation.with_server_side(got.sample, begun))
    sample, void = await measure_fit(validation.exchange, calls=plan[0].n, limit_ms=rules.latency_limit_ms, **how)
    sample = await validation.with_server_side(sample, begun)
    return Measurement(sample, plan[0], plan[0].find(_slow(sample, rules)), void)


def _slow(sample: LatencySample, rules: AuthRules) -> int:
    return sum(time >= rules.latency_limit_ms for time in sample.milliseconds(rules.latency_clock))


def _record(got: Measurement, plan: Sequence[Look], rules: AuthRules, recorder: Recorder) -> None:
    """State the figures of the decision, and those of the other clock."""
    sample, limit = got.sample, rules.latency_limit_ms
    at_limit = rates(plan, round(1 - rules.latency_percentile, 6))
    times, client = sample.milliseconds(rules.latency_clock), sample.milliseconds("client")
    source = f", read in {rules.server_time}" if rules.latency_clock == "server" else ""
    recorder.figures(
        rule=f"p{rules.latency_percentile * 100:g} of POST /validate by the {rules.latency_clock}'s clock{source}",
        n=len(times),
        value=_finite(percentile(times, rules.latency_percentile)),
        unit="ms",
        limit=limit,
        confidence=rules.latency_confidence,
        window=f"{len(times) / sample.rate:.0f} s at {sample.rate:g}/s",
        interval=[_finite(one) for one in percentile_interval(times, rules.latency_percentile)],
        slow=_slow(sample, rules),
        finding=str(got.finding),
        looks=[one.n for one in plan],
        false_go_at_most=round(at_limit.proved, 4),
        false_no_go_at_most=round(at_limit.refuted, 4),
        p50=_finite(percentile(times, 0.5)),
        p99=_finite(percentile(times, 0.99)),
        **_percentiles("client", client),
        **_percentiles("server", _servers_times(sample)),
        dispatch_lag_p99=round(sample.lag_p99_ms, 2),
        failed=len(sample.failures),
    )
    _record_trend(times, rules, recorder)
    _plot(sample, rules, recorder)


def _record_trend(times: Sequence[float], rules: AuthRules, recorder: Recorder) -> None:
    """State whether the calls of this sample took longer and longer; whether that is too much, `auth.trend` decides."""
    told = [one for one in times if one != INFINITE]
    thinned = told[:: max(1, len(told) // MOST_OF_A_TREND)]
    if len(thinned) >= FEWEST:
        record_growth(find_trend(thinned), recorder, f"these calls by the {rules.latency_clock}'s clock")


def _servers_times(sample: LatencySample) -> list[float]:
    """Times by the server's clock, if every answer had one; empty if not and the client's clock decides."""
    told = all(call.failure or call.server_ms is not None for call in sample.calls)
    return sample.milliseconds("server") if told else []


def _percentiles(clock: str, times: Sequence[float]) -> dict[str, float | None]:
    return {f"{clock}_p{q * 100:g}": _finite(percentile(times, q)) if times else None for q in (0.5, 0.95, 0.99)}


def _plot(sample: LatencySample, rules: AuthRules, recorder: Recorder) -> None:
    limit, clock = rules.latency_limit_ms, rules.latency_clock
    times, client = sample.milliseconds(clock), sample.milliseconds("client")
    recorder.plot(
        LatencyPlot(
            ms=[one for one in times if one != INFINITE],
            client_ms=[one for one in client if one != INFINITE],
            limit_ms=limit,
            clock=clock,
            percentile=rules.latency_percentile,
            failed=len(sample.failures),
        )
    )
    recorder.plot(
        SequencePlot(
            at_s=[call.due_s for call in sample.calls],
            ms=[_finite(one) for one in times],
            client_ms=[_finite(one) for one in client],
            cold=list(cold_starts(sample)),
            limit_ms=limit,
            clock=clock,
        )
    )


def _record_the_way(warm: LatencySample, sample: LatencySample, own: Calibration, recorder: Recorder) -> None:
    """State which part of the client's time is not the server's: our own overhead, cold starts, new connections."""
    recorder.figures(
        rule="the client's own overhead, against a stub on loopback",
        n=CALLS,
        value=round(own.p95_ms, 2),
        unit="ms",
        p50=round(own.p50_ms, 2),
        dispatch_lag_p99=round(own.lag_p99_ms, 2),
        taken_again=list(own.attempts),
    )
    first, steps = warm.calls[0], [call.opened for call in (*warm.calls, *sample.calls) if call.opened]
    recorder.figures(
        rule="very first call, including the connection (warm-up, discarded)",
        n=1,
        value=_finite(first.client_ms),
        unit="ms",
        server=first.server_ms and round(first.server_ms, 2),
        warmed_up_with=len(warm.calls),
        failed=len(warm.failures),
    )
    recorder.figures(
        rule="opening a connection: DNS, TCP and TLS",
        n=len(steps),
        unit="ms",
        value=_median([one.whole_s * 1e3 for one in steps]),
        name=_median([one.name_s * 1e3 for one in steps]),
        tcp=_median([one.tcp_s * 1e3 for one in steps]),
        tls=_median([one.tls_s * 1e3 for one in steps if one.tls_s is not None]),
    )
    cold = [kind for kind in cold_starts(sample) if kind]
    recorder.figures(
        rule="time to the first byte of an answer",
        n=len(sample.calls),
        unit="ms",
        value=_median([call.first_byte_ms for call in sample.calls]),
        cold_starts=len(cold),
        kinds=sorted(set(cold)),
    )


async def _record_the_network(validation: Validation, recorder: Recorder) -> RoundTrip | None:
    """State the network's round trip.

    A no-op route that does not answer is another check's finding, and only noted here.
    """
    try:
        way = await validation.round_trip()
    except ProbeError as error:
        recorder.attach("the network's round trip", f"not measured: {error}")
        return None
    recorder.figures(
        rule="the network's round trip, on a no-op route",
        n=way.n,
        value=round(way.p50_ms, 2),
        unit="ms",
        least=round(way.least_ms, 2),
        servers_own_time_taken_off=way.own_time_off,
    )
    return way


def _median(values: Sequence[float]) -> float | None:
    return _finite(percentile(values, 0.5)) if values else None


def _judge(sample: LatencySample, finding: Finding, rules: AuthRules) -> None:
    limit, slow = rules.latency_limit_ms, _slow(sample, rules)
    p95 = percentile(sample.milliseconds(rules.latency_clock), rules.latency_percentile)
    said = f"{slow} of {len(sample.calls)} calls at or over {limit:g} ms, p95 {p95:.1f} ms"
    if finding is Finding.REFUTED:
        raise CheckFailure(
            expected=f"less than {1 - rules.latency_percentile:.0%} of calls at or over {limit:g} ms",
            actual=said + (f"; failed: {sample.failures[0]}" if sample.failures else ""),
        )
    if finding is Finding.OPEN:
        raise Pending(f"not enough evidence at {rules.latency_confidence:.0%} confidence: {said}")


def _finite(value: float) -> float | None:
    return None if value == INFINITE else round(value, 2)


@check(
    "auth.stalls",
    requirement="no validation call stalls: the slowest of the run takes less than eight times the limit",
    needs="auth token",
    remedy="Look for a cold start, a garbage collection or a lock: see the sequence plot and the server's own time.",
    looking="the sequence plot at that moment: a cold start is marked; instance count and CPU of `netra-auth-service`",
)
async def test_no_call_stalls(
    validation: Validation, contract: Contract, sizes: Sizes, deadlines: Deadlines, recorder: Recorder
) -> None:
    """A percentile hides a single stall, but users notice it. The slowest of a short open-loop run is judged by itself.

    The client's time for a call is never shorter than the server's, so a lagging client can't hide a stall. But its
    lag could be blamed on the server: pauses of our own event loop are subtracted before a call counts as stalled.
    """
    await validation.warm_up(WARM_UP, sizes.latency_rate)
    calls, limit = max(FEWEST_CALLS, sizes.latency_calls // 8), STALL_LIMITS * contract.auth.latency_limit_ms
    unclear: list[str] = []
    for _ in range(ATTEMPTS):
        sample = await measure_latency(
            validation.exchange, calls=calls, rate=sizes.latency_rate, deadline_s=deadlines.answer
        )
        worst = max(sample.calls, key=lambda call: call.client_ms)
        said = f"{worst.client_ms:.0f} ms at {worst.due_s:.1f} s {worst.failure}".strip()
        recorder.figures(
            rule="slowest call by the client's clock",
            n=calls,
            value=_finite(worst.client_ms),
            unit="ms",
            limit=limit,
            own_standstill=round(worst.own_ms, 1),
            taken_again=list(unclear),
        )
        recorder.trace(worst.trace_id, "POST /validate, the slowest")
        if worst.client_ms < limit:
            return
        if any(call.client_ms - call.own_ms >= limit for call in sample.calls):
            raise CheckFailure(expected=f"no call over {limit:g} ms", actual=said)
        unclear.append(f"{said}, of which our own event loop was blocked for {worst.own_ms:.0f} ms")
        await await_quiet(limit_ms=limit, deadline_s=deadlines.fit_client)
    raise Broken(f"our own event loop was blocked in each of {ATTEMPTS} attempts: {'; '.join(unclear)}")
