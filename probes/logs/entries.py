"""Log entries as values, whatever the source; and what a reading of them covers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from probes.window import Window, parse_time

REQUEST_LOG = "run.googleapis.com%2Frequests"
SERVER_ERRORS = range(500, 600)
_FLAGS = re.IGNORECASE | re.ASCII
SIGNATURES: Mapping[str, re.Pattern[str]] = {
    "coroutine": re.compile(r"'coroutine' object|coroutine '[^']*' was never awaited", _FLAGS),
    "jsonb": re.compile(r"operator does not exist: \w+ ->> |->>.*(jsonb|unknown)|cannot extract .* from a", _FLAGS),
    "auth": re.compile(r"auth (service|validation) (error|failed|unreachable)|auth service communication", _FLAGS),
}
CREDENTIALS = re.compile(
    r"eyJ[A-Za-z0-9_-]{6,}\.eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*"  # a JWT
    r"|[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s@/]+@"  # credentials in a URL
)


@dataclass(frozen=True, slots=True)
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
        """Whether it is a request-log entry."""
        return self.log_name.endswith(REQUEST_LOG)

    @property
    def is_server_error(self) -> bool:
        """Whether it records an answer of 500..599."""
        return self.is_request and self.status in SERVER_ERRORS

    @property
    def moment(self) -> datetime:
        """The time stamp, cut to microseconds."""
        return parse_time(self.timestamp)

    @property
    def platform_made(self) -> bool:
        """Whether the answer came from the platform: the request never reached the container."""
        return self.is_request and bool(self.text) and self.latency in {"", "0s", "0"}


@dataclass(frozen=True, slots=True)
class LogRead:
    """What was read: entries once per insertId, and whether the source was read to its end."""

    entries: tuple[LogEntry, ...]
    pages: int
    exhausted: bool
    doubt: str  # why the reading may not be complete; empty when it is
    window: Window
    source: str
    duplicates: int
    total: int  # entries read, those that are not kept here included
    requests: int  # entries of the request log among them
    query: str = ""  # in the source's own language; empty for a file

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
        """Read a window to its end. Raises SourceRefused when the source does not let us."""


def project_of(log_name: str) -> str:
    """The project in a log's full name; empty where it names none."""
    return log_name.split("/", 2)[1] if log_name.startswith("projects/") else ""


def parse_entry(raw: Mapping[str, Any]) -> LogEntry:
    """Read one entry as the API and its exports write it; what is absent, or no object where one belongs, is empty."""
    request = _mapping(raw.get("httpRequest"))
    labels = _mapping(_mapping(raw.get("resource")).get("labels"))
    return LogEntry(
        insert_id=str(raw.get("insertId", "")),
        timestamp=str(raw.get("timestamp", "")),
        log_name=str(raw.get("logName", "")),
        service=str(labels.get("service_name", "")),
        revision=str(labels.get("revision_name", "")),
        trace=str(raw.get("trace", "")),
        severity=str(raw.get("severity", "")),
        status=_status(request.get("status")),
        method=str(request.get("requestMethod", "")),
        path=_path(str(request.get("requestUrl", ""))),
        user_agent=str(request.get("userAgent", "")),
        latency=str(request.get("latency", "")),
        text=_text(raw),
        instance=str((raw.get("labels") or {}).get("instanceId", "")),
    )


def _path(url: str) -> str:
    """The path of a URL as it was asked for, which may be no valid URL at all."""
    host_and_path = url.partition("?")[0].partition("#")[0].partition("://")[2] or url
    return f"/{host_and_path.partition('/')[2]}" if "/" in host_and_path else ""


def _mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, Mapping) else {}


def _status(value: Any) -> int | None:  # noqa: ANN401 - any JSON value
    """A status as a number: exports have it as text as well."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(raw: Mapping[str, Any]) -> str:
    """What an entry says: its text, or every text of its structured payload, the message and the error first."""
    if raw.get("textPayload") is not None:
        return str(raw["textPayload"])
    payload = raw.get("jsonPayload") or raw.get("protoPayload")
    if not payload:
        return ""
    if not isinstance(payload, Mapping):
        return "\n".join(_leaves(payload))
    error = payload.get("error")
    said = [str(payload.get("message") or "")]
    if isinstance(error, Mapping):
        said += [f"{error.get('type', '')}: {error.get('value', '')}", str(error.get("traceback") or "")]
    elif error:
        said.append(str(error))
    said += _leaves({key: value for key, value in payload.items() if key not in {"message", "error"}})
    return "\n".join(part for part in said if part.strip(": "))


def _leaves(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Every text in a JSON value."""
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def once(entries: Iterable[LogEntry]) -> tuple[tuple[LogEntry, ...], int]:
    """Entries once per insertId (of one log and time, as the API compares them), and how many were repeats."""
    unique: dict[tuple[str, str, str], LogEntry] = {}
    total = 0
    for entry in entries:
        total += 1
        unique.setdefault((entry.log_name, entry.insert_id or f"#{total}", entry.timestamp), entry)
    return tuple(unique.values()), total - len(unique)


def incident(entry: LogEntry) -> str:
    """Which of the report's incidents an entry shows; empty for none."""
    return next((name for name, pattern in SIGNATURES.items() if pattern.search(entry.text)), "")


def is_telling(entry: LogEntry) -> bool:
    """Whether an entry is one that a check counts: a 5xx, a known incident, or a credential."""
    return entry.is_server_error or bool(incident(entry)) or CREDENTIALS.search(entry.text) is not None


def may_tell(text: str) -> bool:
    """Whether a text could match a signature or hold a credential: cheap, and never wrong when it says no."""
    lower = text.lower()
    # Written out: this is asked of every payload of an export, and a loop takes twice as long.
    return (
        "coroutine" in lower
        or "does not exist" in lower
        or "->>" in lower
        or "cannot extract" in lower
        or "auth " in lower
        or "eyj" in lower
        or ("://" in lower and "@" in lower)
    )
