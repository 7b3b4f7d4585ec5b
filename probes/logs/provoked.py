"""5xx that a run of this suite provoked on purpose, recognised by what is in the log itself.

A check may take a dependency away (only the twin permits it): the 503s that it then gets are the right answers, and
they stay in the log for every later run. Later runs have nothing but the log to recognise them by, so the mark is in
the request itself: its User-Agent names the run, and says that the request was sent during an outage that it caused.

A User-Agent can be copied, so a marked entry alone excuses nothing. What is excused is a 503, and no other status,
between two entries of the same run that opened and closed its outage and were answered well, for as long as such an
outage can last and as often as one run sends requests. A 503 that anyone else got meanwhile counts. A target from which
nothing can be taken away has no such outage, and nothing is ever excused there: the caller decides that.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from probes.identity import PRODUCT
from probes.logs.entries import LogEntry
from probes.logs.parsing import in_order

GOOD = range(200, 300)
LONGEST = timedelta(seconds=180)  # an outage that a run causes, on a slow machine
MOST = 60  # answers of 503 that one outage provokes: for its check's requests, and for as many that wait for its end
MARK = re.compile(rf"{re.escape(PRODUCT)}/[\w.]{{1,20}} \(run (?P<run>[\w-]{{1,40}}); outage(?P<edge> begins| ends)?\)")


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage that a run caused: from the entry that opens it to the one that closes it, and what it provoked."""

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
    """Whether the entry's request says that it is part of what a run provokes on purpose."""
    agent = entry.user_agent
    return entry.is_request and (MARK.fullmatch(agent) is not None or HOSTILE.fullmatch(agent) is not None)


def without_provoked(tracebacks: Sequence[LogEntry], entries: Iterable[LogEntry]) -> list[LogEntry]:
    """The tracebacks, except those without a trace that were written while a run sent a session hostile frames.

    At most `OF_ONE` for each such session, and none for a session longer than the suite's ever are.
    """
    left = list(tracebacks)
    for session in entries:
        if not session.is_request or not session.timestamp or not HOSTILE.fullmatch(session.user_agent):
            continue
        until = session.moment + min(_lasted(session), LONGEST_SESSION) + AFTERWARDS
        begun = session.moment - AFTERWARDS
        provoked = [entry for entry in left if not entry.trace_id and begun <= entry.moment <= until]
        for entry in provoked[:OF_ONE]:
            left.remove(entry)
    return left


def _lasted(session: LogEntry) -> timedelta:
    try:
        return timedelta(seconds=max(0.0, float(session.latency.removesuffix("s"))))
    except (ValueError, OverflowError):
        return timedelta()


def find_outages(entries: Iterable[LogEntry]) -> list[Outage]:
    """The outages that the suite's runs caused, each with the 503s that it excuses; oldest first.

    An outage without an end, or one longer than the suite's ever are, excuses nothing.
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
    for entry, edge in sorted(marked, key=lambda pair: in_order(pair[0].timestamp)):
        good = entry.status in GOOD
        if edge == "begins" and good:
            begun, errors = entry.moment, []
        elif edge == "ends" and good and begun is not None:
            if entry.moment - begun <= LONGEST:
                yield Outage(run_id, begun, entry.moment, tuple(errors[:MOST]))
            begun = None
        elif not edge and entry.status == HTTPStatus.SERVICE_UNAVAILABLE and begun is not None:
            errors.append(entry)
