"""The client's own share: the same client against a stub on loopback that does nothing but answer.

What is left of a call when the server takes no time is what our client, this machine and its network stack take. A
client whose own p95 is a good part of the limit measures itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from probes.client_health.event_loop import LAG_SHARE, await_quiet
from probes.errors import ClientUnfit
from probes.http.timing_transport import Timed, TimingTransport
from probes.latency.open_loop import Exchange, LatencySample, measure_latency
from probes.statistics.exact import percentile

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
CALLS = 60
ATTEMPTS = 3
OWN_SHARE = 0.25  # of the limit: a client that takes more by itself can't tell a fast server from a slow one
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Our own share of a call, in milliseconds."""

    p50_ms: float
    p95_ms: float
    lag_p99_ms: float
    attempts: tuple[str, ...] = ()  # that were void, and why


@asynccontextmanager
async def stub() -> AsyncIterator[str]:
    """A server on loopback that answers every request at once; yields its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(END_OF_HEAD)
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                await reader.readexactly(length)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the client has what it wanted

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def calibrate(*, rate: float, body: bytes, limit_ms: float, quiet_s: float, calls: int = CALLS) -> Calibration:
    """Measure the client itself, at the rate of the measurement that follows.

    An attempt during which this machine was too busy is repeated, three in all, once our own loop is quiet (waited for
    at most `quiet_s` each time): it says nothing about any server.

    Raises:
        ClientUnfit: In each attempt the client's own p95 took more than a quarter of the limit, or it was late.
    """
    void: list[str] = []
    for _ in range(ATTEMPTS):
        sample = await _ask_the_stub(rate, body, calls)
        times = sample.milliseconds("client")
        own = Calibration(percentile(times, 0.5), percentile(times, 0.95), sample.lag_p99_ms, tuple(void))
        if own.p95_ms <= limit_ms * OWN_SHARE and own.lag_p99_ms <= limit_ms * LAG_SHARE:
            return own
        void.append(f"p95 {own.p95_ms:.1f} ms, dispatch lag p99 {own.lag_p99_ms:.1f} ms")
        await await_quiet(limit_ms=limit_ms, deadline_s=quiet_s)
    raise ClientUnfit(
        "calibration against a loopback stub",
        f"in {ATTEMPTS} attempts the client alone took more than {OWN_SHARE:.0%} of {limit_ms:g} ms at p95, or left "
        f"more than {LAG_SHARE:.0%} of it late: this machine is too busy to measure ({'; '.join(void)})",
    )


async def _ask_the_stub(rate: float, body: bytes, calls: int) -> LatencySample:
    async with stub() as url:
        transport = TimingTransport(url)

        async def send(_trace_id: str) -> Timed:
            return await transport.exchange("POST", "/", {"Content-Type": "application/json"}, body)

        try:
            exchange = Exchange(send, lambda _answer: "", lambda: "")
            await measure_latency(exchange, calls=5, rate=rate, deadline_s=5.0)
            return await measure_latency(exchange, calls=calls, rate=rate, deadline_s=5.0)
        finally:
            await transport.aclose()
