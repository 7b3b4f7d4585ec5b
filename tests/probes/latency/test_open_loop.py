"""Open loop, from the due moment; our own lag told apart from the server's; cold starts told apart from warm calls."""

import asyncio
import time
from dataclasses import replace
from itertools import count

import pytest

from probes.client_health.event_loop import LoopWatch, await_quiet
from probes.errors import ClientUnfit, RateLimited, Unreachable
from probes.http.connecting import ConnectionSteps
from probes.http.server_timing import server_timing
from probes.http.timing_transport import Timed
from probes.latency.measuring import BLOCK, Conditions, TooManyVoid, measure_by_plan, measure_fit
from probes.latency.open_loop import Exchange, LatencySample, cold_starts, measure_latency, open_loop
from probes.latency.sequential_plan import make_plan
from probes.statistics.exact import Finding, percentile
from tests.system.waiting import HANGS_S

RATE = 200.0
LIMIT_MS = 100.0


def answered(begun: float, server_ms: float = 1.0, status: int = 200) -> Timed:
    now = time.perf_counter()
    headers = ((b"server-timing", f"total;dur={server_ms}".encode()),)
    return Timed(
        status=status, headers=headers, body=b"{}", begun=begun, opened=None, sent=begun, first_byte=now, done=now
    )


def exchange(server_s: float = 0.001, block_at: range = range(0), block_s: float = 0.06) -> Exchange:
    """A call that takes `server_s`; at some calls our own event loop is blocked for `block_s`."""
    number = count()

    async def send(_trace: str) -> Timed:
        begun = time.perf_counter()
        if next(number) in block_at:
            time.sleep(block_s)  # noqa: ASYNC251 - the standstill of our own loop
        await asyncio.sleep(server_s)
        return answered(begun, server_s * 1e3)

    return Exchange(send, lambda _answer: "", lambda: "")


def slow(sample: LatencySample) -> int:
    return sum(one >= LIMIT_MS for one in sample.milliseconds("server"))


async def test_calls_leave_at_the_rate_whatever_became_of_the_earlier_ones() -> None:
    sample = await measure_latency(exchange(server_s=0.3), calls=60, rate=RATE, deadline_s=2.0)
    assert [round(call.due_s * RATE) for call in sample.calls] == list(range(60))
    assert min(sample.milliseconds("client")) >= 300
    assert percentile([call.client_ms - call.own_ms for call in sample.calls], 0.5) < 330


async def test_a_call_without_an_answer_in_time_is_slow_by_either_clock() -> None:
    sample = await measure_latency(exchange(server_s=1.0), calls=3, rate=RATE, deadline_s=0.05)
    assert sample.milliseconds("client") == sample.milliseconds("server") == [float("inf")] * 3
    assert sample.failures == ["no answer within 0.05 s"] * 3


async def test_a_refused_call_is_slow_and_a_limiter_is_no_measurement() -> None:
    async def refused(_trace: str) -> Timed:
        raise Unreachable("POST /validate", "refused")

    async def limited(_trace: str) -> Timed:
        raise RateLimited("POST /validate", "429")

    sample = await measure_latency(Exchange(refused, lambda _: "", lambda: ""), calls=2, rate=RATE, deadline_s=1.0)
    assert len(sample.failures) == 2
    with pytest.raises(RateLimited):
        await measure_latency(Exchange(limited, lambda _: "", lambda: ""), calls=2, rate=RATE, deadline_s=1.0)


async def test_a_server_that_hangs_does_not_cost_more_connections_than_are_allowed() -> None:
    under_way = [0, 0]

    full = asyncio.Event()

    async def hang(_trace: str) -> Timed:
        under_way[0] += 1
        under_way[1] = max(under_way)
        if under_way[0] >= 300:
            full.set()
        try:
            await full.wait()
            await asyncio.sleep(0.1)  # one too many would come meanwhile
        finally:
            under_way[0] -= 1
        return answered(time.perf_counter())

    async with open_loop(Exchange(hang, lambda _: "", lambda: ""), rate=5000.0, deadline_s=HANGS_S) as stream:
        await stream.take(350)
    assert under_way == [0, under_way[1]]
    assert 300 <= under_way[1] <= 302


async def test_a_mistake_of_ours_ends_the_measurement_instead_of_waiting_for_ever() -> None:
    def broken() -> str:
        raise LookupError("a mistake in the exchange")

    async def send(_trace: str) -> Timed:
        return answered(time.perf_counter())

    with pytest.raises(LookupError, match="a mistake"):
        await asyncio.wait_for(
            measure_latency(Exchange(send, lambda _: "", broken), calls=5, rate=RATE, deadline_s=1.0), HANGS_S
        )


async def test_a_standstill_of_our_own_loop_is_known_for_the_calls_under_way() -> None:
    sample = await measure_latency(exchange(server_s=0.02, block_at=range(20, 21)), calls=60, rate=RATE, deadline_s=2.0)
    worst = max(sample.calls, key=lambda call: call.client_ms)
    assert worst.own_ms > 50
    assert worst.client_ms - worst.own_ms < 20 + 15
    assert min(call.own_ms for call in sample.calls[40:]) < 15, "a standstill is that of the calls under way"


