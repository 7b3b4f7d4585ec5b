"""Open-loop latency: calls leave at fixed times, whatever became of the earlier ones, and are timed from then.

A closed loop waits for each answer before the next call, and so asks least while the server is slowest
(coordinated omission). Here a call's time runs from the moment it was due; failed and late calls count as slow.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from probes.client_health.event_loop import LoopWatch
from probes.errors import ClientUnfit, ProbeError, RateLimited
from probes.http.connecting import ConnectionSteps
from probes.http.server_timing import server_timing
from probes.http.timing_transport import Timed
from probes.problem import Problem
from probes.statistics.exact import percentile

AHEAD = 300  # calls that may be under way at once: a server that hangs must not cost us every descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, in milliseconds. `client_ms` runs from the due moment; infinite when the call did not succeed.

    `instance` is the server's, where it can be known.
    """

    due_s: float  # since the first call was due
    lag_ms: float  # how much later than due it left
    own_ms: float  # how long our own event loop stood still while it was under way
    standstill_ms: float  # the longest standstill of our loop from when it was due to when the next one was
    client_ms: float
    server_ms: float | None
    opened: ConnectionSteps | None  # the steps of a new connection, in seconds; None on a reused one
    first_byte_ms: float  # since the request was sent
    trace_id: str
    failure: str  # empty for a good call
    instance: str = ""

    @property
    def reused(self) -> bool:
        """Whether it went over a connection that was there already."""
        return self.opened is None


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
            raise ClientUnfit(
                "the server's own time",
                f"{silent} of {len(self.calls)} answers carry none: have the service send Server-Timing, or let the "
                'target say contract.auth.server_time = "request-log", or latency_clock = "client"',
            )
        return [float("inf") if call.failure or call.server_ms is None else call.server_ms for call in self.calls]

    def followed_by(self, later: "LatencySample") -> "LatencySample":
        """This sample and a later one of the same stream, as one."""
        return replace(self, calls=self.calls + later.calls)

    def client_lag_ms(self, share: float = 1.0) -> float:
        """What our own side did to these calls: left late, or our loop stood still while they were sent.

        The worst of it, or what this share of the calls did not exceed.
        """
        return percentile([max(call.lag_ms, call.standstill_ms) for call in self.calls], share)

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
    refuse: Callable[[Timed], Problem]  # what is wrong with an answer; raises RateLimited for a limiter's
    new_trace: Callable[[], str]
    server_ms: Callable[[Timed], float | None] = field(default=lambda answer: server_timing(answer.headers, "total"))


class Stream:
    """Calls that leave one after the other while earlier ones are taken, in the order in which they were due."""

    def __init__(self, exchange: Exchange, watch: LoopWatch, rate: float, deadline_s: float, most: int | None) -> None:
        self._exchange, self._watch = exchange, watch
        self._rate, self._deadline_s = rate, deadline_s
        self._under_way: asyncio.Queue[asyncio.Task[_Done]] = asyncio.Queue(AHEAD)
        self._tasks: set[asyncio.Task[_Done]] = set()
        self._sender = asyncio.create_task(self._send(most))

    async def take(self, number: int) -> LatencySample:
        """The next `number` calls, when the last of them is done."""
        done = [await (await self._next()) for _ in range(number)]
        await self._watch.settle()
        return LatencySample(tuple(self._judged(call) for call in done), self._rate, self._deadline_s)

    async def _next(self) -> "asyncio.Task[_Done]":
        """The next call. If the sender ended without one (a bug on our side), raise instead of waiting for ever."""
        getter = asyncio.create_task(self._under_way.get())
        try:
            await asyncio.wait({getter, self._sender}, return_when=asyncio.FIRST_COMPLETED)
            if self._under_way.empty() and not getter.done() and self._sender.done():
                self._sender.result()
                raise ValueError("more calls were asked for than are sent")
            return await getter
        finally:
            getter.cancel()

    def _judged(self, done: "_Done") -> Call:
        return replace(
            done.call,
            own_ms=self._watch.within_ms(done.due, done.ended),
            standstill_ms=self._watch.worst_ms(done.due, done.due + 1 / self._rate),
        )

    async def _send(self, most: int | None) -> None:
        """Send at the rate, `most` calls or until cancelled.

        While as many calls as may be are under way, none leaves; the times at which calls are due move on with it.
        """
        first = begun = time.perf_counter() + 0.02
        number = 0
        while most is None or number < most:
            due = begun + number / self._rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(_call(self._exchange, due, first, self._deadline_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if self._under_way.full():
                held = time.perf_counter()
                await self._under_way.put(task)
                begun += time.perf_counter() - held
            else:
                self._under_way.put_nowait(task)
            number += 1

    async def stop(self) -> None:
        """Send no more, and give up the calls that were not taken."""
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_loop(
    exchange: Exchange, *, rate: float, deadline_s: float, most: int | None = None
) -> AsyncIterator[Stream]:
    """Calls at `rate` per second, at most `most` of them, each with `deadline_s`, until the block ends."""
    async with LoopWatch() as watch:
        stream = Stream(exchange, watch, rate, deadline_s, most)
        try:
            yield stream
        finally:
            await stream.stop()


async def measure_latency(exchange: Exchange, *, calls: int, rate: float, deadline_s: float) -> LatencySample:
    """Send `calls` calls at `rate` per second and wait for the last one (at most `deadline_s` each)."""
    async with open_loop(exchange, rate=rate, deadline_s=deadline_s, most=calls) as stream:
        return await stream.take(calls)


@dataclass(frozen=True, slots=True)
class _Done:
    call: Call
    due: float  # on perf_counter's clock
    ended: float


async def _call(exchange: Exchange, due: float, first: float, deadline_s: float) -> _Done:
    left = time.perf_counter()
    trace_id = exchange.new_trace()
    failure, got = "", None
    try:
        async with asyncio.timeout(deadline_s):
            got = await exchange.send(trace_id)
        failure = exchange.refuse(got)
    except TimeoutError:
        failure = f"no answer within {deadline_s:g} s"
    except RateLimited:
        raise
    except ProbeError as error:
        failure = str(error)
    call = Call(
        due_s=due - first,
        lag_ms=(left - due) * 1e3,
        own_ms=0.0,
        standstill_ms=0.0,
        client_ms=float("inf") if failure or got is None else (got.done - due) * 1e3,
        server_ms=None if got is None else exchange.server_ms(got),
        opened=None if got is None else got.opened,
        first_byte_ms=float("inf") if got is None else (got.first_byte - got.sent) * 1e3,
        trace_id=trace_id,
        failure=failure,
    )
    return _Done(call, due, time.perf_counter())


def cold_starts(sample: LatencySample) -> tuple[str, ...]:
    """Call by call what made it a cold one: a new connection, an instance not seen before; empty for a warm one.

    The instance of the first call counts as known: the warm-up met it.
    """
    seen: set[str] = set()
    kinds = []
    for call in sample.calls:
        new = bool(seen) and bool(call.instance) and call.instance not in seen
        seen |= {call.instance} if call.instance else set()
        kinds.append("new instance" if new else "" if call.reused or call.failure else "new connection")
    return tuple(kinds)
