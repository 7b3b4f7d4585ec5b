"""Faults of the log and its source: dead, cut, late, mislabelled - and what must be found in it."""

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from twin.backend.seams import Seams
    from twin.platform.state import Platform

Entry = dict[str, Any]
BACKEND = "netra-backend-staging"
TEN_MINUTES = 600.0


def _is_request(entry: Entry) -> bool:
    return str(entry["logName"]).endswith("%2Frequests")


def _of_backend(entry: Entry) -> bool:
    return bool(entry["resource"]["labels"]["service_name"] == BACKEND)


def _keeping(platform: "Platform", keep: Callable[[Entry], list[Entry]]) -> Undo:
    return replace(platform, keep=lambda _platform, entry: keep(entry))


@fault("logs.requests-excluded", place="platform", seen="an exclusion filter against noise: health routes")
def excluded(platform: "Platform") -> Undo:
    """Requests to /health never reach the log."""

    def keep(entry: Entry) -> list[Entry]:
        url = entry.get("httpRequest", {}).get("requestUrl", "")
        return [] if "/health" in url and "/health/detailed" not in url and _of_backend(entry) else [entry]

    return _keeping(platform, keep)


@fault("logs.wrong-revision-label", place="platform", seen="a sink that copies entries under a fixed resource")
def wrong_revision(platform: "Platform") -> Undo:
    """Entries carry another revision's label."""

    def keep(entry: Entry) -> list[Entry]:
        if _of_backend(entry):
            labels = {**entry["resource"]["labels"], "revision_name": f"{BACKEND}-00093-old"}
            entry["resource"] = {**entry["resource"], "labels": labels}
        return [entry]

    return _keeping(platform, keep)


@fault("logs.ten-minutes-late", place="platform", seen="an ingestion backlog")
def late(platform: "Platform") -> Undo:
    """Entries become visible ten minutes after they were written."""
    return replace(platform, log_delay_s=TEN_MINUTES)


@fault("logs.every-third-dropped", place="platform", seen="sampling in a log router")
def dropped(platform: "Platform") -> Undo:
    """A third of the request log is missing."""
    number = itertools.count(1)

    def keep(entry: Entry) -> list[Entry]:
        return [] if _is_request(entry) and next(number) % 3 == 0 else [entry]

    return _keeping(platform, keep)


@fault("logs.refusals-sampled", place="platform", seen="an exclusion filter for 4xx with sample(insertId, 0.9)")
def refusals_sampled(platform: "Platform") -> Undo:
    """Nine of ten requests that were refused are missing from the request log."""
    number = itertools.count(1)

    def keep(entry: Entry) -> list[Entry]:
        refused = _is_request(entry) and _of_backend(entry) and 400 <= entry["httpRequest"]["status"] < 500  # noqa: PLR2004 - as HTTP has it
        return [] if refused and next(number) % 10 else [entry]

    return _keeping(platform, keep)


@fault("logs.a-stretch-lost", place="platform", seen="a log agent that restarted: a gap, and nothing that says so")
def stretch_lost(platform: "Platform") -> Undo:
    """Of every hundred requests twenty in a row are missing from the request log."""
    number = itertools.count()

    def keep(entry: Entry) -> list[Entry]:
        return [] if _is_request(entry) and next(number) % 100 in range(20, 40) else [entry]

    return _keeping(platform, keep)


@fault("logs.cut-at-fifty", place="platform", seen="--limit 50, taken for a count; the exports stop at 50 and 100")
def cut_at_fifty(platform: "Platform") -> Undo:
    """At most fifty entries come, without a token for the next page."""
    return replace(platform, page=lambda asked, _left: (min(asked, 50), False))


@fault("logs.pages-without-end", place="platform", seen="an empty page with a token means: not finished")
def without_end(platform: "Platform") -> Undo:
    """Every page is empty and has a token for the next one."""
    return replace(platform, page=lambda _asked, _left: (0, True))


@fault("logs.no-last-page", place="platform", seen="a token with every page, the last one too")
def no_last_page(platform: "Platform") -> Undo:
    """The last page has a token as well: empty pages follow, each with a token for the next one."""
    return replace(platform, page=lambda asked, left: (min(asked, left), True))


@fault("logs.refused", place="platform", seen="roles/logging.viewer missing on a new service account")
def refused(platform: "Platform") -> Undo:
    """The log API answers 403."""
    return replace(platform, refuse_api=lambda: (403, "Permission 'logging.logEntries.list' denied on resource"))


def _failing(seams: "Seams", every: int) -> Undo:
    """The metrics route fails now and then; nothing else of the suite depends on it."""
    number = itertools.count(1)
    healthy = seams.expose_metrics

    def expose(given: "Seams") -> Any:  # noqa: ANN401 - a Response
        if next(number) % every == 0:
            raise RuntimeError("collector registered twice")
        return healthy(given)

    return replace(seams, expose_metrics=expose)


@fault("logs.a-500", place="backend", seen="an unhandled error on a route that no check asks about")
def a_500(seams: "Seams") -> Undo:
    """One call in two of /metrics fails with 500."""
    return _failing(seams, 2)


