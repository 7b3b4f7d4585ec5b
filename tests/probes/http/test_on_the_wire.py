"""The decision on the wire: a real server in a process of its own, whose share of slow calls is known.

The same plan is followed exactly in test_plans.py; here calls, connections, clocks and the machine take part.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from bench.stub import stub
from probes.errors import ClientUnfit
from probes.http.timing_transport import Timed, TimingTransport
from probes.latency.measuring import Conditions, measure_by_plan
from probes.latency.open_loop import Exchange, LatencySample, measure_latency
from probes.latency.sequential_plan import look_sizes, make_plan, rates
from probes.statistics.exact import Finding, percentile
from tests.standing import busy_processors

RUNS, RATE, LIMIT_MS = 20, 500.0, 100.0
PLAN = make_plan(look_sizes(1000))


async def decide(
    url: str,
    clock: str,
    *,
    rate: float = RATE,
    repeat_s: float = 30.0,
    limit_ms: float = 5 * LIMIT_MS,
    note: Callable[[LatencySample], None] = lambda _sample: None,
) -> Finding:
    """What the plan comes to. Our own side may be a tenth of `limit_ms` late; up to 50 ms make no call of 5 ms slow.

    `note` is given each sample that was judged.
    """
    transport = TimingTransport(url)

    async def send(_trace: str) -> Timed:
        return await transport.exchange("GET", "/", {})

    def slow(sample: LatencySample) -> int:
        note(sample)
        return sum(one >= LIMIT_MS for one in sample.milliseconds(clock))

    exchange = Exchange(send, lambda _answer: "", lambda: "")
    try:
        await measure_latency(exchange, calls=20, rate=rate, deadline_s=5.0)
        conditions = Conditions(rate=rate, deadline_s=5.0, limit_ms=limit_ms, repeat_s=repeat_s)
        measured = await measure_by_plan(exchange, PLAN, slow, conditions)
    finally:
        await transport.aclose()
    return measured.finding


@pytest.mark.parametrize(
    "share,wanted", [pytest.param(0.08, Finding.REFUTED, id="8 %"), pytest.param(0.02, Finding.PROVED, id="2 %")]
)
async def test_a_slow_service_is_refused_and_a_good_one_passes(share: float, wanted: Finding) -> None:
    """Twenty runs each, half of them by either clock: never the wrong answer, hardly ever none.

    A run in which more of the calls were slow by the server's own clock than one in twenty, because the machine was
    busy, is right to refuse.
    """
    found = Counter[Finding]()
    async with stub(service_s=0.005, slow_share=share, slow_s=0.15, seed=int(share * 1000)) as url:
        for number in range(RUNS):
            samples = list[LatencySample]()
            finding = await decide(url, "server" if number % 2 else "client", note=samples.append)
            served = [one >= LIMIT_MS for sample in samples for one in sample.milliseconds("server")]
            found[wanted if finding is Finding.REFUTED and sum(served) > len(served) / 20 else finding] += 1
    wrong = Finding.PROVED if wanted is Finding.REFUTED else Finding.REFUTED
    assert found[wrong] == 0, found
    assert found[wanted] >= RUNS - 2, found
    expected = rates(PLAN, share)
    assert min(expected.refuted, expected.proved) < 0.001  # the wrong answer, by the exact computation


async def test_a_stall_is_not_hidden_from_open_loop() -> None:
    """One stall of 0.5 s in 4 s at 100/s: an eighth of all calls wait for its rest. A busy machine makes it longer."""
    async with stub(stall_after_s=1.0, stall_s=0.5) as url:
        transport = TimingTransport(url)

        async def send(_trace: str) -> Timed:
            return await transport.exchange("GET", "/", {})

        exchange = Exchange(send, lambda _answer: "", lambda: "")
        sample = await measure_latency(exchange, calls=400, rate=100.0, deadline_s=5.0)
        await transport.aclose()
    times = sample.milliseconds("client")
    assert percentile(times, 0.95) > 0.85 * 300
    assert percentile(times, 0.99) > 0.85 * 460
    slow_calls = sum(call_ms >= LIMIT_MS for call_ms in times)
    assert slow_calls > 0.8 * 40
    # By the server's own clock it is slow once: the stall is told apart from a slow service.
    assert sum(call_ms >= LIMIT_MS for call_ms in sample.milliseconds("server")) < slow_calls / 4


async def test_a_client_without_a_core_to_itself_never_calls_a_fast_service_slow() -> None:
    """Six processes that only burn CPU: the decision is right, or it is that we could not measure."""
    async with busy_processors(6), stub(service_s=0.005) as url:
        found = [await judged(url) for _ in range(3)]
    assert set(found) <= {"proved", "unfit"}


async def judged(url: str) -> str:
    try:
        return str(await decide(url, "server", rate=100.0, repeat_s=5.0, limit_ms=LIMIT_MS))
    except ClientUnfit:
        return "unfit"
