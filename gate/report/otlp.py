"""The run as OTLP spans, if a collector is configured: the run is the root, each case that ran is a child span."""

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from gate.outcomes import Outcome, Verdict
from gate.report.wording import show_figure
from gate.strict_json import JSON
from gate.verdict_document import Document, Row

BASE, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
SERVICE = "netra-verify"
LIMIT_S = 5.0  # for everything: how long an unresponsive collector may delay the end of a run
LONGEST = 1000  # characters of an attribute
NANO = 10**9
OF_A_CASE = {
    Outcome.PASSED: StatusCode.OK,
    Outcome.FAILED: StatusCode.ERROR,
    Outcome.BROKEN: StatusCode.ERROR,
    Outcome.PENDING: StatusCode.UNSET,
    Outcome.NOT_APPLICABLE: StatusCode.UNSET,
}
OF_A_RUN = {Verdict.GO: StatusCode.OK, Verdict.NO_GO: StatusCode.ERROR, Verdict.INCONCLUSIVE: StatusCode.UNSET}


def export(document: Document, limit_s: float = LIMIT_S) -> str:
    """Send the run to the collector configured in the environment, within `limit_s` seconds.

    Args:
        document: The verdict; it is redacted, and so are the spans.
        limit_s: Give up after this many seconds.

    Returns:
        Why the spans did not arrive, as one sentence; empty when they did.
    """
    place, wrong = _collector(os.environ)
    if wrong:
        return wrong
    problems: list[str] = []
    # A thread, because a server that sends an occasional byte outlasts every request timeout.
    sending = threading.Thread(target=_send, args=(spans(document), limit_s, problems), daemon=True)
    with _listening() as listener:
        sending.start()
        sending.join(limit_s)
    if sending.is_alive():
        return (
            f"the spans were not delivered to {place}: no answer within {limit_s:g} s; the run's report has everything"
        )
    if problems:
        why = listener.last or problems[0]
        return f"the spans were not delivered to {place}: {why}; the run's report has everything"
    return ""


def spans(document: Document) -> Sequence[ReadableSpan]:
    """The finished spans of a run; a case that never began has none."""
    kept = InMemorySpanExporter()
    name = os.environ.get("OTEL_SERVICE_NAME", SERVICE)
    resource = Resource.create({"service.name": name, "deployment.environment.name": document.environment})
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("gate")
    start, end = (datetime.fromisoformat(moment) for moment in (document.started, document.ended))
    root = tracer.start_span(f"{document.phase} {document.target}", start_time=_nanoseconds(start))
    for row in document.checks:
        if row.began:
            _case(tracer, root, row, datetime.fromisoformat(row.began))
    keys = ("run_id", "target", "phase", "profile", "revision", "verdict", "exit_code", "reason", "quick")
    root.set_attributes({f"netra.{key}": _short(getattr(document, key)) for key in keys})
    root.set_attributes({f"netra.cases.{outcome.lower()}": count for outcome, count in document.counts.items()})
    root.set_attribute("netra.missing", len(document.missing))
    root.set_status(_status(OF_A_RUN[document.verdict], document.reason))
    root.end(_nanoseconds(end))
    return kept.get_finished_spans()


def _case(tracer: Tracer, root: Span, row: Row, begun: datetime) -> None:
    span = tracer.start_span(row.name, set_span_in_context(root), start_time=_nanoseconds(begun))
    keys = ("id", "case", "family", "outcome", "required", "requirement", "expected", "actual", "reason", "remedy")
    span.set_attributes({f"netra.{key}": _short(value) for key in keys if (value := getattr(row, key)) != ""})
    # The trace ids that the case's requests carried: by them the server's own spans and log lines are found.
    span.set_attribute("netra.request_trace_ids", [one.trace_id for one in row.traces])
    span.set_attributes({f"netra.figure.{one.rule}": show_figure(one) for one in row.figures})
    span.set_status(_status(OF_A_CASE[row.outcome], row.actual or row.reason))
    span.end(_nanoseconds(begun) + int(row.duration_s * NANO))


def _status(code: StatusCode, why: str) -> Status:
    # OTLP accepts a description only with an error.
    return Status(code, str(_short(why)) if code is StatusCode.ERROR else None)


def _short(value: JSON) -> str | bool | int | float:
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000  # microseconds are exact in a float, nanoseconds are not


def _collector(environment: Mapping[str, str]) -> tuple[str, str]:
    """The collector's host and port, and what is wrong with it; never the URL, which may contain a credential."""
    variable = TRACES if environment.get(TRACES) else BASE
    try:
        url = urlsplit(environment[variable].strip())
        place = f"{url.hostname}:{url.port}" if url.port else str(url.hostname)
    except ValueError:
        return "", f"no spans were sent: {variable} is not a URL such as http://host:4318"
    if url.scheme not in {"http", "https"} or not url.hostname:
        return "", f"no spans were sent: {variable} must begin with http:// or https://, as in http://host:4318"
    if environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf") != "http/protobuf":
        return "", "no spans were sent: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf (port 4318)"
    return place, ""


def configured(environment: Mapping[str, str]) -> bool:
    """Whether the environment has a collector and has not switched the SDK off."""
    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not off and bool(environment.get(BASE) or environment.get(TRACES))


def _send(finished: Sequence[ReadableSpan], limit_s: float, problems: list[str]) -> None:
    """Send in one request; on failure, append why."""
    try:
        exporter = OTLPSpanExporter(timeout=limit_s)
        if exporter.export(finished) is not SpanExportResult.SUCCESS:
            problems.append("refused")
    except Exception as error:  # noqa: BLE001 - the verdict stands without the spans
        problems.append(f"{type(error).__name__}: {error}")


class _Listener(logging.Handler):
    """Keeps the exporter's last log message: the only place where it says why."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.last = record.getMessage()


@contextmanager
def _listening() -> Iterator[_Listener]:
    """Keep the exporter's log messages for us, and off the terminal."""
    log, listener = logging.getLogger("opentelemetry"), _Listener()
    log.addHandler(listener)
    log.propagate, before = False, log.propagate
    try:
        yield listener
    finally:
        log.removeHandler(listener)
        log.propagate = before
