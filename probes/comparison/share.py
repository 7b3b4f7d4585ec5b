"""Other people's requests at two revisions while both take traffic, as the request log has them: pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from probes.logs.entries import LogEntry

SWITCHED = 101  # a WebSocket: its entry is written when the session ends
SOONEST_S = 10.0  # a session that ended before this did not survive
FEWEST = 20  # times on either side, below which ranks decide nothing
NORMAL_95 = 1.6449  # one-sided
QUIET = 0.25  # of a window at its end without a request: by chance less than once in 300 windows with 20 or more


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one revision was asked in a window by anybody but us, and how it answered."""

    requests: int
    failed: int  # 5xx
    seconds: tuple[float, ...]  # of good answers
    sessions: int
    cut_short: int  # of the sessions
    untimed: int = 0  # good answers of which the log does not say how long they took
    last: datetime | None = None  # when the last request came

    def has_stopped(self, since: datetime, now: datetime) -> bool:
        """Whether it was asked, and then no longer: what came before says nothing of how it does now."""
        return self.last is not None and now - self.last > QUIET * (now - since)


def traffic_of(entries: Iterable[LogEntry], revision: str, ours: str) -> Traffic:
    """The traffic of a revision. `ours` is what the User-Agent of our own requests begins with."""
    theirs = [one for one in entries if one.is_request and one.revision == revision]
    theirs = [one for one in theirs if not one.user_agent.startswith(ours)]
    sessions = [one for one in theirs if one.status == SWITCHED]
    good = [one for one in theirs if one.status is not None and 200 <= one.status < 300]  # noqa: PLR2004 - answered well
    times = [took for one in good if (took := seconds_of(one)) > 0]
    return Traffic(
        requests=len(theirs) - len(sessions),
        failed=sum(one.is_server_error for one in theirs),
        seconds=tuple(times),
        sessions=len(sessions),
        cut_short=sum(seconds_of(one) < SOONEST_S for one in sessions),
        untimed=len(good) - len(times),
        last=max((one.moment for one in theirs), default=None),
    )


def seconds_of(entry: LogEntry) -> float:
    """An entry's latency; 0 where it has none, or none that can be read."""
    try:
        return float(entry.latency.removesuffix("s") or 0)
    except ValueError:
        return 0.0


def requests_needed(rate: float, confidence: float = 0.95) -> int:
    """How many requests without a failure prove that less than a share `rate` fails."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def is_slower(new: Sequence[float], old: Sequence[float], ratio: float) -> bool | None:
    """Whether the new times are more than `ratio` times the old ones, at 95 %.

    The Mann-Whitney test on logarithms, shifted by the ratio, by the normal approximation with the correction for
    ties. None where there are fewer than `FEWEST` times on a side: nothing is known.
    """
    if min(len(new), len(old)) < FEWEST:
        return None
    tagged = sorted([(math.log(one / ratio), True) for one in new] + [(math.log(one), False) for one in old])
    ranks, ties = _ranks([value for value, _ in tagged])
    u = sum(rank for rank, (_, is_new) in zip(ranks, tagged, strict=True) if is_new) - len(new) * (len(new) + 1) / 2
    total = len(tagged)
    variance = len(new) * len(old) / 12 * (total + 1 - ties / (total * (total - 1)))
    return variance > 0 and (u - len(new) * len(old) / 2 - 0.5) / math.sqrt(variance) > NORMAL_95


def _ranks(ordered: Sequence[float]) -> tuple[list[float], int]:
    """The rank of each of the ordered values, equal ones sharing theirs; and the sum of t^3 - t over the ties."""
    ranks: list[float] = []
    ties = at = 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end] == ordered[at]:
            end += 1
        ranks += [(at + 1 + end) / 2] * (end - at)
        ties += (end - at) ** 3 - (end - at)
        at = end
    return ranks, ties
