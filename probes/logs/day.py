"""What the log says of one stretch of a revision's day: its 5xx, its traffic, and whether it was on all the time.

Cheap on purpose, so that it can be asked every hour: the 5xx of the stretch, one page of other people's requests, and
one entry an hour where that page does not show the log alive.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from probes.identity import PRODUCT
from probes.logs.cloud_logging import REQUESTS, SERVER_ERRORS, CloudLogging
from probes.logs.entries import LogEntry, LogRead
from probes.logs.log_analytics import LogAnalytics
from probes.window import Window

PAGE = 1000
MOST_TRACES = 20  # so many fit a filter, and show what there is to see
HOUR = timedelta(hours=1)
LATE_WRITERS = timedelta(minutes=10)  # asked for again: what came in late after the last look
OTHERS = f'{REQUESTS} AND NOT httpRequest.userAgent:"{PRODUCT}/"'


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLook:
    """One stretch of the day. `requests` are other people's, at least so many: one page is asked for."""

    window: Window
    errors: tuple[LogEntry, ...]
    requests: int
    more: bool  # whether there were more requests than the page that was asked for
    counted: int | None  # requests as the platform counted them; None where it can't be asked
    silent: tuple[datetime, ...]  # hours in which the platform counted requests, and the log has none
    doubt: str  # why the 5xx may not be all; empty when they are
    pages: int
    lines: tuple[LogEntry, ...]  # what the application wrote under the traces of the 5xx
    query: str  # with which the 5xx were looked for


async def first_request(source: CloudLogging, service: str, revision: str, window: Window) -> datetime | None:
    """When the revision's first request in the window was; None without one."""
    read = await source.read(window, [REQUESTS], service=service, revision=revision, most=1)
    return read.entries[0].moment if read.entries else None


def _counted_in(ended: Counter[datetime] | None, window: Window) -> int | None:
    return None if ended is None else sum(n for end, n in ended.items() if window.start <= end <= window.end)


async def look_at(
    source: CloudLogging,
    service: str,
    revision: str,
    window: Window,
    *,
    ended: Counter[datetime] | None,
    longest_request_s: float,
) -> DayLook:
    """Look at one stretch.

    Args:
        source: The log.
        service: Of this service.
        revision: And this revision.
        window: The stretch; its 5xx are asked for from ten minutes before.
        ended: Requests as the platform counted them, by the end of the minute in which they ended.
        longest_request_s: The request timeout: a request is logged under its beginning and counted at its end.
    """
    whole = Window(window.start - LATE_WRITERS, window.end)
    errors = await source.read(whole, [SERVER_ERRORS], service=service, revision=revision)
    others = await source.read(window, [OTHERS], service=service, revision=revision, most=PAGE)
    counted = _counted_in(ended, window)
    silent = []
    if ended is not None:
        for hour in hours(window):
            busy = any(hour.start < end <= hour.end for end in ended)
            if busy and not await _is_alive(source, service, revision, hour, others, longest_request_s):
                silent.append(hour.start)
    return DayLook(
        window=window,
        errors=tuple(errors.server_errors),
        requests=others.requests,
        more=not others.exhausted,
        counted=counted,
        silent=tuple(silent),
        doubt=errors.doubt,
        pages=errors.pages + others.pages,
        lines=await lines_of(source, errors.server_errors, window),
        query=errors.query,
    )


async def look_by_sql(
    source: LogAnalytics,
    service: str,
    revision: str,
    window: Window,
    *,
    ended: Counter[datetime] | None,
    longest_request_s: float,
) -> DayLook:
    """The same look, counted by BigQuery where the log is: for volumes that one machine shouldn't pull."""
    errors, whole = await source.errors(service, revision, Window(window.start - LATE_WRITERS, window.end))
    longest = timedelta(seconds=longest_request_s)
    told = await source.count(service, revision, window)
    before = await source.count(service, revision, Window(window.start - longest, window.start))
    alive = [one.hour for one in (*before, *told) if one.requests]
    silent = [
        hour.start
        for hour in hours(window)
        if any(hour.start < end <= hour.end for end in ended or ())
        and not any(hour.start - longest - HOUR < one <= hour.end for one in alive)
    ]
    counted = _counted_in(ended, window)
    doubt = "" if whole else f"only the first {len(errors)} were asked for"
    return DayLook(
        window=window,
        errors=tuple(errors),
        requests=sum(one.others for one in told),
        more=False,
        counted=counted,
        silent=tuple(silent),
        doubt=doubt,
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


async def _is_alive(
    source: CloudLogging, service: str, revision: str, hour: Window, known: LogRead, longest_request_s: float
) -> bool:
    """Whether the log has any request that may have ended in this hour."""
    since = hour.start - timedelta(seconds=longest_request_s)
    if any(since <= entry.moment <= hour.end for entry in known.entries):
        return True
    read = await source.read(Window(since, hour.end), [REQUESTS], service=service, revision=revision, most=1)
    return bool(read.entries)


def hours(window: Window) -> Sequence[Window]:
    """The window in pieces of an hour, the last one as long as it is."""
    pieces, start = [], window.start.astimezone(UTC)
    while start < window.end:
        end = min(start + HOUR, window.end)
        pieces.append(Window(start, end))
        start = end
    return pieces
