"""The latency probe compared with other clients on the same server, and what a stall does to both ways of asking."""

import asyncio
import statistics

from bench.clients import arrivals, ours, paced, raw, with_aiohttp, with_httpx, workers, wrk
from bench.figures import Figure
from bench.stub import stub
from probes.http.timing_transport import Timed, TimingTransport
from probes.latency.open_loop import Exchange, LatencySample, measure_latency
from probes.statistics.exact import percentile

SERVICE_S = 0.02
CONCURRENT, CALLS, ROUNDS = 50, 2000, 5
STALL_S, EVERY_S, RATE = 1.0, 10.0, 100.0
WRK_S = 3


async def measure() -> list[Figure]:
    """All figures of this file."""
    async with stub(service_s=SERVICE_S) as url:
        figures = await _concurrent(url)
        for rate in (100.0, 200.0):
            figures.append(await _overhead(url, rate))
        figures.append(await _dispatch(url))
    async with stub(stall_after_s=3.0, stall_s=STALL_S) as url:
        return [*figures, *await _stall(url)]


async def _concurrent(url: str) -> list[Figure]:
    """Rounds in turns, so that a busy moment of the machine meets all of them; the medians are compared."""
    p95: dict[str, list[float]] = {"raw": [], "ours": [], "aiohttp": [], "httpx": []}
    async with raw(url) as by_raw, ours(url) as by_ours, with_aiohttp(url) as by_aiohttp, with_httpx(url) as by_httpx:
        for _ in range(ROUNDS):
            for name, ask in (("raw", by_raw), ("ours", by_ours), ("aiohttp", by_aiohttp)):
                p95[name].append(percentile(await workers(ask, CONCURRENT, CALLS), 0.95))
        p95["httpx"].append(percentile(await workers(by_httpx, CONCURRENT, 500), 0.95))
    outside = await wrk(url, CONCURRENT, WRK_S)
    middle = {name: statistics.median(values) for name, values in p95.items()}
    beside = ", ".join(f"{name} {value:.1f} ms" for name, value in middle.items())
    reference = f"; wrk p90 {outside['90']:.1f}, p99 {outside['99']:.1f} ms" if outside else "; wrk is not installed"
    return [
        Figure(
            name="p95 at 50 concurrent calls over raw asyncio",
            value=middle["ours"] / middle["raw"],
            limit=1.1,
            unit="x",
            beside=beside + reference,
        ),
    ]


async def _overhead(url: str, rate: float) -> Figure:
    """What a call takes beyond the server's own time, from its due moment: the probe, raw asyncio, stock httpx."""
    probe, plain = list[float](), list[float]()
    async with raw(url) as ask, with_httpx(url) as stock:
        await arrivals(ask, rate, 50)
        await arrivals(stock, rate, 50)
        for _ in range(3):
            sample = await _probe(url, 300, rate)
            probe.append(percentile(_beyond(sample), 0.95))
            plain.append(percentile(await arrivals(ask, rate, 300), 0.95))
        usual = percentile(await arrivals(stock, rate, 300), 0.95)
    own, least = statistics.median(probe), statistics.median(plain)
    return Figure(
        name=f"overhead at p95, {rate:g} calls/s, over raw asyncio",
        value=own / least,
        limit=1.5,
        unit="x",
        beside=f"{own:.2f} ms, raw {least:.2f} ms, stock httpx {usual:.2f} ms",
    )


def _beyond(sample: LatencySample) -> list[float]:
    both = zip(sample.milliseconds("client"), sample.milliseconds("server"), strict=True)
    return [client - server for client, server in both]


async def _dispatch(url: str) -> Figure:
    sample = await _probe(url, 500, RATE)
    return Figure(name="dispatch lag p99", value=sample.lag_p99_ms, limit=5.0, unit="ms", beside=f"at {RATE:g} calls/s")


async def _probe(url: str, calls: int, rate: float) -> LatencySample:
    transport = TimingTransport(url)

    async def send(_trace: str) -> Timed:
        return await transport.exchange("GET", "/", {})

    exchange = Exchange(send, lambda _answer: "", lambda: "")
    try:
        await measure_latency(exchange, calls=30, rate=rate, deadline_s=5.0)
        return await measure_latency(exchange, calls=calls, rate=rate, deadline_s=5.0)
    finally:
        await transport.aclose()


async def _stall(url: str) -> list[Figure]:
    """Both ways of asking at the same time: one server, one stall of 1 s in 10 s.

    Of 1000 calls the 100 that were due in the stall wait from 0 to 1 s: p99 is 0.9 s and p95 0.5 s, and the service.
    """
    transport = TimingTransport(url)

    async def send(_trace: str) -> Timed:
        return await transport.exchange("GET", "/", {})

    exchange = Exchange(send, lambda _answer: "", lambda: "")
    async with raw(url) as ask:
        sample, blind = await asyncio.gather(
            measure_latency(exchange, calls=int(RATE * EVERY_S), rate=RATE, deadline_s=5.0), paced(ask, RATE, EVERY_S)
        )
    await transport.aclose()
    times = sample.milliseconds("client")
    p99, seen = percentile(times, 0.99), percentile(blind, 0.99)
    return [
        _off_the_analytic("p99", p99, 901),
        _off_the_analytic("p95", percentile(times, 0.95), 501),
        Figure(
            name="p99 underestimated by a closed loop at the same rate and duration, factor",
            value=p99 / seen,
            limit=50,
            unit="x",
            beside=f"{seen:.1f} ms",
            at_least=True,
        ),
    ]


def _off_the_analytic(name: str, measured_ms: float, analytic_ms: float) -> Figure:
    return Figure(
        name=f"open loop, 1 s stall: {name} off the analytic {analytic_ms:g} ms",
        value=abs(measured_ms - analytic_ms) / analytic_ms,
        limit=0.06,
        beside=f"{measured_ms:.0f} ms",
    )
