"""Our own health while sessions are held: loop lag, memory, descriptors. An unfit client sees faults of its own."""

import math
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from probes.client_health.event_loop import LoopWatch
from probes.errors import ClientUnfit
from probes.problem import Problem

LAG_SHARE = 0.25  # of the ping timeout: a client that sleeps longer misses answers that were in time
SPARE = 64  # descriptors for logs, the terminal, the event loop and the other clients of a run
NEARLY = 0.95


@dataclass(frozen=True, slots=True)
class Vitals:
    """Our health at one moment, or the worst of a time."""

    lag_ms: float  # the longest that the event loop kept a timer waiting
    rss_mib: float
    descriptors: int

    def worst(self, other: "Vitals") -> "Vitals":
        """The worse of both, value by value."""
        return Vitals(
            max(self.lag_ms, other.lag_ms),
            max(self.rss_mib, other.rss_mib),
            max(self.descriptors, other.descriptors),
        )

    def as_json(self) -> dict[str, float]:
        """As evidence."""
        return {
            "loop_lag_ms": round(self.lag_ms, 1),
            "rss_mib": round(self.rss_mib, 1),
            "descriptors": self.descriptors,
        }

    def unfit(self, ping_timeout_s: float, limit: int) -> Problem:
        """Why disconnects under these vitals may be our own doing."""
        if self.lag_ms > ping_timeout_s * 1e3 * LAG_SHARE:
            return (
                f"our event loop stood still for {self.lag_ms:.0f} ms, over a quarter of the ping timeout of "
                f"{ping_timeout_s:g} s: this machine is too busy"
            )
        if self.descriptors > limit * NEARLY:
            return f"we had {self.descriptors} of {limit} descriptors open: raise `ulimit -n`"
        return ""


NOTHING = Vitals(0.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class Watch:
    """Samples our health; `take` gives the worst since it was last asked."""

    loop: LoopWatch
    process: psutil.Process

    def take(self) -> Vitals:
        """The worst lag since the last call, and memory and descriptors now."""
        lag = self.loop.take_worst_ms()
        return Vitals(lag, self.process.memory_info().rss / 2**20, self.process.num_fds())


@asynccontextmanager
async def watching() -> AsyncIterator[Watch]:
    """A watch that runs while the block does."""
    async with LoopWatch() as loop:
        yield Watch(loop, psutil.Process())


def descriptor_limit() -> int:
    """How many descriptors we may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 2**31


def make_room(sessions: int) -> int:
    """Raise our limit on descriptors as far as `sessions` need it; return the limit that now holds.

    Raises:
        ClientUnfit: The hard limit does not allow it; nothing was opened.
    """
    needed = sessions + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = math.inf if hard == resource.RLIM_INFINITY else hard
    if needed > ceiling:
        raise ClientUnfit(
            f"{sessions} sessions",
            f"they need {needed} descriptors and the hard limit is {hard}: raise `ulimit -Hn`, hold fewer sessions, "
            "or share them out over more tasks",
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return descriptor_limit()
