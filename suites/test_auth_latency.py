"""Success metric 5: validation under 100 ms at p95, decided with a stated error rate; and no stalled call."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from fixtures.latency import WHY_CALLS_FAIL, OrdinaryCalls, Validation, contradiction
from fixtures.latency_figures import (
    record_decision,
    record_parts_of_a_call,
    record_round_trip,
    record_slowest,
    slow_calls,
)
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, Pending
from probes.client_health.event_loop import await_quiet
from probes.latency.calibration import ATTEMPTS, calibrate
from probes.latency.measuring import Conditions, Measurement, TooManyVoid, measure_by_plan, measure_fit
from probes.latency.network_round_trip import RoundTrip
from probes.latency.open_loop import LatencySample
from probes.latency.sequential_plan import Look, look_sizes, make_plan
from probes.statistics.exact import Finding, percentile
from probes.timing.deadlines import Deadlines
from probes.timing.window import SteadyClock
from targets.contract import Contract
from targets.contract.access import AuthRules
from targets.model import Sizes

TOKEN_BYTES = 400  # about the size of a validation call
STALL_LIMITS = 8  # times the limit: more than network noise, a real stall
MOST_AFTERWARDS = 500  # calls judged once, at the end, if the server's time comes from the log
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
    ordinary_calls: OrdinaryCalls,
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
    warm = await validation.warm_up(rate)
    plan = make_plan(_looks(sizes, rules), round(1 - rules.latency_percentile, 6), rules.latency_confidence)
    try:
        measured = await _measure(validation, plan, sizes, deadlines, clock)
    except TooManyVoid as unfit:
        recorder.attach(VOID, list(unfit.void))
        raise
    if measured.void:
        recorder.attach(VOID, list(measured.void))
    _refuse_only_failures(measured.sample, recorder)
    record_decision(measured, plan, rules, recorder)
    record_parts_of_a_call(warm, measured.sample, own, recorder)
    way = await record_round_trip(validation, recorder)
    ordinary_calls.offer(measured.sample, way)
    _refuse_contradicted(measured.sample, way, rules)
    _judge(measured.sample, measured.finding, rules)


def _refuse_only_failures(sample: LatencySample, recorder: Recorder) -> None:
    """Name the traces of failed calls. Raises CheckFailure if no call succeeded."""
    for call in sample.calls:
        if call.failure:
            recorder.trace(call.trace_id, "POST /validate")
    if all(call.failure for call in sample.calls):
        raise CheckFailure(expected="answers to measure", actual=f"no call succeeded: {sample.failures[0]}")


def _refuse_contradicted(sample: LatencySample, way: RoundTrip | None, rules: AuthRules) -> None:
    """Raise Broken if the server's clock is to decide, and our own contradicts it."""
    problem = contradiction(sample, way, rules) if way and rules.latency_clock == "server" else ""
    if problem:
        raise Broken(f"the server's clock can't be used, because ours contradicts it: {problem}")


def _looks(sizes: Sizes, rules: AuthRules) -> tuple[int, ...]:
    """When to look: according to the plan, or once at the end if the times come from the log."""
    afterwards = rules.latency_clock == "server" and rules.server_time == "request-log"
    return (min(sizes.latency_calls, MOST_AFTERWARDS),) if afterwards else look_sizes(sizes.latency_calls)


async def _measure(
    validation: Validation, plan: Sequence[Look], sizes: Sizes, deadlines: Deadlines, clock: SteadyClock
) -> Measurement:
    rules, begun = validation.contract.auth, clock.now()
    conditions = Conditions(
        rate=sizes.latency_rate,
        deadline_s=deadlines.answer,
        limit_ms=rules.latency_limit_ms,
        repeat_s=deadlines.fit_client,
    )
    if len(plan) > 1 or validation.log is None:
        measured = await measure_by_plan(validation.exchange, plan, partial(slow_calls, rules=rules), conditions)
        return replace(measured, sample=await validation.with_server_side(measured.sample, begun))
    sample, void = await measure_fit(validation.exchange, plan[0].n, conditions)
    sample = await validation.with_server_side(sample, begun)
    return Measurement(sample, plan[0], plan[0].find(slow_calls(sample, rules)), void)


def _judge(sample: LatencySample, finding: Finding, rules: AuthRules) -> None:
    limit, slow = rules.latency_limit_ms, slow_calls(sample, rules)
    p95 = percentile(sample.milliseconds(rules.latency_clock), rules.latency_percentile)
    figures = f"{slow} of {len(sample.calls)} calls at or over {limit:g} ms, p95 {p95:.1f} ms"
    if finding is Finding.REFUTED:
        raise CheckFailure(
            expected=f"less than {1 - rules.latency_percentile:.0%} of calls at or over {limit:g} ms",
            actual=figures + (f"; failed: {sample.failures[0]}" if sample.failures else ""),
            remedy=WHY_CALLS_FAIL if sample.failures else "",
        )
    if finding is Finding.OPEN:
        raise Pending(f"not enough evidence at {rules.latency_confidence:.0%} confidence: {figures}")


@check(
    "auth.stalls",
    requirement="no validation call stalls: the slowest of the run takes less than eight times the limit",
    needs="auth token",
    remedy="Look for a cold start, a garbage collection or a lock: see the sequence plot and the server's own time.",
    looking="the sequence plot at that moment: a cold start is marked; instance count and CPU of `netra-auth-service`",
)
async def test_no_call_stalls(
    validation: Validation,
    ordinary_calls: OrdinaryCalls,
    contract: Contract,
    sizes: Sizes,
    deadlines: Deadlines,
    recorder: Recorder,
) -> None:
    """A percentile hides a single stall, but users notice it. The slowest of a short open-loop run is judged by itself.

    The client's time for a call is never shorter than the server's, so a lagging client can't hide a stall. But its
    lag could be blamed on the server: pauses of our own event loop are subtracted before a call counts as stalled.
    """
    limit, unclear = STALL_LIMITS * contract.auth.latency_limit_ms, list[str]()
    sample = await ordinary_calls.take(validation, sizes.stall_calls)
    for _ in range(ATTEMPTS):
        worst = max(sample.calls, key=lambda call: call.client_ms)
        slowest = f"{worst.client_ms:.0f} ms at {worst.due_s:.1f} s {worst.failure}".strip()
        record_slowest(worst, len(sample.calls), limit, unclear, recorder)
        if worst.client_ms < limit:
            return
        if any(call.client_ms - call.own_ms >= limit for call in sample.calls):
            raise CheckFailure(expected=f"no call over {limit:g} ms", actual=slowest)
        unclear.append(f"{slowest}, of which our own event loop was blocked for {worst.own_ms:.0f} ms")
        await await_quiet(limit_ms=limit, deadline_s=deadlines.fit_client)
        sample = await ordinary_calls.take_again(validation, sizes.stall_calls)
    raise Broken(f"our own event loop was blocked in each of {ATTEMPTS} attempts: {'; '.join(unclear)}")
