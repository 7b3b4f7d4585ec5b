"""Deadlines that do not count the time during which our own event loop stood still: the server was not slow then.

A timer that is due during a standstill fires at its end, before an answer that arrived in the meantime is looked at.
With a plain `asyncio.timeout`, our own busy machine would look like a server that does not answer.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakKeyDictionary

from probes.client_health.event_loop import LoopWatch
from probes.errors import ClientUnfit

TICK_S = 0.02  # coarser than where milliseconds are measured: deadlines are seconds
MOST_KEPT = 10_000  # standstills, each after a tick: minutes, where deadlines are seconds


class _Shared:
    """One watch for all deadlines of a loop that are running; it ticks while there are any."""

    def __init__(self) -> None:
        self.watch = LoopWatch(TICK_S, most=MOST_KEPT)
        self.running = 0


_OF_LOOP: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


@contextmanager
def _watching(loop: asyncio.AbstractEventLoop) -> Iterator[LoopWatch]:
    shared = _OF_LOOP.setdefault(loop, _Shared())
    shared.running += 1
    if shared.running == 1:
        shared.watch.start()
    try:
        yield shared.watch
    finally:
        shared.running -= 1
        if not shared.running:
            shared.watch.stop()
            shared.watch.take_worst_ms()


@asynccontextmanager
async def within(limit_s: float, request: str) -> AsyncIterator[None]:
    """End the block after `limit_s` seconds during which our own loop was running.

    Standstills are added to the limit, up to the limit again.

    Raises:
        TimeoutError: The time is up.
        ClientUnfit: It is, and we stood still for as long as the limit itself: nothing can be said about the server.
    """
    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    with _watching(loop) as watch:
        scope = asyncio.timeout(None)
        try:
            with _ending(scope, loop, watch, limit_s):
                async with scope:
                    yield
        except TimeoutError as error:
            stood = watch.within_ms(begun, time.perf_counter()) / 1e3
            if scope.expired() and stood >= limit_s:
                raise ClientUnfit(
                    request, f"our own loop stood still for {stood:.1f} s while we waited: this machine is too busy"
                ) from error
            raise


@contextmanager
def _ending(
    scope: asyncio.Timeout, loop: asyncio.AbstractEventLoop, watch: LoopWatch, limit_s: float
) -> Iterator[None]:
    """Let the scope time out after `limit_s` and the standstills until then; not after the block."""
    begun = time.perf_counter()
    timers = list[asyncio.TimerHandle]()

    def look() -> None:
        now = time.perf_counter()
        left = begun + limit_s + min(watch.within_ms(begun, now) / 1e3, limit_s) - now
        if left > 0:
            timers.append(loop.call_later(left, look))
        else:
            scope.reschedule(loop.time())

    timers.append(loop.call_later(limit_s, look))
    try:
        yield
    finally:
        timers[-1].cancel()


def is_late_by_us(took: float, limit: float, stood: float) -> bool:
    """Whether a time is over its limit, and would not be without what our own loop `stood` still; all in one unit."""
    return took > limit >= took - stood
