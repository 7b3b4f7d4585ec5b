"""N sessions held for a while: how many ended early, at which age, and what that does and does not prove."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from probes.client_health.vitals import NOTHING, Vitals, descriptor_limit, make_room, watching
from probes.problem import Problem
from probes.soak.exposure import Exposure, Life
from probes.soak.held_session import Join, Lifeline, Pace
from probes.soak.round_trips import Times
from probes.timing.window import SteadyClock


@dataclass(slots=True, kw_only=True)
class SteadyReport:
    """What holding the sessions showed; the ear of its lifelines while they are held."""

    lives: list[Life] = field(default_factory=list)
    breaches: list[tuple[str, str]] = field(default_factory=list)
    times: Times = field(default_factory=Times)
    vitals: Vitals = NOTHING
    unfit_because: Problem = ""
    clock: SteadyClock = field(default_factory=SteadyClock)

    def opened(self, line: int, number: int, silent_s: float) -> float:
        """A connection was welcomed: its life is noted when it ends."""
        del line, number, silent_s
        return self.clock.now_s()

    def ended(self, life: Life) -> None:
        """A connection ended."""
        self.lives.append(life)

    def back(self, line: int, took_s: float, attempts: int) -> None:
        """Not called: these sessions don't come back."""

    def breach(self, line: int, kind: str, detail: str) -> None:
        """A promise was broken."""
        self.breaches.append((kind, f"session {line}: {detail}"))

    def unfit(self, reason: str) -> None:
        """We could not go on."""
        self.unfit_because = self.unfit_because or reason

    def rtt(self, milliseconds: float) -> None:
        """A ping was answered."""
        self.times.add(milliseconds)

    @property
    def exposure(self) -> Exposure:
        """Every connection."""
        return Exposure(self.lives)

    def of_kind(self, *kinds: str) -> list[str]:
        """Broken promises of these kinds, in words."""
        return [detail for kind, detail in self.breaches if kind in kinds]


async def hold_sessions(
    join: Join, name_user: Callable[[int], str], *, count: int, seconds: float, jitter_s: float, pace: Pace
) -> SteadyReport:
    """Open `count` sessions, spread over `jitter_s`, hold each for `seconds` of its life, and say goodbye.

    Raises:
        ClientUnfit: Our limit on descriptors is too low; nothing was opened.
    """
    make_room(count)
    report = SteadyReport()
    spread = random.Random(count)  # noqa: S311 - arrival times, nothing secret
    delays = sorted(spread.uniform(0, jitter_s) for _ in range(count))
    async with watching() as watch:
        async with asyncio.TaskGroup() as group:
            for number, delay in enumerate(delays):
                group.create_task(
                    _hold(
                        Lifeline(line=number, user=name_user(number), join=join, pace=pace, ear=report), delay, seconds
                    )
                )
        report.vitals = watch.take()
    report.unfit_because = report.unfit_because or report.vitals.unfit(pace.answer_s, descriptor_limit())
    return report


async def _hold(line: Lifeline, delay: float, seconds: float) -> None:
    await asyncio.sleep(delay)
    living = asyncio.create_task(line.live())
    try:
        if not await _done(living, seconds):
            await line.leave()
            await _done(living, line.pace.answer_s + line.pace.reconnect_s)
    finally:
        living.cancel()
    if not living.cancelled() and living.done():
        living.result()


async def _done(task: asyncio.Task[None], seconds: float) -> bool:
    done, _ = await asyncio.wait({task}, timeout=seconds)
    return bool(done)
