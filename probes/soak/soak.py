"""The hour itself: sessions held across their planned cuts, opened so that their ages differ, with progress reports."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from probes.client_health.garbage_collector import patiently
from probes.client_health.vitals import Watch, descriptor_limit, make_room, watching
from probes.problem import Problem
from probes.soak.events import Back, Breach, Close, End, Moment, Open, Unfit
from probes.soak.exposure import Life
from probes.soak.held_session import Join, Lifeline
from probes.soak.journal import Journal
from probes.soak.ledger import Ledger
from probes.soak.progress import Progress
from probes.soak.round_trips import Times
from probes.soak.soak_plan import SoakPlan
from probes.timing.window import SteadyClock
from probes.websocket.tls import small_buffers

TICK_S = 1.0


@dataclass(slots=True)
class Bookkeeper:
    """The ear of all lifelines: each event becomes a line of the journal."""

    journal: Journal
    since: dict[int, float] = field(default_factory=dict)
    interval: Times = field(default_factory=Times)
    clock: SteadyClock = field(default_factory=SteadyClock)  # a jump makes no session an hour old

    def opened(self, line: int, number: int, silent_s: float) -> float:
        """A connection was welcomed; return when, in unix seconds."""
        now = self.clock.now_s()
        since = self.since.setdefault(line, now)
        self.journal.note(Open(at=now, line=line, number=number, since=since, silent=silent_s))
        return now

    def ended(self, life: Life) -> None:
        """A connection ended."""
        self.journal.note(Close(at=self.clock.now_s(), life=life))

    def back(self, line: int, took_s: float, attempts: int) -> None:
        """A session is back."""
        self.journal.note(Back(at=self.clock.now_s(), line=line, took=took_s, attempts=attempts))

    def breach(self, line: int, kind: str, detail: str) -> None:
        """A promise was broken."""
        self.journal.note(Breach(at=self.clock.now_s(), line=line, kind=kind, detail=detail))

    def unfit(self, reason: str) -> None:
        """We could not go on."""
        self.journal.note(Unfit(at=self.clock.now_s(), reason=reason))

    def rtt(self, milliseconds: float) -> None:
        """A ping was answered."""
        self.interval.add(milliseconds)

    def tick(self, watch: Watch, held_s: float) -> None:
        """Note the state of the moment, and make sure that everything is on disk."""
        vitals, times, self.interval = watch.take(), self.interval, Times()
        moment = Moment(
            at=self.clock.now_s(),
            open=len(self.journal.ledger.open),
            p50=times.percentile(0.5),
            p95=times.percentile(0.95),
            rtt={str(step): count for step, count in times.counts.items()},
            held=held_s,
            vitals=vitals,
        )
        self.journal.note(moment)
        self.journal.flush()


@dataclass(slots=True, kw_only=True)
class Soak:
    """A soak that runs: `hold` returns when it is over, or was stopped."""

    plan: SoakPlan
    journal: Journal
    join: Join
    name_user: Callable[[int], str]
    tell: Callable[[Progress], None]
    stopped: bool = False
    clock: SteadyClock = field(default_factory=SteadyClock)
    _lines: list[Lifeline] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _ends: float = 0.0

    async def hold(self) -> Ledger:
        """Hold every session; on cancellation (SIGTERM, Ctrl-C) say goodbye and return what there is.

        Raises:
            ClientUnfit: Our limit on descriptors can't be raised far enough; nothing was opened.
        """
        plan = self.plan
        make_room(plan.sessions + plan.silent)
        keeper = Bookkeeper(self.journal, clock=self.clock)
        left = plan.left_s(self.journal.ledger)
        self._lines += [self._line(number, keeper) for number in range(plan.sessions + plan.silent)]
        self._ends = time.perf_counter() + plan.stagger_s + left
        async with AsyncExitStack() as stack:
            stack.enter_context(small_buffers())
            stack.enter_context(patiently())
            watch = await stack.enter_async_context(watching())
            await self._hold_until_the_end(keeper, watch)
            await self._say_goodbye()
            keeper.tick(watch, 0.0)
        self.journal.note(End(at=self.clock.now_s(), why="stopped" if self.stopped else "over"))
        self.journal.flush()
        return self.journal.ledger

    def _line(self, number: int, keeper: Bookkeeper) -> Lifeline:
        """The n-th session: the first ones talk, those after them are silent."""
        plan = self.plan
        return Lifeline(
            line=number,
            user=self.name_user(number),
            join=self.join,
            pace=plan.pace,
            ear=keeper,
            silence_s=plan.silence_s(number - plan.sessions) if number >= plan.sessions else 0.0,
        )

    async def _hold_until_the_end(self, keeper: Bookkeeper, watch: Watch) -> None:
        """Open all sessions and watch them until the end, or until we are cancelled, which is noted."""
        opening = asyncio.create_task(self._open_all())
        try:
            await self._until_the_end(keeper, watch)
        except asyncio.CancelledError:
            self.stopped = True
            if (task := asyncio.current_task()) is not None:
                task.uncancel()  # what there is gets written first; the caller that stopped us decides what follows
        finally:
            opening.cancel()

    async def _open_all(self) -> None:
        """Open one after another, spread over the stagger: silent ones among the others."""
        begun = time.perf_counter()
        step = self.plan.stagger_s / max(len(self._lines), 1)
        for number, line in enumerate(_mixed(self._lines)):
            await asyncio.sleep(max(begun + number * step - time.perf_counter(), 0.0))
            self._tasks.append(asyncio.create_task(line.live()))

    async def _until_the_end(self, keeper: Bookkeeper, watch: Watch) -> None:
        last = time.perf_counter()
        opened_all = last + self.plan.stagger_s
        while (now := time.perf_counter()) < self._ends:
            await asyncio.sleep(min(TICK_S, self._ends - now))
            now = time.perf_counter()
            keeper.tick(watch, max(now - max(last, opened_all), 0.0))
            last = now
            self.tell(self.progress())
            gone = len(self._tasks) == len(self._lines) and all(task.done() for task in self._tasks)
            if gone:  # every session is lost for good: there is nothing more to hold
                return

    async def _say_goodbye(self) -> None:
        await asyncio.gather(*(line.leave() for line in self._lines), return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self.plan.pace.answer_s + self.plan.pace.reconnect_s)
            for task in late:
                task.cancel()
        for failed in (task.exception() for task in self._tasks if task.done() and not task.cancelled()):
            if failed is not None:
                raise failed

    def progress(self) -> Progress:
        """The state now."""
        ledger, now = self.journal.ledger, self.clock.now_s()
        ages = [now - connection.at for connection in ledger.open.values()] or [0.0]
        last = ledger.ticks[-1] if ledger.ticks else None
        return Progress(
            open=len(ledger.open),
            total=len(self._lines),
            youngest_s=min(ages),
            oldest_s=max(ages),
            closes=Counter(str(life.close) for life in ledger.lives),
            breaches=ledger.breaches.total(),
            back=ledger.backs.n,
            rtt_p50_ms=last.rtt_p50_ms if last else None,
            rtt_p95_ms=last.rtt_p95_ms if last else None,
            left_s=max(self._ends - time.perf_counter(), 0.0),
        )

    def unfit(self) -> Problem:
        """Why what we saw may be our own doing."""
        ledger = self.journal.ledger
        timeout = min(self.plan.pace.answer_s, self.plan.pace.reconnect_s)
        return ledger.unfit or ledger.worst.unfit(timeout, descriptor_limit())


def _mixed(lines: Sequence[Lifeline]) -> list[Lifeline]:
    """Talking and silent sessions, evenly mixed."""
    silent = [line for line in lines if line.silence_s]
    talking = [line for line in lines if not line.silence_s]
    every = max(len(talking) // max(len(silent), 1), 1)
    mixed: list[Lifeline] = []
    for number, line in enumerate(talking):
        if silent and number % every == 0:
            mixed.append(silent.pop(0))
        mixed.append(line)
    return [*mixed, *silent]
