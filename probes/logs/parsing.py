"""One log entry as the API, its exports and its client library write it, read into a `LogEntry`.

Nothing in an entry raises: what can't be read is named in the entry's `problem`, so that it counts as an entry that
can't be judged, and never as one without a 5xx.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

from probes.foreign.excerpt import excerpt
from probes.logs.entries import REQUEST_LOG, LogEntry
from probes.logs.repeated_keys import repeated_in
from probes.timing.window import parse_time

JSON = Any
SHOWN = 60
LONGEST_STATUS = 3
BIGQUERY_ZONE = " UTC"  # how its exports end a time stamp
SECRET_KEY = re.compile(r"(?i)(password|secret|api[_-]?key)$")
# The client library's own names (`LogEntry._asdict()`), and what the API calls them.
SNAKE: Mapping[str, str] = {
    "log_name": "logName",
    "insert_id": "insertId",
    "http_request": "httpRequest",
    "text_payload": "textPayload",
    "json_payload": "jsonPayload",
    "proto_payload": "protoPayload",
    "receive_timestamp": "receiveTimestamp",
    "request_method": "requestMethod",
    "request_url": "requestUrl",
    "user_agent": "userAgent",
}
KEYS = frozenset({"insertId", "timestamp", "httpRequest", "textPayload", "jsonPayload", "protoPayload"})


def parse_entry(raw: Mapping[str, JSON]) -> LogEntry:
    """Read one entry. Absent fields are empty; a field of another type than the API's is named in `problem`."""
    raw = _with_api_names(raw)
    problems: list[str] = []
    request = _with_api_names(_object(raw, "httpRequest", problems))
    resource = _object(raw, "resource", problems)
    labels = _object(resource, "labels", problems, "resource.labels")
    log_name = _text_of(raw, "logName", problems).replace("run.googleapis.com/requests", REQUEST_LOG)
    status = _status(request, problems, required=log_name.endswith(REQUEST_LOG))
    _note_repeated(raw, (request, resource, labels), problems)
    _note_missing(raw, log_name, problems)
    return LogEntry(
        insert_id=str(raw.get("insertId", "")),
        timestamp=_timestamp(raw.get("timestamp"), problems),
        log_name=log_name,
        service=_text_of(labels, "service_name", problems),
        revision=_text_of(labels, "revision_name", problems),
        trace=str(raw.get("trace") or ""),
        severity=str(raw.get("severity") or ""),
        status=status,
        method=str(request.get("requestMethod", "")),
        path=_path(str(request.get("requestUrl", ""))),
        user_agent=str(request.get("userAgent", "")),
        latency=str(request.get("latency", "")),
        text=_text(raw),
        instance=_instance(raw.get("labels")),
        resource_type=_text_of(resource, "type", problems),
        problem="; ".join(problems),
    )


def _note_repeated(raw: Mapping[str, JSON], inside: Iterable[Mapping[str, JSON]], problems: list[str]) -> None:
    """Name a key that comes twice: what it says first is lost."""
    payload = raw.get("jsonPayload")
    repeated = repeated_in(raw, *inside, payload if isinstance(payload, Mapping) else {})
    problems += [f"has the key {excerpt(repeated, SHOWN)!r} more than once"] if repeated else []


def _note_missing(raw: Mapping[str, JSON], log_name: str, problems: list[str]) -> None:
    if not KEYS & raw.keys():
        problems[:] = ["has none of a log entry's fields"]
    elif not log_name:
        problems.append("has no logName")
    if raw.get("timestamp", "") is None:
        problems.append("has a time stamp that can't be read, null")


def _with_api_names(raw: Mapping[str, JSON]) -> Mapping[str, JSON]:
    if not SNAKE.keys() & raw.keys() and "payload" not in raw:
        return raw
    renamed = {SNAKE.get(key, key): value for key, value in raw.items()}
    payload = renamed.pop("payload", None)  # the client library's one name for all three
    if payload is not None:
        renamed.setdefault("textPayload" if isinstance(payload, str) else "jsonPayload", payload)
    return renamed


def _object(raw: Mapping[str, JSON], key: str, problems: list[str], name: str = "") -> Mapping[str, JSON]:
    value = raw.get(key)
    if value is None or isinstance(value, Mapping):
        return value or {}
    problems.append(f"{name or key} is {_kind(value)}, not an object")
    return {}


def _text_of(raw: Mapping[str, JSON], key: str, problems: list[str]) -> str:
    value = raw.get(key)
    if value is None or isinstance(value, str):
        return value or ""
    problems.append(f"{key} is {_kind(value)}, not text")
    return ""


def _kind(value: JSON) -> str:
    names = {list: "a list", dict: "an object", bool: "true or false", int: "a number", float: "a number", str: "text"}
    return names.get(type(value), type(value).__name__)


def _status(request: Mapping[str, JSON], problems: list[str], *, required: bool) -> int | None:
    """A status as a number; exports have it as text as well. The request log has to have one that can be read."""
    value = request.get("status")
    if isinstance(value, str) and value.isdecimal() and len(value) <= LONGEST_STATUS:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**LONGEST_STATUS:
        return value
    if required or value is not None:
        problems.append(
            "has no status" if value is None else f"has a status that can't be read, {excerpt(str(value), SHOWN)!r}"
        )
    return None


def _timestamp(value: JSON, problems: list[str]) -> str:
    """The time stamp in UTC, its digits kept; a number is taken for seconds since 1970.

    The first and the last year that a datetime can hold are not read: looking around such a moment would overflow.
    """
    if value is None:
        return ""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return in_utc(datetime.fromtimestamp(value, UTC))
        if not isinstance(value, str):
            raise TypeError(_kind(value))  # noqa: TRY301 - every way to be unreadable is named in one place
        moment = parse_time(value.removesuffix(BIGQUERY_ZONE))
        if moment.year in {MINYEAR, MAXYEAR}:
            raise OverflowError  # noqa: TRY301 - as above
    except (ValueError, OverflowError, OSError, TypeError):
        problems.append(f"has a time stamp that can't be read, {excerpt(str(value), SHOWN)!r}")
        return ""
    return value if value[10] == "T" and value[-1] == "Z" else in_utc(moment)


def in_order(timestamp: str) -> str:
    """What time stamps in UTC are sorted by: with their Z, a whole second would come after its fractions."""
    return timestamp.removesuffix("Z")


def in_utc(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instance(labels: JSON) -> str:
    return str(labels.get("instanceId", "")) if isinstance(labels, Mapping) else ""


def _path(url: str) -> str:
    """The path of a URL as it was requested, which need not be a valid URL at all."""
    host_and_path = url.partition("?")[0].partition("#")[0].partition("://")[2] or url
    return f"/{host_and_path.partition('/')[2]}" if "/" in host_and_path else ""


def _text(raw: Mapping[str, JSON]) -> str:
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


def _with_name(key: str, value: JSON) -> JSON:
    """A value; with its key if that says that it is a secret, by which alone redaction recognises it later."""
    return f"{key}={value}" if isinstance(value, str) and SECRET_KEY.search(key) else value


def _leaves(value: JSON) -> list[str]:
    """Every text in a JSON value."""
    found: list[str] = []
    waiting = deque([value])
    while waiting:
        part = waiting.popleft()
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, Mapping):
            waiting.extend(_with_name(key, inner) for key, inner in part.items())
        elif isinstance(part, list):
            waiting.extend(part)
    return found
