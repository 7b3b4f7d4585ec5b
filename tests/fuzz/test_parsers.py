"""Parsers of what others wrote: a value, or the one kind of error that names the source; never anything else."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gate.release.stored_run import StoredRun, Unusable, read
from gate.verdict_document import encode
from probes.errors import SourceRefused
from probes.http.server_timing import LONGEST_MS, server_timing
from probes.logs.entries import LogEntry
from probes.logs.export_error_scan import scan_errors
from probes.logs.export_survey import Survey, survey
from probes.logs.incidents import Incidents
from probes.logs.parsing import parse_entry
from targets.loading import ConfigurationError, load_target
from targets.model import Target
from tests.gate.release.stores import stored
from tests.probes.logs.known import KNOWN
from tests.standing import ROOT

quickly = settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([
    "insertId", "timestamp", "httpRequest", "textPayload", "jsonPayload", "protoPayload", "logName", "resource",
    "labels", "trace", "severity", "status", "requestUrl", "latency", "http_request", "log_name", "type",
])  # fmt: skip
ENTRY = {
    "insertId": "1", "timestamp": "2025-09-07T12:00:00.5Z", "logName": "projects/p/logs/run.googleapis.com%2Frequests",
    "resource": {"type": "cloud_run_revision", "labels": {"service_name": "b", "revision_name": "b-1"}},
    "httpRequest": {"status": 503, "requestMethod": "GET", "requestUrl": "https://b/api/threads", "latency": "0.1s"},
    "trace": "projects/p/traces/1", "severity": "ERROR", "textPayload": "operator does not exist: text ->> unknown",
}  # fmt: skip
FORMS = {
    "lines": "\n".join(json.dumps(ENTRY | {"insertId": str(number)}) for number in range(4)),
    "array": json.dumps([ENTRY, ENTRY | {"insertId": "2"}], indent=1),
    "envelope": json.dumps({"entries": [ENTRY], "nextPageToken": "more"}),
}
TIMINGS = ["total;dur=12.5", 'db;desc="a, b";dur=3, total;DUR="4"', "total", "cache;dur=1e400", 'total;dur="\\"5"']
EXPOSITION = """# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{status="200",route="/a\\"b"} 5.0 1700000000
http_requests_total{status="500",route="other"} NaN
# TYPE took histogram
took_bucket{le="+Inf"} 1
"""
Edit = tuple[float, int, bytes]
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.binary(max_size=8)), min_size=1, max_size=4)


def edited(body: bytes, edits: list[Edit]) -> bytes:
    """A body in which pieces were taken out and others put in, as a broken disk, proxy or editor does."""
    for where, taken, put in edits:
        place = int(where * len(body))
        body = body[:place] + put + body[place + taken :]
    return body


@quickly
@given(st.dictionaries(KEYS | st.text(max_size=8), JSONS | st.dictionaries(KEYS, JSONS, max_size=4), max_size=8))
def test_an_entry_of_a_log_never_raises(raw: dict[str, Any]) -> None:
    entry = parse_entry(raw)
    assert isinstance(entry, LogEntry)
    assert entry.status is None or 0 <= entry.status <= 999


@pytest.mark.parametrize("form", FORMS)
@quickly
@given(edits=EDITS)
def test_an_export_is_read_or_refused(tmp_path: Path, form: str, edits: list[Edit]) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(edited(FORMS[form].encode(), edits))
    known: Incidents = KNOWN
    for parse in (lambda: survey(str(path), known), lambda: scan_errors(str(path))):
        said = ""
        try:
            found: Survey | list[LogEntry] = parse()
        except SourceRefused as error:
            found, said = [], f"{error.request} {error.detail}"
        assert isinstance(found, Survey | list)
        assert not said or "export.json" in said


@quickly
@given(edits=EDITS)
def test_a_target_is_read_or_explained(tmp_path: Path, edits: list[Edit]) -> None:
    (tmp_path / "mine.toml").write_bytes(edited((ROOT / "targets/staging.toml").read_bytes(), edits))
    try:
        read_as: Target | str = load_target("mine", tmp_path, needed=())
    except ConfigurationError as error:
        read_as = str(error)
    assert read_as


@quickly
@given(edits=EDITS)
def test_stored_evidence_is_used_or_named(edits: list[Edit]) -> None:
    document = stored({})
    found = read(document.run_id, edited(encode(document), edits), "mini")
    assert isinstance(found, StoredRun | Unusable)
    assert isinstance(found, StoredRun) or found.problem


@quickly
@given(st.sampled_from(TIMINGS), EDITS)
def test_a_servers_time_is_a_time_or_none(header: str, edits: list[Edit]) -> None:
    told = server_timing([(b"Server-Timing", edited(header.encode(), edits))], "total")
    assert told is None or (math.isfinite(told) and 0 <= told <= LONGEST_MS)


@quickly
@given(EDITS)
def test_an_exposition_is_read_or_a_value_error(edits: list[Edit]) -> None:
    text = edited(EXPOSITION.encode(), edits).decode(errors="replace")
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError:
        return
    assert all(isinstance(sample.value, int | float) for family in families for sample in family.samples)
