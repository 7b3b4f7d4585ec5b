"""Log entries as values, whatever the source; and what was covered when they were read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from probes.logs.incidents import TRACEBACK, Incidents, holds_credential
from probes.problem import Problem
from probes.timing.window import Window, parse_time

REQUEST_LOG = "run.googleapis.com%2Frequests"
RESOURCE = "cloud_run_revision"
SERVER_ERRORS = range(500, 600)
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry. `timestamp` stays as it came: nanoseconds don't fit a datetime."""

    insert_id: str
    timestamp: str
    log_name: str
    service: str
    revision: str
    trace: str  # projects/<project>/traces/<id>
    severity: str
    status: int | None  # of a request-log entry
    method: str
    path: str
    user_agent: str
    latency: str
    text: str  # textPayload, or the message and error of a jsonPayload
    instance: str = ""
    resource_type: str = ""  # empty if the entry names none: it then counts as Cloud Run's
    problem: Problem = ""  # why the entry can't be judged, by the field's name

    @property
    def trace_id(self) -> str:
        """The trace's id without its project."""
        return self.trace.rpartition("/")[2]

    @property
    def project(self) -> str:
        """The project whose log it is in."""
        return project_of(self.log_name)

    @property
    def is_request(self) -> bool:
        """Whether it is an entry of Cloud Run's request log."""
        return self.log_name.endswith(REQUEST_LOG) and not self.is_foreign

    @property
    def is_foreign(self) -> bool:
        """Whether it is about a resource of another type, such as a load balancer in front of the service."""
        return self.resource_type not in {"", RESOURCE}

    @property
    def has_server_error(self) -> bool:
        """Whether it records an answer of 500..599, of any resource."""
        return self.status in SERVER_ERRORS

    @property
    def is_server_error(self) -> bool:
        """Whether it records an answer of 500..599."""
        return self.is_request and self.status in SERVER_ERRORS

    @property
    def is_error_elsewhere(self) -> bool:
        """Whether it records a 5xx, is not of the request log, and nothing else is odd about it."""
        return self.has_server_error and not (self.is_request or self.is_foreign or self.problem)

    @property
    def moment(self) -> datetime:
        """The time stamp, cut to microseconds; 1970 if there is none that can be read (see `problem`)."""
        return parse_time(self.timestamp) if self.timestamp else EPOCH

    @property
    def platform_made(self) -> bool:
        """Whether the answer came from the platform: the request never reached the container."""
        return self.is_request and bool(self.text) and self.latency in {"", "0s", "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRead:
    """What was read: entries once per insertId, and whether the source was read to its end."""

    entries: tuple[LogEntry, ...] = field(repr=False)
    pages: int
    exhausted: bool
    doubt: Problem  # why the reading may not be complete
    window: Window
    source: str
    duplicates: int
    total: int  # entries read, those that are not kept here included
    requests: int  # entries of the request log among them
    query: str = ""  # in the source's own language; empty for a file
    revisions: Mapping[str, int] = field(default_factory=dict)  # entries of the request log by revision

    @property
    def server_errors(self) -> list[LogEntry]:
        """The 5xx of the request log."""
        return [entry for entry in self.entries if entry.is_server_error]


class LogSource(Protocol):
    """Where entries can be read."""

    name: str

    async def read(
        self, window: Window, conditions: Sequence[str] = (), *, service: str = "", revision: str = ""
    ) -> LogRead:
        """Read a window to its end. Raises SourceRefused if the source does not let us."""


def project_of(log_name: str) -> str:
    """The project in a log's full name; empty if it names none."""
    return log_name.split("/", 2)[1] if log_name.startswith("projects/") else ""


def once(entries: Iterable[LogEntry]) -> tuple[tuple[LogEntry, ...], int]:
    """Entries once per insertId (of one log and time, as the API compares them), and how many were repeats."""
    unique: dict[tuple[str, str, str], LogEntry] = {}
    total = 0
    for entry in entries:
        total += 1
        unique.setdefault((entry.log_name, entry.insert_id or f"#{total}", entry.timestamp), entry)
    return tuple(unique.values()), total - len(unique)


def is_telling(entry: LogEntry, incidents: Incidents) -> bool:
    """Whether a check counts an entry: a 5xx, one that can't be judged, an incident, a traceback or a credential."""
    return (
        entry.has_server_error
        or bool(entry.problem)
        or bool(incidents.name(entry.text))
        or TRACEBACK in entry.text
        or holds_credential(entry.text)
    )
