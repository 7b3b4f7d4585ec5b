"""A soak's ledger: every event goes through here, so that a killed run's journal rebuilds exactly what it knew."""

from collections import Counter
from dataclasses import dataclass, field, replace

from probes.client_health.vitals import NOTHING, Vitals
from probes.soak.events import Back, Begin, Breach, Close, End, Event, Frame, Gap, Moment, Open, Unfit
from probes.soak.exposure import Exposure, Life
from probes.soak.round_trips import Times
from probes.websocket.closes import CloseClass

MOST_EXAMPLES = 50  # breaches whose details are kept; all are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The state at one moment."""

    at: float  # unix seconds
    open: int
    rtt_p50_ms: float | None
    rtt_p95_ms: float | None
    vitals: Vitals


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """A connection that is open."""

    number: int
    at: float  # unix seconds
    since: float  # of the session
    silent_s: float  # how long it says nothing on purpose; 0: it talks


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What is known so far. `apply` takes in one event; unix times throughout."""

    frame: Frame = field(default_factory=dict)  # what the soak is about, from its first event
    lives: list[Life] = field(default_factory=list)
    open: dict[int, OpenConnection] = field(default_factory=dict)
    breaches: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str]] = field(default_factory=list)  # kind and detail of the first breaches
    breach_lines: dict[str, set[int]] = field(default_factory=dict)
    ticks: list[Tick] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    held_s: float = 0.0  # how long all sessions were held, over all runs
    worst: Vitals = NOTHING
    unfit: str = ""
    began_at: float = 0.0
    last_at: float = 0.0
    times: Times = field(default_factory=Times)
    backs: Times = field(default_factory=Times)
    slowest_back_s: float = 0.0
    attempts: int = 0
    first_line: int = 0  # lines of a killed run keep their numbers; those of the run that resumed it follow

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.last_at = max(self.last_at, event.at)
        match event:
            case Begin():
                self._begin(event)
            case Gap():
                self._gap(event)
            case Open():
                line = event.line + self.first_line
                self.open[line] = OpenConnection(event.number, event.at, event.since, event.silent)
            case Close():
                self._close(event.life)
            case Back():
                self._back(event)
            case Breach():
                self._breach(event)
            case Unfit():
                self.unfit = self.unfit or event.reason
            case Moment():
                self._tick(event)
            case End():
                pass  # nothing changes but the time

    @property
    def exposure(self) -> Exposure:
        """Every connection that has ended, and those that are open, up to now."""
        return Exposure([*self.lives, *self._still_open()])

    def _still_open(self) -> list[Life]:
        now, ours = self.last_at, CloseClass.OURS
        return [
            Life(
                line=line,
                number=connection.number,
                opened_at=connection.at,
                age_s=max(now - connection.at, 0.0),
                session_age_s=now - connection.since,
                close=ours,
                detail="",
                silent_s=connection.silent_s,
            )
            for line, connection in self.open.items()
        ]

    def _begin(self, event: Begin) -> None:
        self.frame = event.frame
        self.began_at = self.began_at or event.at

    def _gap(self, event: Gap) -> None:
        """A run was killed: what it held is known up to its last event."""
        self.gaps.append((event.since, event.at))
        before, self.last_at = self.last_at, event.since
        self.lives += self._still_open()
        self.last_at = before
        self.open.clear()
        self.first_line = 1 + max((life.line for life in self.lives), default=-1)

    def _close(self, life: Life) -> None:
        numbered = replace(life, line=life.line + self.first_line)
        self.open.pop(numbered.line, None)
        self.lives.append(numbered)

    def _back(self, event: Back) -> None:
        self.backs.add(event.took * 1e3)
        self.slowest_back_s = max(self.slowest_back_s, event.took)
        self.attempts += event.attempts

    def _breach(self, event: Breach) -> None:
        self.breaches[event.kind] += 1
        self.breach_lines.setdefault(event.kind, set()).add(event.line + self.first_line)
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append((event.kind, event.detail))

    def _tick(self, event: Moment) -> None:
        for step, count in event.rtt.items():
            self.times.counts[int(step)] += count
        self.held_s += event.held
        self.worst = self.worst.worst(event.vitals)
        self.ticks.append(
            Tick(at=event.at, open=event.open, rtt_p50_ms=event.p50, rtt_p95_ms=event.p95, vitals=event.vitals)
        )
