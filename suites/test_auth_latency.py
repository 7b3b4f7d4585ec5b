"""Success metric 5: validation under 100 ms at p95, decided with a stated error rate; and no call that stalls."""

from collections.abc import Sequence
from functools import partial

from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, Pending
from probes.calibration import ATTEMPTS, CALLS, calibrate
from probes.deadlines import Deadlines
from probes.fitness import await_quiet
from probes.judging import TooManyVoid, measure_by_plan
from probes.latency import Exchange, LatencySample, measure_latency
from probes.plans import Look, look_sizes, make_plan, rates
from probes.statistics import Finding, percentile, percentile_interval
from targets.contract import AuthRules, Contract
from targets.model import Sizes

WARM_UP = 10
TOKEN_BYTES = 400  # about what a validation call carries
STALL_LIMITS = 8  # times the limit: no percentile, no noise of a network, but a standstill
FEWEST_CALLS = 59


@check(
    "auth.latency",
    requirement="p95 of validation is under 100 ms, at 95 % confidence",
    needs="auth token",
    remedy="Fix 4: no client per call, no cold start on the path; then the auth service's own time.",
)
async def test_validation_is_fast_enough(
    validation: Exchange, contract: Contract, sizes: Sizes, deadlines: Deadlines, recorder: Recorder
) -> None:
    """Calls at a fixed rate, timed from the moment each was due; failed ones are slow ones."""
    rules, rate = contract.auth, sizes.latency_rate
    own = await calibrate(
        rate=rate, body=b"x" * TOKEN_BYTES, limit_ms=rules.latency_limit_ms, quiet_s=deadlines.fit_client
    )
    await measure_latency(validation, calls=WARM_UP, rate=rate, deadline_s=deadlines.answer)
    plan = make_plan(look_sizes(sizes.latency_calls), round(1 - rules.latency_percentile, 6), rules.latency_confidence)
    try:
        got = await measure_by_plan(
            validation, plan, partial(_slow, rules=rules), rate=rate, deadline_s=deadlines.answer,
            limit_ms=rules.latency_limit_ms, anew_s=deadlines.fit_client,
        )  # fmt: skip
    except TooManyVoid as unfit:
        recorder.attach("blocks voided by our own lag", list(unfit.void))
        raise
    sample, finding = got.sample, got.finding
    if got.void:
        recorder.attach("blocks voided by our own lag", list(got.void))
    for call in sample.calls:
        if call.failure:
            recorder.trace(call.trace_id, "POST /validate")
    if all(call.failure for call in sample.calls):
        raise CheckFailure(expected="answers to measure", actual=f"no call succeeded: {sample.failures[0]}")
    _record(sample, plan, finding, rules, recorder)
    recorder.figures(
        rule="the client's own share, against a stub on loopback", n=CALLS, value=round(own.p95_ms, 2), unit="ms",
        p50=round(own.p50_ms, 2), dispatch_lag_p99=round(own.lag_p99_ms, 2),
        taken_again=list(own.attempts),
    )  # fmt: skip
    _judge(sample, finding, rules)


def _slow(sample: LatencySample, rules: AuthRules) -> int:
    return sum(time >= rules.latency_limit_ms for time in sample.milliseconds(rules.latency_clock))


def _record(
    sample: LatencySample, plan: Sequence[Look], finding: Finding, rules: AuthRules, recorder: Recorder
) -> None:
    limit, at_limit = rules.latency_limit_ms, rates(plan, round(1 - rules.latency_percentile, 6))
    times, client = sample.milliseconds(rules.latency_clock), sample.milliseconds("client")
    recorder.figures(
        rule=f"p{rules.latency_percentile * 100:g} of POST /validate by the {rules.latency_clock}'s clock",
        n=len(times), value=_finite(percentile(times, rules.latency_percentile)), unit="ms", limit=limit,
        confidence=rules.latency_confidence, window=f"{len(times) / sample.rate:.0f} s at {sample.rate:g}/s",
        interval=[_finite(one) for one in percentile_interval(times, rules.latency_percentile)],
        slow=_slow(sample, rules), finding=str(finding), looks=[one.n for one in plan],
        false_go_at_most=round(at_limit.proved, 4), false_no_go_at_most=round(at_limit.refuted, 4),
        p50=_finite(percentile(times, 0.5)), p99=_finite(percentile(times, 0.99)),
        client_p50=_finite(percentile(client, 0.5)), client_p95=_finite(percentile(client, 0.95)),
        client_p99=_finite(percentile(client, 0.99)), dispatch_lag_p99=round(sample.lag_p99_ms, 2),
        failed=len(sample.failures),
    )  # fmt: skip
    finite = [(call.due_s, time) for call, time in zip(sample.calls, times, strict=True) if time != float("inf")]
    recorder.plot("latency", {"ms": [t for _, t in finite], "limit_ms": limit, "clock": rules.latency_clock})
    recorder.plot("sequence", {"at_s": [at for at, _ in finite], "ms": [t for _, t in finite], "limit_ms": limit})


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
    return None if value == float("inf") else round(value, 2)


@check(
    "auth.stalls",
    requirement="no call to validation stalls: the slowest of the run is under eight times the limit",
    needs="auth token",
    remedy="A cold start, a garbage collection, a lock: see the sequence plot and the server's own time.",
)
async def test_no_call_stalls(
    validation: Exchange, contract: Contract, sizes: Sizes, deadlines: Deadlines, recorder: Recorder
) -> None:
    """A percentile forgives one stall; a user does not. The worst of a short open-loop run is looked at by itself.

    The client's time of a call is never shorter than the server's, so a lagging client can't hide a stall. It could
    be blamed on the server: what our own loop stood still is taken off before a call is called stalled.
    """
    calls, limit = max(FEWEST_CALLS, sizes.latency_calls // 8), STALL_LIMITS * contract.auth.latency_limit_ms
    unclear: list[str] = []
    for _ in range(ATTEMPTS):
        sample = await measure_latency(validation, calls=calls, rate=sizes.latency_rate, deadline_s=deadlines.answer)
        worst = max(sample.calls, key=lambda call: call.client_ms)
        said = f"{worst.client_ms:.0f} ms at {worst.due_s:.1f} s {worst.failure}".strip()
        recorder.figures(
            rule="slowest call by the client's clock", n=calls, value=_finite(worst.client_ms), unit="ms", limit=limit,
            own_standstill=round(worst.own_ms, 1), taken_again=list(unclear),
        )  # fmt: skip
        recorder.trace(worst.trace_id, "POST /validate, the slowest")
        if worst.client_ms < limit:
            return
        if any(call.client_ms - call.own_ms >= limit for call in sample.calls):
            raise CheckFailure(expected=f"no call over {limit:g} ms", actual=said)
        unclear.append(f"{said}, of which our own loop stood still for {worst.own_ms:.0f} ms")
        await await_quiet(limit_ms=limit, deadline_s=deadlines.fit_client)
    raise Broken(f"our own event loop stood still in each of {ATTEMPTS} attempts: {'; '.join(unclear)}")
