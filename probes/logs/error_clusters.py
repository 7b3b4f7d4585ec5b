"""5xx put together by route and signature: what they have in common, since when, and which known incident it is."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from probes.logs.entries import LogEntry, incident

IDENTIFIER = re.compile(r"/(?:\d+|[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{27,}|[\w-]*\d[\w-]{11,})(?=/|$)", re.IGNORECASE)
VARIABLE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+", re.IGNORECASE)
LONGEST = 140
FAILING = frozenset({"ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
MOST_TRACES = 5
MEANWHILE = timedelta(seconds=2)
ERROR_LINE = re.compile(r"^[\w.]*(?:Error|Exception|Warning|Timeout)\b.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
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
        said = f"{self.count} x {self.status} on {self.route} ({self.first} to {self.last}"
        said += f", incident {', '.join(self.incidents)}" if self.incidents else ""
        said += f", {self.by_platform} made by the platform itself" if self.by_platform else ""
        said += f": {self.signature}" if self.signature else ""
        return f"{said})"


def route_of(path: str) -> str:
    """A path without what differs from request to request."""
    return IDENTIFIER.sub("/{id}", path)


def signature_of(text: str) -> str:
    """The line of a text that says what went wrong, without numbers and identifiers."""
    named = ERROR_LINE.findall(text)
    line = named[-1] if named else next((one for one in text.splitlines() if one.strip()), "")
    plain = VARIABLE.sub("#", line.strip())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def cluster(errors: Iterable[LogEntry], entries: Iterable[LogEntry]) -> list[Cluster]:
    """Put 5xx together, most frequent first. `entries` are searched for the lines of the errors' traces."""
    errors = list(errors)
    traces = {error.trace_id for error in errors if error.trace_id}
    lines: dict[str, list[LogEntry]] = {}
    loose = []
    for entry in entries:
        if entry.trace_id in traces and not entry.is_request:
            lines.setdefault(entry.trace_id, []).append(entry)
        elif not entry.trace_id and incident(entry):
            loose.append(entry)
    for error in errors:
        if error.trace_id and error.trace_id not in lines:
            lines[error.trace_id] = [line for line in loose if _may_be_of(line, error)]
    groups: dict[tuple[int, str, str], list[LogEntry]] = {}
    for error in errors:
        key = error.status or 0, route_of(error.path), _signature(error, lines.get(error.trace_id, []))
        groups.setdefault(key, []).append(error)
    found = [_cluster(key, group, lines) for key, group in groups.items()]
    return sorted(found, key=lambda one: (-one.count, one.first))


def _may_be_of(line: LogEntry, error: LogEntry) -> bool:
    """Whether a line without a trace may tell of an error: of the same revision, while it was being answered."""
    return line.revision == error.revision and timedelta() <= line.moment - error.moment <= MEANWHILE


def _signature(error: LogEntry, lines: Sequence[LogEntry]) -> str:
    said = next((line.text for line in lines if line.severity in FAILING or ERROR_LINE.search(line.text)), error.text)
    return signature_of(said)


def _cluster(key: tuple[int, str, str], group: Sequence[LogEntry], lines: dict[str, list[LogEntry]]) -> Cluster:
    times = sorted(error.timestamp for error in group)
    traces = list(dict.fromkeys(error.trace_id for error in group if error.trace_id))
    told = [*group, *(line for trace in traces for line in lines.get(trace, []))]
    known = sorted({incident(entry) for entry in told} - {""})
    platform = sum(error.platform_made for error in group)
    return Cluster(*key, len(group), times[0], times[-1], tuple(traces[:MOST_TRACES]), tuple(known), platform)
