"""What the log says about one stretch of a revision's day: its 5xx, its traffic, and whether it was on all the time.

Cheap on purpose, so that it can be asked every hour: the 5xx of the stretch, one page of other people's requests, and
one entry per hour if that page does not show that the log was on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from probes.identity import PRODUCT
from probes.logs.cloud_logging import REQUEST_FILTER, SERVER_ERROR_FILTER, CloudLogging
from probes.logs.entries import LogEntry, LogRead
from probes.logs.log_analytics import LogAnalytics
from probes.problem import Problem
from probes.timing.window import Window

PAGE = 1000
MOST_TRACES = 20  # as many as fit a filter; they show what there is to see
HOUR = timedelta(hours=1)
LATE_WRITERS = timedelta(minutes=10)  # asked for again: what came in late after the last look
OTHERS = f'{REQUEST_FILTER} AND NOT httpRequest.userAgent:"{PRODUCT}/"'


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLook:
    """One stretch of the day. `requests` are other people's, at least that many: only one page is asked for."""

    window: Window
    errors: tuple[LogEntry, ...]
    requests: int
    more: bool  # whether there were more requests than the page that was asked for
    counted: int | None  # requests as the platform counted them; None if it can't be asked
    silent: tuple[datetime, ...]  # hours in which the platform counted requests, and the log has none
    doubt: Problem  # why the 5xx may not be all
    pages: int
    lines: tuple[LogEntry, ...]  # what the application wrote under the traces of the 5xx
    query: str  # for the 5xx


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a revision's day, and what the platform knows of it."""

    service: str
    revision: str
    window: Window  # its 5xx are asked for from ten minutes before
    ended: Counter[datetime] | None  # requests as the platform counted them, by the end of the minute they ended in
    longest_request_s: float  # the request timeout: a request is logged under its beginning and counted at its end

    @property
    def counted(self) -> int | None:
        """Requests that the platform counted in the window; None if it can't be asked."""
        if self.ended is None:
            return None
        return sum(n for end, n in self.ended.items() if self.window.start <= end <= self.window.end)

    @property
    def busy_hours(self) -> list[Window]:
        """The hours in which the platform counted requests."""
        ends = self.ended or ()
        return [hour for hour in hours(self.window) if any(hour.start < end <= hour.end for end in ends)]

    @property
    def with_late_entries(self) -> Window:
        """The window and the minutes before it, from which entries may have come late."""
        return Window(self.window.start - LATE_WRITERS, self.window.end)


async def first_request(source: CloudLogging, service: str, revision: str, window: Window) -> datetime | None:
    """When the revision's first request in the window was; None without one."""
    read = await source.read(window, [REQUEST_FILTER], service=service, revision=revision, most=1)
    return read.entries[0].moment if read.entries else None


async def look_at(source: CloudLogging, stretch: Stretch) -> DayLook:
    """Look at one stretch. Raises SourceRefused."""
    service, revision = stretch.service, stretch.revision
    errors = await source.read(stretch.with_late_entries, [SERVER_ERROR_FILTER], service=service, revision=revision)
    others = await source.read(stretch.window, [OTHERS], service=service, revision=revision, most=PAGE)
    silent = [hour.start for hour in stretch.busy_hours if not await _is_alive(source, stretch, hour, others)]
    return DayLook(
        window=stretch.window,
        errors=tuple(errors.server_errors),
        requests=others.requests,
        more=not others.exhausted,
        counted=stretch.counted,
        silent=tuple(silent),
        doubt=errors.doubt,
        pages=errors.pages + others.pages,
        lines=await lines_of(source, errors.server_errors, stretch.window),
        query=errors.query,
    )


async def look_by_sql(source: LogAnalytics, stretch: Stretch) -> DayLook:
    """The same look, counted by BigQuery where the log is: for volumes that one machine shouldn't pull."""
    service, revision, window = stretch.service, stretch.revision, stretch.window
    errors, whole = await source.errors(service, revision, stretch.with_late_entries)
    longest = timedelta(seconds=stretch.longest_request_s)
    counts = await source.count(service, revision, window)
    before = await source.count(service, revision, Window(window.start - longest, window.start))
    alive = [count.hour for count in (*before, *counts) if count.requests]
    silent = [
        hour.start
        for hour in stretch.busy_hours
        if not any(hour.start - longest - HOUR < begun <= hour.end for begun in alive)
    ]
    return DayLook(
        window=window,
        errors=tuple(errors),
        requests=sum(count.others for count in counts),
        more=False,
        counted=stretch.counted,
        silent=tuple(silent),
        doubt="" if whole else f"only the first {len(errors)} were asked for",
        pages=3,
        lines=(),
        query=source.name,
    )


async def lines_of(source: CloudLogging, errors: Sequence[LogEntry], window: Window) -> tuple[LogEntry, ...]:
    """The entries under the traces of some errors, a bounded number of them."""
    traces = sorted({error.trace for error in errors if error.trace})[:MOST_TRACES]
    if not traces:
        return ()
    whole = Window(window.start - LATE_WRITERS, window.end + LATE_WRITERS)
    condition = " OR ".join(f'trace="{trace}"' for trace in traces)
    return (await source.read(whole, [condition], most=PAGE)).entries


async def _is_alive(source: CloudLogging, stretch: Stretch, hour: Window, known: LogRead) -> bool:
    """Whether the log has any request that may have ended in this hour."""
    since = hour.start - timedelta(seconds=stretch.longest_request_s)
    if any(since <= entry.moment <= hour.end for entry in known.entries):
        return True
    read = await source.read(
        Window(since, hour.end), [REQUEST_FILTER], service=stretch.service, revision=stretch.revision, most=1
    )
    return bool(read.entries)


def hours(window: Window) -> Sequence[Window]:
    """The window in pieces of an hour, the last one as long as it is."""
    pieces, start = [], window.start.astimezone(UTC)
    while start < window.end:
        end = min(start + HOUR, window.end)
        pieces.append(Window(start, end))
        start = end
    return pieces