def _entry(platform: "Platform", status: int, **more: Any) -> Entry:  # noqa: ANN401 - fields of the entry
    service = platform.services[BACKEND]
    return {
        "logName": f"projects/{platform.project}/logs/run.googleapis.com%2Frequests",
        "severity": "ERROR",
        "resource": platform.resource(service, service.latest),
        "trace": f"projects/{platform.project}/traces/{'5' * 32}",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": "https://api.staging.netrasystems.ai/api/agents",
            "status": status,
            "latency": "0.031s",
            "userAgent": "Mozilla/5.0",
        },
        **more,
    }


def _once(platform: "Platform", *entries: Entry) -> Undo:
    """Write entries once; taken back, they are gone from the log."""
    for entry in entries:
        platform.log(entry)
    written = {id(entry) for entry in entries}

    def undo() -> None:
        platform.store[:] = [stored for stored in platform.store if id(stored.entry) not in written]

    return undo


@fault("logs.platform-503", place="platform", seen="no available instance: the container never saw the request")
def platform_503(platform: "Platform") -> Undo:
    """The platform itself answered 503; the application's log knows nothing of it."""
    entry = _entry(platform, 503, textPayload="The request was aborted because there was no available instance.")
    entry["httpRequest"] |= {"latency": "0s"}
    return _once(platform, entry)


@fault("logs.500-on-a-later-page", place="platform", seen="only the first page was read")
def later_page(platform: "Platform") -> Undo:
    """A 500 lies beyond the first page; pages are short."""
    undo = _once(platform, _entry(platform, 500))
    back = replace(platform, page=lambda asked, left: (min(asked, 25), left > min(asked, 25)))
    return undo_all(back, undo)


@fault("logs.500-delivered-twice", place="platform", seen="Log Analytics and sinks deliver at least once")
def twice(platform: "Platform") -> Undo:
    """One 500 comes twice, under one insertId."""
    first = _entry(platform, 500, insertId="one-500-delivered-twice")
    return _once(platform, first, dict(first))


SIGNATURES: Mapping[str, tuple[str, str]] = {
    "coroutine": ("'coroutine' object has no attribute 'get'", "the report's WebSocket category"),
    "jsonb": ("operator does not exist: text ->> unknown", "the report's threads category"),
    "auth": ("auth service communication failed: timed out", "the report's authentication category"),
}


def _error(**parts: str) -> Entry:
    return {"jsonPayload": {"message": "unhandled", "error": {"type": "Error", "value": "", "traceback": "", **parts}}}


PAYLOADS: Mapping[str, Callable[[str], Entry]] = {
    "text": lambda text: {"textPayload": f"ERROR netra_backend: {text}"},
    "message": lambda text: {"jsonPayload": {"message": f"request failed: {text}"}},
    "json": lambda text: _error(value=text),
    "traceback": lambda text: _error(traceback=f"Traceback (most recent call last):\n  ...\nError: {text}\n"),
}


def _signature(name: str, text: str, seen: str, kind: str) -> None:
    def install(platform: "Platform") -> Undo:
        service = platform.services[BACKEND]
        entry = {
            "logName": f"projects/{platform.project}/logs/run.googleapis.com%2Fstderr",
            "resource": platform.resource(service, service.latest),
            **PAYLOADS[kind](text),
        }
        return _once(platform, entry)

    fault(f"logs.incident-{name}-as-{kind}", place="platform", seen=seen)(install)


for _name, (_text, _seen) in SIGNATURES.items():
    for _kind in PAYLOADS:
        _signature(_name, _text, _seen, _kind)


OBSERVED: Mapping[str, str] = {  # what the service's own public code writes, as recorded
    "find-threads": "Error finding threads for user u: (UntranslatableCharacterError) WHERE (metadata_ ->> $1) = $2",
    "create-thread": "'IDManager' object has no attribute 'generate_thread_id'",
    "await-a-bool": "object bool can't be used in 'await' expression",
    "metadata-missing": "Thread metadata is missing",
    "websocket-context": "user_context must be a UserExecutionContext instance",
    "websocket-lockout": "User u has reached the maximum number of WebSocket managers (5)",
}
for _name, _text in OBSERVED.items():
    _signature(_name, _text, "as recorded", "message")


@fault("logs.traceback-beside-200", place="backend", seen="'except Exception: logger.exception()', and an answer")
def traceback_beside_200(seams: "Seams") -> Undo:
    """A part of the metrics route fails and is logged with its traceback; the route answers all the same."""
    healthy = seams.expose_metrics

    def expose(given: "Seams") -> Any:  # noqa: ANN401 - a Response
        gauges = dict[str, float]()
        try:
            gauges["sessions"] += 1
        except KeyError as error:
            given.log.write("ERROR", "a collector failed", error)
        return healthy(given)

    return replace(seams, expose_metrics=expose)


@fault("logs.sink-drops-5xx", place="platform", seen="an exclusion filter on severity>=ERROR, to save money")
def sink_drops(platform: "Platform") -> Undo:
    """A 500 was counted by the platform and is not in the log."""
    service = platform.services[BACKEND]
    minute = int(datetime.now(UTC).timestamp() // 60)
    key = (service.name, service.latest, 500, minute)
    platform.counts[key] += 1
    back = _keeping(platform, lambda entry: [] if entry.get("httpRequest", {}).get("status", 0) >= 500 else [entry])  # noqa: PLR2004 - server errors

    def undo() -> None:
        back()
        del platform.counts[key]

    return undo
