"""Open-loop latency: calls leave at fixed times, whatever became of the earlier ones, and are timed from then.

A closed loop waits for each answer before the next call, and so asks least while the server is slowest
(coordinated omission). Here a call's time runs from the moment it was due; failed and late calls count as slow.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from probes.errors import ClientUnfit, ProbeError
from probes.statistics import percentile
from probes.transport import Timed

LAG_SHARE = 0.10  # dispatch lag p99 over this share of the limit: the client, not the server, was measured


@dataclass(frozen=True, slots=True)
class Call:
    """One call, in milliseconds. `client_ms` runs from the due moment; infinite when the call did not succeed."""

    due_s: float  # since the first call was due
    lag_ms: float  # how much later than due it left
    client_ms: float
    server_ms: float | None
    connect_ms: float | None  # None on a reused connection
    first_byte_ms: float
    trace_id: str
    failure: str  # empty for a good call


@dataclass(frozen=True, slots=True)
class LatencySample:
    """All calls of a measurement."""

    calls: tuple[Call, ...]
    rate: float
    deadline_s: float

    def milliseconds(self, clock: str) -> list[float]:
        """Times by the "server" or the "client" clock; a failed call is slow by either.

        Raises:
            ClientUnfit: The server's clock is asked for and good calls do not carry it.
        """
        if clock == "client":
            return [call.client_ms for call in self.calls]
        silent = sum(call.server_ms is None and not call.failure for call in self.calls)
        if silent:
            raise ClientUnfit("Server-Timing", f"{silent} of {len(self.calls)} answers carry no server time")
        return [float("inf") if call.failure or call.server_ms is None else call.server_ms for call in self.calls]

    def followed_by(self, later: "LatencySample") -> "LatencySample":
        """This sample and a later one of the same rate, as one; the later calls' due times go on from ours."""
        offset = self.calls[-1].due_s + 1 / self.rate if self.calls else 0.0
        moved = tuple(replace(call, due_s=call.due_s + offset) for call in later.calls)
        return LatencySample(self.calls + moved, self.rate, self.deadline_s)

    @property
    def lag_p99_ms(self) -> float:
        """How late our own calls left, 99th percentile."""
        return percentile([call.lag_ms for call in self.calls], 0.99)

    @property
    def failures(self) -> list[str]:
        """What went wrong, call by call."""
        return [call.failure for call in self.calls if call.failure]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a call does once: which request, and how an answer is judged good."""

    send: Callable[[str], Awaitable[Timed]]  # takes the trace id
    refuse: Callable[[Timed], str]  # empty for a good answer, else what is wrong
    new_trace: Callable[[], str]


async def measure_latency(exchange: Exchange, *, calls: int, rate: float, deadline_s: float) -> LatencySample:
    """Send `calls` calls at `rate` a second and wait for the last one (at most `deadline_s` each)."""
    begun = time.perf_counter() + 0.02
    tasks = []
    for number in range(calls):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(_call(exchange, due, begun, deadline_s)))
    return LatencySample(tuple(await asyncio.gather(*tasks)), rate, deadline_s)


async def _call(exchange: Exchange, due: float, first: float, deadline_s: float) -> Call:
    left = time.perf_counter()
    trace_id = exchange.new_trace()
    failure, got = "", None
    try:
        async with asyncio.timeout(deadline_s):
            got = await exchange.send(trace_id)
        failure = exchange.refuse(got)
    except TimeoutError:
        failure = f"no answer within {deadline_s:g} s"
    except ProbeError as error:
        failure = str(error)
    return Call(
        due_s=due - first,
        lag_ms=(left - due) * 1e3,
        client_ms=float("inf") if failure or got is None else (got.done - due) * 1e3,
        server_ms=None if got is None else _server_ms(got.headers),
        connect_ms=None if got is None or got.connected is None else (got.connected - got.begun) * 1e3,
        first_byte_ms=float("inf") if got is None else (got.first_byte - got.sent) * 1e3,
        trace_id=trace_id,
        failure=failure,
    )


def _server_ms(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    for name, value in headers:
        if name == b"server-timing":
            for part in value.split(b","):
                label, _, rest = part.strip().partition(b";")
                if label == b"total" and rest.startswith(b"dur="):
                    return float(rest[4:])
    return None


def refuse_lagging_client(sample: LatencySample, limit_ms: float) -> None:
    """Raise ClientUnfit when our own calls left so late that their times say more of us than of the server."""
    if sample.lag_p99_ms > limit_ms * LAG_SHARE:
        raise ClientUnfit(
            "latency measurement",
            f"our own calls left {sample.lag_p99_ms:.1f} ms late (p99), over {LAG_SHARE:.0%} of the limit of "
            f"{limit_ms:g} ms: this machine is too busy to measure",
        )