def conditions(repeat_s: float = 5.0, limit_ms: float = 10 * LIMIT_MS) -> Conditions:
    """With the usual limit, our own side may be 100 ms late: this machine may be busy."""
    return Conditions(rate=RATE, deadline_s=2.0, limit_ms=limit_ms, repeat_s=repeat_s)


async def test_a_block_in_which_our_own_side_lagged_is_measured_again() -> None:
    (look,) = make_plan((100,))
    blocked = exchange(block_at=range(BLOCK, BLOCK + 1), block_s=0.3)
    got = await measure_by_plan(blocked, [look], slow, conditions())
    assert got.finding is Finding.PROVED
    assert len(got.sample.calls) == 100
    assert len(got.void) >= 1
    assert "our own side was" in got.void[0]


async def test_a_client_that_lags_all_the_time_can_not_measure() -> None:
    with pytest.raises(TooManyVoid, match="this machine is too busy to measure") as unfit:
        await measure_fit(exchange(block_at=range(100_000)), 50, conditions(repeat_s=0.1, limit_ms=LIMIT_MS))
    assert isinstance(unfit.value, ClientUnfit)
    assert len(unfit.value.void) == 1


async def test_the_server_s_slowness_voids_nothing() -> None:
    (look,) = make_plan((100,))
    got = await measure_by_plan(exchange(server_s=0.15), [look], slow, conditions())
    assert (got.finding, len(got.sample.calls)) == (Finding.REFUTED, 100)
    assert len(got.void) <= 1  # a hiccup of the machine that runs this test


async def test_the_watch_sees_a_standstill_and_a_quiet_loop_is_quiet() -> None:
    async with LoopWatch() as watch:
        begun = time.perf_counter()
        await asyncio.sleep(0.02)
        time.sleep(0.1)  # noqa: ASYNC251 - the standstill
        await watch.settle()
        ended = time.perf_counter()
    assert 90 < watch.worst_ms(begun, ended) <= (ended - begun) * 1e3
    assert watch.within_ms(begun, ended) >= watch.worst_ms(begun, ended) - 1
    assert (await await_quiet(limit_ms=1000, deadline_s=HANGS_S)).steady


async def test_a_sample_says_how_late_its_own_calls_were() -> None:
    measured = await measure_latency(exchange(), calls=3, rate=RATE, deadline_s=1.0)
    one, two, three = measured.calls
    calls = (
        replace(one, lag_ms=1.0, standstill_ms=7.0),
        replace(two, lag_ms=2.0, standstill_ms=0.0, failure="503", server_ms=None),
        replace(three, lag_ms=3.0, standstill_ms=5.0, server_ms=4.0),
    )
    sample = replace(measured, calls=calls)
    assert (sample.client_lag_ms(), sample.lag_p99_ms, sample.failures) == (7.0, 3.0, ["503"])
    assert sample.milliseconds("server") == [one.server_ms, float("inf"), 4.0]
    both = sample.followed_by(measured)
    assert (both.calls, both.rate, both.deadline_s) == (calls + measured.calls, RATE, 1.0)
    assert one.reused
    assert one.first_byte_ms == pytest.approx(one.client_ms + one.lag_ms * -1, abs=50)


@pytest.mark.parametrize(
    "header,found",
    [
        ("total;dur=12.5", 12.5),
        ("cache;desc=hit, total ; dur=3", 3.0),
        ('db;dur=1, total;desc="all of it";dur="4.25"', 4.25),
        ("db;dur=1", None),
        ("total", None),
        ("total;dur=fast", None),
        ("", None),
    ],
)
def test_server_timing_is_read_by_the_metric_that_the_target_names(header: str, found: float | None) -> None:
    assert server_timing([(b"server-timing", header.encode())], "total") == found


async def test_answers_without_the_server_s_time_can_not_be_judged_by_it() -> None:
    bare = Exchange(exchange().send, lambda _: "", lambda: "", lambda _: None)
    sample = await measure_latency(bare, calls=3, rate=RATE, deadline_s=1.0)
    with pytest.raises(ClientUnfit, match='server_time = "request-log"'):
        sample.milliseconds("server")


async def test_new_connections_and_new_instances_are_cold_starts() -> None:
    sample = await measure_latency(exchange(), calls=5, rate=RATE, deadline_s=1.0)
    one, two, three, four, five = sample.calls
    calls = (
        replace(one, instance="a"),
        replace(two, instance="a", opened=ConnectionSteps(0, 0.001, None)),
        replace(three, instance="b"),
        replace(four, instance="a"),
        replace(five, instance="b", failure="503"),
    )
    assert cold_starts(replace(sample, calls=calls)) == ("", "new connection", "new instance", "", "")
