"""N sessions held for a while: how many ended early, at which age, and what that does and does not prove."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from probes.closes import CloseClass, Cluster, classify, find_cluster
from probes.errors import ProbeError
from probes.handshake import Refused
from probes.sessions import Session
from probes.statistics import hazard_upper_bound, percentile, survival

HOUR = 3600.0
OpenSession = Callable[[], Awaitable[Session | Refused]]


@dataclass(frozen=True, slots=True)
class Held:
    """One session's life."""

    age_s: float
    close: CloseClass
    detail: str
    rtts_ms: tuple[float, ...]
    opened_at_s: float  # since the first was opened


@dataclass(frozen=True, slots=True)
class SteadyReport:
    """What holding the sessions showed."""

    sessions: tuple[Held, ...]
    never_opened: tuple[str, ...]

    @property
    def hours(self) -> float:
        """Connection-hours observed."""
        return sum(held.age_s for held in self.sessions) / HOUR

    @property
    def early(self) -> list[Held]:
        """Sessions that did not end by our own goodbye."""
        return [held for held in self.sessions if held.close is not CloseClass.OURS]

    @property
    def closes(self) -> Counter[str]:
        """Closes by class."""
        return Counter(str(held.close) for held in self.sessions)

    @property
    def oldest_s(self) -> float:
        """The oldest age that was observed."""
        return max((held.age_s for held in self.sessions), default=0.0)

    @property
    def cluster(self) -> Cluster | None:
        """An age at which the early closes cluster."""
        return find_cluster([held.age_s for held in self.early])

    def hazard_bound(self, confidence: float = 0.95) -> float:
        """Upper bound on early ends per connection-hour."""
        return hazard_upper_bound(len(self.early), self.hours, confidence)

    def survival_bound(self, confidence: float = 0.95) -> float:
        """Lower bound on the probability of living an hour, if the hazard is the same at every age."""
        return survival(self.hazard_bound(confidence))

    @property
    def rtt_p95_ms(self) -> float | None:
        """95th percentile of the answered pings; None without one."""
        rtts = [rtt for held in self.sessions for rtt in held.rtts_ms]
        return percentile(rtts, 0.95) if rtts else None

    def sentence(self) -> str:
        """In one sentence, what this does not prove."""
        return (
            f"No session was older than {self.oldest_s:.0f} s, so nothing is known of later ages; at a constant "
            f"hazard, {self.hours:.2f} connection-hours with {len(self.early)} early ends bound the chance of "
            f"living an hour only to at least {self.survival_bound():.2f} (95 %)."
        )


async def hold_sessions(
    open_session: OpenSession, *, count: int, seconds: float, ping_every_s: float, jitter_s: float
) -> SteadyReport:
    """Open `count` sessions, spread over `jitter_s`, ping each, and say goodbye after `seconds` of its life."""
    begun = time.perf_counter()
    spread = random.Random(count)  # noqa: S311 - arrival times, nothing secret
    delays = sorted(spread.uniform(0, jitter_s) for _ in range(count))
    lives = await asyncio.gather(*(_live(open_session, delay, seconds, ping_every_s, begun) for delay in delays))
    return SteadyReport(
        sessions=tuple(life for life in lives if isinstance(life, Held)),
        never_opened=tuple(life for life in lives if isinstance(life, str)),
    )


async def _live(
    open_session: OpenSession, delay: float, seconds: float, ping_every_s: float, begun: float
) -> Held | str:
    await asyncio.sleep(delay)
    opened_at = time.perf_counter() - begun
    try:
        session = await open_session()
    except ProbeError as error:
        return str(error)
    if isinstance(session, Refused):
        return f"refused by {session.by} with {session.status} {session.detail}"
    rtts: list[float] = []
    fault = ""
    try:
        while session.age_s < seconds and not fault:
            sent = time.perf_counter()
            fault = await _pinged(session, len(rtts))
            if not fault:
                rtts.append((time.perf_counter() - sent) * 1e3)
                await asyncio.sleep(min(ping_every_s, max(0.0, seconds - session.age_s)))
        age = session.closed.age_s if session.closed else session.age_s
        return Held(age, _close_class(session, fault), fault, tuple(rtts), opened_at)
    finally:
        await session.aclose()


async def _pinged(session: Session, seq: int) -> str:
    try:
        await session.ping(seq=seq)
    except ProbeError as error:
        return error.detail
    return ""


def _close_class(session: Session, fault: str) -> CloseClass:
    if session.closed and not session.closed.by_us:
        return classify(session.closed)
    return CloseClass.PING_TIMEOUT if fault else CloseClass.OURS
