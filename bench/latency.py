"""The latency probe beside a raw asyncio client on the same server, and what a stall does to both ways of asking."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bench.figures import Figure
from probes.calibration import ANSWER
from probes.latency import Exchange, LatencySample, measure_latency
from probes.statistics import percentile
from probes.transport import Timed, TimingTransport

SERVICE_S = 0.02
STALL_S, EVERY_S, RATE = 1.0, 10.0, 100.0
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
END_OF_HEAD = b"\r\n\r\n"
Ask = Callable[[], Awaitable[None]]
Connect = Callable[[], Awaitable[Ask]]


def _serve(port: "multiprocessing.Queue[int]", service_s: float, stall_at_s: float | None) -> None:
    """A server in a process of its own: a fixed service time, and one stall of the whole process where asked."""

    async def main() -> None:
        first: list[float] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await reader.readuntil(END_OF_HEAD):
                    first.append(time.monotonic()) if not first else None
                    if stall_at_s is not None and len(first) == 1 and time.monotonic() - first[0] > stall_at_s:
                        first.append(0.0)
                        time.sleep(STALL_S)  # noqa: ASYNC251 - the stall
                    await asyncio.sleep(service_s)
                    writer.write(ANSWER)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@asynccontextmanager
async def serving(service_s: float, stall_at_s: float | None = None) -> AsyncIterator[int]:
    """The server, up."""
    told: multiprocessing.Queue[int] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(told, service_s, stall_at_s), daemon=True)
    process.start()
    try:
        yield await asyncio.to_thread(told.get, timeout=10)
    finally:
        process.terminate()
        process.join()


async def _probe(port: int, calls: int, rate: float) -> LatencySample:
    transport = TimingTransport(f"http://127.0.0.1:{port}")

    async def send(_trace: str) -> Timed:
        return await transport.exchange("GET", "/", {}, b"")

    exchange = Exchange(send, lambda _answer: "", lambda: "")
    try:
        await measure_latency(exchange, calls=60, rate=rate, deadline_s=5.0)
        return await measure_latency(exchange, calls=calls, rate=rate, deadline_s=5.0)
    finally:
        await transport.aclose()


async def _workers(count: int, calls: int, connect: Connect) -> list[float]:
    """Each worker asks again as soon as it was answered; milliseconds of every call but the first of a worker."""
    times: list[float] = []

    async def work() -> None:
        ask = await connect()
        await ask()
        for _ in range(calls // count):
            begun = time.perf_counter()
            await ask()
            times.append((time.perf_counter() - begun) * 1e3)

    await asyncio.gather(*(work() for _ in range(count)))
    return times


def _raw(port: int) -> Connect:
    async def connect() -> Ask:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask() -> None:
            writer.write(REQUEST)
            await reader.readuntil(END_OF_HEAD)
            await reader.readexactly(2)

        return ask

    return connect


def _ours(transport: TimingTransport) -> Connect:
    async def connect() -> Ask:
        async def ask() -> None:
            await transport.exchange("GET", "/", {}, b"")

        return ask

    return connect


async def measure() -> list[Figure]:
    """All figures of this file."""
    async with serving(SERVICE_S) as port:
        raw = percentile(await _workers(50, 2000, _raw(port)), 0.95)
        transport = TimingTransport(f"http://127.0.0.1:{port}")
        ours = percentile(await _workers(50, 2000, _ours(transport)), 0.95)
        await transport.aclose()
        idle = await _probe(port, 500, RATE)
    async with serving(0.001, stall_at_s=3.0) as port:
        stalled = await _probe(port, int(RATE * EVERY_S), RATE)
    async with serving(0.001, stall_at_s=3.0) as port:
        closed = await _workers(1, int(RATE * EVERY_S), _raw(port))
    # Of 1000 calls the 100 that were due in the stall wait from 0 to 1 s: p99 is 0.9 s, p95 is 0.5 s.
    open_times = stalled.milliseconds("client")
    p99, p95 = percentile(open_times, 0.99), percentile(open_times, 0.95)
    return [
        Figure("p95 at 50 concurrent calls over raw asyncio", ours / raw, 1.25, "x", f"{ours:.1f} ms, {raw:.1f} ms"),
        Figure("dispatch lag p99", idle.lag_p99_ms, 5.0, "ms"),
        Figure("open loop, 1 s stall: p99 off the analytic 900 ms", abs(p99 - 900) / 900, 0.06, "", f"{p99:.0f} ms"),
        Figure("open loop, 1 s stall: p95 off the analytic 500 ms", abs(p95 - 500) / 500, 0.06, "", f"{p95:.0f} ms"),
        Figure("closed loop p99, so many times too low", p99 / percentile(closed, 0.99), 50, "x", at_least=True),
    ]
