"""5xx that a run of ours provoked on purpose, told from all others by what is in the log itself.

A check may take a dependency away (only the twin lets it): the 503s that it is then answered are the right answers,
and they stay in the log for every later run. Nothing but the log tells these runs apart, so that the mark is in the
request itself: its User-Agent says which run, and that the request is sent during an outage of that run's making.

A User-Agent can be copied, and so a marked entry alone excuses nothing. Excused is a 503, and no other status, between
two entries of the same run that opened and closed its outage and were answered well, for as long as such an outage can
last and as often as one run asks. A 503 that anybody else was answered meanwhile counts. A target from which nothing
can be taken away has no outage of ours, and there nothing is ever excused: the caller decides that.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from probes.identity import PRODUCT
from probes.logs.entries import LogEntry

GOOD = range(200, 300)
LONGEST = timedelta(seconds=180)  # an outage of ours, a slow machine included
MOST = (
    60  # answers of 503 that one outage provokes: what its check asks, and as much again for waiting until it is over
)
MARK = re.compile(rf"{re.escape(PRODUCT)}/[\w.]{{1,20}} \(run (?P<run>[\w-]{{1,40}}); outage(?P<edge> begins| ends)?\)")


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage that a run made: from the entry that opens it to the one that closes it, and what it provoked."""

    run_id: str
    begun: datetime
    ended: datetime
    errors: tuple[LogEntry, ...]

    @property
    def text(self) -> str:
        """One line."""
        return (
            f"{len(self.errors)} x 503 provoked by run {self.run_id} from {self.begun:%Y-%m-%d %H:%M:%S} "
            f"to {self.ended:%H:%M:%S} UTC"
        )


HOSTILE = re.compile(rf"{re.escape(PRODUCT)}/[\w.]{{1,20}} \(run [\w-]{{1,40}}; hostile frames\)")
LONGEST_SESSION = timedelta(seconds=30)  # of a case that sends such frames
AFTERWARDS = timedelta(seconds=1)  # a line of stderr is stamped when it is read
OF_ONE = 2  # tracebacks that one such session may provoke


def is_marked(entry: LogEntry) -> bool:
    """Whether the entry is of a request that says to be part of what a run provokes on purpose."""
    agent = entry.user_agent
    return entry.is_request and (MARK.fullmatch(agent) is not None or HOSTILE.fullmatch(agent) is not None)


def without_provoked(tracebacks: Sequence[LogEntry], entries: Iterable[LogEntry]) -> list[LogEntry]:
    """The tracebacks but those that carry no trace and were written while a session of ours was sent hostile frames.

    Of each such session at most `OF_ONE`, and none that took longer than any of ours.
    """
    left = list(tracebacks)
    for session in entries:
        if not session.is_request or not session.timestamp or not HOSTILE.fullmatch(session.user_agent):
            continue
        until = session.moment + min(_lasted(session), LONGEST_SESSION) + AFTERWARDS
        own = [one for one in left if not one.trace_id and session.moment - AFTERWARDS <= one.moment <= until]
        for one in own[:OF_ONE]:
            left.remove(one)
    return left


def _lasted(session: LogEntry) -> timedelta:
    try:
        return timedelta(seconds=max(0.0, float(session.latency.removesuffix("s"))))
    except (ValueError, OverflowError):
        return timedelta()


def find_outages(entries: Iterable[LogEntry]) -> list[Outage]:
    """The outages that runs of ours made, with the 503s that are excused by each; oldest first.

    An outage without an end, or one that is longer than any of ours, excuses nothing.
    """
    runs: dict[str, list[tuple[LogEntry, str]]] = {}
    for entry in entries:
        match = MARK.fullmatch(entry.user_agent) if entry.is_request and entry.timestamp else None
        if match:
            runs.setdefault(match["run"], []).append((entry, (match["edge"] or "").strip()))
    found = [outage for run_id, marked in runs.items() for outage in _outages_of(run_id, marked)]
    return sorted(found, key=lambda outage: outage.begun)


def _outages_of(run_id: str, marked: Sequence[tuple[LogEntry, str]]) -> Iterable[Outage]:
    begun: datetime | None = None
    errors: list[LogEntry] = []
    for entry, edge in sorted(marked, key=lambda pair: pair[0].timestamp):
        good = entry.status in GOOD
        if edge == "begins" and good:
            begun, errors = entry.moment, []
        elif edge == "ends" and good and begun is not None:
            if entry.moment - begun <= LONGEST:
                yield Outage(run_id, begun, entry.moment, tuple(errors[:MOST]))
            begun = None
        elif not edge and entry.status == HTTPStatus.SERVICE_UNAVAILABLE and begun is not None:
            errors.append(entry)
