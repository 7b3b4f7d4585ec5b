"""A window of time, RFC 3339 text as a moment, and a clock that does not jump."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from probes.foreign.excerpt import excerpt

# RFC 3339, with what logging libraries make of it: any number of digits, a comma, a zone without a colon or none (UTC).
STAMP = re.compile(
    r"(?P<whole>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,12}))?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, explicitly bounded on both sides."""

    start: datetime
    end: datetime

    @property
    def text(self) -> str:
        """The window in RFC 3339, to the second."""
        return f"{self.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} to {self.end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_time(text: str) -> datetime:
    """An RFC 3339 time stamp of any precision, cut to microseconds, in UTC. Raises ValueError."""
    match = STAMP.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{excerpt(text, 60)!r} is not an RFC 3339 time stamp")
    fraction = (match["fraction"] or "0")[:6]
    moment = datetime.fromisoformat(f"{match['whole'].upper()}.{fraction:0<6}{(match['zone'] or 'Z').upper()}")
    return moment.astimezone(UTC)


JUMP_S = 1.0  # clocks are disciplined by less than this without a jump


def _wall_s() -> float:
    return time.time()


def _steady_s() -> float:
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """Our wall clock as it was at the beginning, carried on by the monotonic one, which never jumps."""

    wall: Callable[[], float] = _wall_s  # unix seconds
    steady: Callable[[], float] = _steady_s  # seconds since any moment
    began_s: float = field(init=False)
    began_steady_s: float = field(init=False)

    def __post_init__(self) -> None:
        """The beginning is now."""
        object.__setattr__(self, "began_s", self.wall())
        object.__setattr__(self, "began_steady_s", self.steady())

    def now_s(self) -> float:
        """The moment in unix seconds, without any jump since the beginning."""
        return self.began_s + self.steady() - self.began_steady_s

    def now(self) -> datetime:
        """The moment, without any jump since the beginning."""
        return datetime.fromtimestamp(self.now_s(), UTC)

    def jumped_s(self) -> float:
        """By how many seconds the wall clock has jumped since the beginning; 0 if it only drifts.

        A machine that slept for a while has jumped too: its monotonic clock stood still.
        """
        jump = self.wall() - self.now_s()
        return jump if abs(jump) >= JUMP_S else 0.0

    def since(self, moment: datetime, around: timedelta) -> Window:
        """A window for looking up what happened since a moment of this clock, whichever of both clocks is right.

        `around` is added on both sides for clocks that differ: such a window is for look-ups, and proves no coverage.
        """
        jump = timedelta(seconds=self.jumped_s())
        return Window(min(moment, moment + jump) - around, max(self.now(), self.now() + jump) + around)
