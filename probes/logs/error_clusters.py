"""5xx grouped by route and signature: what they have in common, since when, and which known incident it is."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from probes.foreign.excerpt import excerpt
from probes.logs.entries import LogEntry
from probes.logs.incidents import TRACEBACK, Incidents
from probes.logs.parsing import in_order

IDENTIFIER = re.compile(r"[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{27,}", re.IGNORECASE)
LONG_WORD = re.compile(r"[\w-]{12,}")
LONGEST_READ = 2000  # of a path or a line: some expressions here take time with the square of it
VARIABLE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+", re.IGNORECASE)
LONGEST = 140
FAILING = frozenset({"ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
MOST_TRACES = 5
MEANWHILE = timedelta(seconds=2)
Redact = Callable[[str], str]  # a text without credentials
# The bars are those of an exception group, whose own line says only that there is one.
ERROR_LINE = re.compile(r"^(?: {0,40}\| )?([\w.]*(?:Error|Exception|Warning|Timeout)\b.*)", re.MULTILINE)
# After a traceback an exception may have any name: sqlalchemy.exc.MissingGreenlet, asyncio.queues.QueueFull.
OF_ANY_NAME = re.compile(r"^(?: {0,40}\| )?((?:[A-Za-z_]\w*+\.)++[A-Z]\w*+(?::.*)?)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Server errors of one kind: same status, route and signature."""

    status: int
    route: str
    signature: str
    count: int
    first: str
    last: str
    trace_ids: tuple[str, ...]  # the first few
    incidents: tuple[str, ...]
    by_platform: int  # answered by the platform: they never reached the container

    @property
    def text(self) -> str:
        """One line."""
        when = f"{self.first} to {self.last}" if self.first else "at a time that can't be read"
        line = f"{self.count} x {self.status} on {self.route or 'no path'} ({when}"
        line += f", incident {', '.join(self.incidents)}" if self.incidents else ""
        line += f", {self.by_platform} made by the platform itself" if self.by_platform else ""
        line += f": {self.signature}" if self.signature else ""
        return " ".join(f"{line})".split())


def route_of(path: str, redact: Redact) -> str:
    """A path without credentials and what differs from request to request."""
    clean = redact(excerpt(path, LONGEST_READ))
    return "/".join("{id}" if _is_identifier(part) else part for part in clean.split("/"))


def _is_identifier(part: str) -> bool:
    if part.isdecimal() or IDENTIFIER.fullmatch(part):
        return True
    return LONG_WORD.fullmatch(part) is not None and any(character.isdecimal() for character in part)


def signature_of(text: str, redact: Redact) -> str:
    """The line of a text that says what went wrong, without credentials, numbers and identifiers."""
    patterns = (ERROR_LINE, OF_ANY_NAME) if TRACEBACK in text else (ERROR_LINE,)
    named = max((found for pattern in patterns for found in pattern.finditer(text)), key=re.Match.start, default=None)
    line = named[1] if named else next((line for line in text.splitlines() if line.strip()), "")
    # Redacted first: a token without its digits is not recognised any more, and most of it would be shown.
    plain = VARIABLE.sub("#", redact(excerpt(line.strip(), LONGEST_READ)))
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def cluster(
    errors: Iterable[LogEntry], entries: Iterable[LogEntry], incidents: Incidents, redact: Redact
) -> list[Cluster]:
    """Group 5xx, most frequent first. `entries` are searched for the lines of the errors' traces."""
    errors = list(errors)
    traces = {error.trace_id for error in errors if error.trace_id}
    lines: dict[str, list[LogEntry]] = {}
    loose = []
    for entry in entries:
        if entry.trace_id in traces and not entry.is_request:
            lines.setdefault(entry.trace_id, []).append(entry)
        elif not entry.trace_id and incidents.name(entry.text):
            loose.append(entry)
    loose.sort(key=lambda line: line.moment)
    moments = [line.moment for line in loose]
    for error in errors:
        if error.trace_id and error.trace_id not in lines:
            first, past = bisect_left(moments, error.moment), bisect_right(moments, error.moment + MEANWHILE)
            # A line without a trace may be about an error of the same revision that was being answered then.
            lines[error.trace_id] = [line for line in loose[first:past] if line.revision == error.revision]
    groups: dict[tuple[int, str, str], list[LogEntry]] = {}
    for error in errors:
        signature = _signature(error, lines.get(error.trace_id, []), redact)
        key = error.status or 0, route_of(error.path, redact), signature
        groups.setdefault(key, []).append(error)
    clusters = [_cluster(key, group, lines, incidents) for key, group in groups.items()]
    return sorted(clusters, key=lambda each: (-each.count, each.first))


def is_line_of_error(entry: LogEntry) -> bool:
    """Whether an application's line may say why a request failed: by its severity or by what it says."""
    if entry.is_request:
        return False
    return entry.severity in FAILING or TRACEBACK in entry.text or ERROR_LINE.search(entry.text) is not None


def _signature(error: LogEntry, lines: Sequence[LogEntry], redact: Redact) -> str:
    said = next((line.text for line in lines if is_line_of_error(line)), error.text)
    return signature_of(said, redact)


def _cluster(
    key: tuple[int, str, str], group: Sequence[LogEntry], lines: dict[str, list[LogEntry]], incidents: Incidents
) -> Cluster:
    times = sorted({error.timestamp for error in group} - {""}, key=in_order)
    traces = list(dict.fromkeys(error.trace_id for error in group if error.trace_id))
    related = [*group, *(line for trace in traces for line in lines.get(trace, []))]
    known = sorted({incidents.name(entry.text) for entry in related} - {""})
    platform = sum(error.platform_made for error in group)
    status, route, signature = key
    return Cluster(
        status=status,
        route=route,
        signature=signature,
        count=len(group),
        first=times[0] if times else "",
        last=times[-1] if times else "",
        trace_ids=tuple(traces[:MOST_TRACES]),
        incidents=tuple(known),
        by_platform=platform,
    )
