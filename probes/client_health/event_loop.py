"""Whether we are fit to measure: standstills of our own event loop, as distinct from a slow server.

Every judgement here looks only at our own side, never at how long a server took: what is discarded and measured again
is discarded whatever it would have shown.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from types import TracebackType
from typing import Self

from probes.timing.waiting import Steadiness, await_steady

TICK_S = 0.005
NOISE_S = 0.001  # a timer is always a little late
LAG_SHARE = 0.10  # of the limit: a client that is later than this measures itself
QUIET_S = 0.25
QUIET_IN_A_ROW = 4


class LoopWatch:
    """Notes when the event loop stood still: a timer is due every 5 ms (`tick_s`), and being late is a standstill."""

    def __init__(self, tick_s: float = TICK_S, most: int | None = None) -> None:
        """`most` bounds how many standstills are kept, the last ones; None: all."""
        self._tick_s = tick_s
        self._standstills: deque[tuple[float, float]] = deque(maxlen=most)
        self._due = math.inf
        self._handle: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, or begin again, on the running loop."""
        self._due = time.perf_counter() + self._tick_s
        self._handle = asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def stop(self) -> None:
        """End; what was noted stays."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._due = math.inf

    def _tick(self) -> None:
        now = time.perf_counter()
        if now - self._due > NOISE_S:
            self._standstills.append((self._due, now))
        self.start()

    async def settle(self) -> None:
        """Wait for the next tick: a standstill that ended just now is noted then."""
        await asyncio.sleep(2 * self._tick_s)

    def worst_ms(self, begin: float, end: float) -> float:
        """The longest standstill that touches a span of `time.perf_counter`, whole, in milliseconds."""
        return max((b - a for a, b in self._since(begin) if a < end), default=0.0) * 1e3

    def take_worst_ms(self) -> float:
        """The longest standstill since the last call, in milliseconds; it is forgotten, so that hours fit in memory."""
        worst = max((b - a for a, b in self._standstills), default=0.0)
        self._standstills.clear()
        return worst * 1e3

    def within_ms(self, begin: float, end: float) -> float:
        """How much of a span the loop stood still, in milliseconds; a standstill that ends just now is counted."""
        overdue = [(self._due, end)] if end - self._due > NOISE_S else []
        return sum(max(0.0, min(b, end) - max(a, begin)) for a, b in [*self._since(begin), *overdue]) * 1e3

    def _since(self, begin: float) -> Iterator[tuple[float, float]]:
        """The standstills that end after a moment, the last one first: of a long watch, most are long past."""
        return takewhile(lambda one: one[1] > begin, reversed(self._standstills))


async def await_quiet(*, limit_ms: float, deadline_s: float) -> Steadiness:
    """Wait until our own loop ran for a second without a standstill over a tenth of the limit."""

    async def look() -> str:
        async with LoopWatch() as watch:
            begun = time.perf_counter()
            await asyncio.sleep(QUIET_S)
            worst = watch.worst_ms(begun, time.perf_counter())
        return f"our own loop stood still for {worst:.0f} ms" if worst > LAG_SHARE * limit_ms else ""

    return await await_steady(look, in_a_row=QUIET_IN_A_ROW, deadline_s=deadline_s)
