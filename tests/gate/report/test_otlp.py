"""A run arrives at a collector as spans, decoded from the protobuf; a collector that fails is one note and no more."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from gate.moments import rfc3339
from gate.outcomes import Outcome
from gate.report import otlp
from gate.verdict_document import Document
from tests.gate.documents import make_document
from tests.gate.report.collector import Collector, collecting, dripping, read, silent
from tests.gate.session.mini import HEAD, Mini
from tests.stopwatch import Stopwatch

BEGAN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"
TWO = (
    HEAD
    + """
@check("a.good", requirement="it holds")
def test_good(recorder):
    "It holds."
    recorder.trace("0af7651916cd43dd8448eb211c80319c", "GET /")
    recorder.figures(rule="p95", n=5, value=41.5, unit="ms", limit=100.0)

@check("a.bad", requirement="it holds too", remedy="Fix 1")
def test_bad():
    "It holds."
    time.sleep(0.05)
    raise CheckFailure(expected="one", actual="two hunter2-hunter2")

@check("a.never", requirement="needs what there is not", needs="db")
def test_never():
    "It holds."
"""
)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (otlp.BASE, otlp.TRACES, "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return make_document(tmp_path, {f"a.{one.lower().replace('_', '-')}": one for one in Outcome})


def began(document: Document) -> Document:
    """The document with every case begun, a second after the one before it."""
    rows = [replace(row, began=rfc3339(BEGAN + timedelta(seconds=n))) for n, row in enumerate(document.checks)]
    return replace(document, checks=rows)


def test_a_run_of_the_suite_arrives_as_a_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mini = Mini(tmp_path)
    mini.write(TWO, required='{"a.good": (), "a.bad": ()}')
    with collecting() as collector:
        monkeypatch.setenv(otlp.BASE, collector.url)
        code, output = mini.run()
    assert (code, mini.verdict["notes"]) == (1, []), output
    assert collector.paths == ["/v1/traces"]
    assert collector.resource["service.name"] == "netra-verify"
    spans = {span.name: span for span in collector.spans}
    root = spans["smoke mini"]
    assert spans.keys() == {"smoke mini", "a.good", "a.bad"}
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    assert {spans[one].parent_span_id for one in ("a.good", "a.bad")} == {root.span_id}
    assert all(
        root.start_time_unix_nano <= one.start_time_unix_nano < one.end_time_unix_nano <= root.end_time_unix_nano
        for one in (spans["a.good"], spans["a.bad"])
    )
    assert spans["a.bad"].end_time_unix_nano - spans["a.bad"].start_time_unix_nano >= 50_000_000
    _says_what_the_verdict_says(collector, mini.verdict)


def _says_what_the_verdict_says(collector: Collector, verdict: dict[str, Any]) -> None:
    spans = {span.name: span for span in collector.spans}
    root, good, bad = (read(spans[one].attributes) for one in ("smoke mini", "a.good", "a.bad"))
    assert (root["netra.run_id"], root["netra.verdict"], root["netra.exit_code"]) == (verdict["run_id"], "NO-GO", 1)
    assert (root["netra.cases.passed"], root["netra.cases.failed"], root["netra.cases.not_applicable"]) == (1, 1, 1)
    assert (good["netra.outcome"], good["netra.request_trace_ids"]) == ("PASSED", [TRACE])
    assert good["netra.figure.p95"].startswith("41.5 ms")
    assert (bad["netra.outcome"], bad["netra.expected"], bad["netra.remedy"]) == ("FAILED", "one", "Fix 1")
    assert bad["netra.required"] is True
    codes = {name: span.status.code for name, span in spans.items()}
    assert codes == {
        "smoke mini": Status.STATUS_CODE_ERROR,
        "a.good": Status.STATUS_CODE_OK,
        "a.bad": Status.STATUS_CODE_ERROR,
    }
    assert "hunter2-hunter2" not in str(collector.requests)
    assert "redacted" in spans["a.bad"].status.message


def test_a_switched_off_sdk_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mini = Mini(tmp_path)
    mini.write(TWO)
    with collecting() as collector:
        monkeypatch.setenv(otlp.BASE, collector.url)
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        assert mini.run()[0] == 1
    assert collector.requests == []
    assert mini.verdict["notes"] == []


def closed() -> AbstractContextManager[str]:
    with silent() as url:
        return nullcontext(url)  # nothing listens there any more


def refusing() -> AbstractContextManager[Collector]:
    return collecting(400)


@pytest.mark.parametrize("kind", [closed, silent, dripping, refusing])
def test_a_collector_that_fails_is_one_note_and_the_verdict_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Callable[[], AbstractContextManager[Any]]
) -> None:
    mini = Mini(tmp_path)
    mini.write(HEAD + '@check("a.good", requirement="it holds")\ndef test_good():\n    "It holds."\n')
    with kind() as place:
        url = place if isinstance(place, str) else place.url
        monkeypatch.setenv(otlp.BASE, url)
        code, output = mini.run()
    assert (code, mini.verdict["verdict"]) == (0, "GO"), output
    (note,) = mini.verdict["notes"]
    assert note.startswith("the spans were not delivered")
    assert url.removeprefix("http://") in note
    assert "Traceback" not in output


@pytest.mark.parametrize("make", [silent, dripping])
def test_the_limit_is_kept(
    document: Document, monkeypatch: pytest.MonkeyPatch, make: Callable[[], AbstractContextManager[str]]
) -> None:
    with make() as url:
        monkeypatch.setenv(otlp.BASE, url)
        watch = Stopwatch()
        said = otlp.export(began(document), limit_s=0.5)
        assert watch.seconds < otlp.LIMIT_S, "the limit of a run was kept, and not the one that was given"
    assert "within 0.5 s" in said or "were not delivered" in said


@pytest.mark.parametrize(
    "variables,said",
    [
        ({otlp.BASE: "collector:4318"}, "must begin with http"),
        ({otlp.BASE: "http://"}, "must begin with http"),
        ({otlp.BASE: "http://user:s3cret-s3cret@[::1"}, "is not a URL"),
        ({otlp.BASE: "http://127.0.0.1:4318", otlp.TRACES: "ftp://x"}, otlp.TRACES),
        ({otlp.BASE: "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
    ],
)
def test_a_wrong_configuration_is_named_and_not_quoted(
    document: Document, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    note = otlp.export(began(document))
    assert said in note
    assert "s3cret" not in note


def test_every_outcome_has_its_status_and_its_time(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly")
    finished = {span.name: span for span in otlp.spans(began(document))}
    assert len(finished) == len(Outcome) + 1
    for n, row in enumerate(document.checks):
        span = finished[row.name]
        start = int((BEGAN + timedelta(seconds=n)).timestamp()) * 10**9
        assert (span.start_time, span.end_time) == (start, start + 100_000_000)
        assert span.status.status_code is otlp.OF_A_CASE[row.outcome]
        assert span.resource.attributes["service.name"] == "nightly"


def test_a_case_that_never_began_and_long_words_are_bounded(document: Document) -> None:
    row = replace(document.checks[0], requirement="x" * 10_000, began=rfc3339(BEGAN))
    first = row.name
    finished = otlp.spans(replace(document, checks=[row, *document.checks[1:]]))
    assert [span.name for span in finished] == [first, "smoke mini"]
    attributes = finished[0].attributes
    assert attributes is not None
    assert len(str(attributes["netra.requirement"])) == otlp.LONGEST
