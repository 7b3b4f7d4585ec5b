"""The exported figures are OpenMetrics, by the parser of its reference library, and say what the verdict says."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gate.figures import make_figure
from gate.moments import rfc3339
from gate.outcomes import Outcome
from gate.report.checklist import answered
from gate.report.openmetrics import names, render_openmetrics
from gate.verdict_document import Document
from tests.gate.documents import NASTY, make_document

MIXED = {f"family{'abc'[n % 3]}.check{n}": outcome for n, outcome in enumerate([*Outcome, Outcome.PASSED])}


def parse(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return make_document(tmp_path, MIXED)


def test_it_parses_and_every_family_is_there(document: Document) -> None:
    text = render_openmetrics(answered(document))
    families = parse(text)
    assert families.keys() == names()
    assert text.endswith("# EOF\n")
    assert all(family.documentation for family in families.values())
    labels = [sample.labels for family in families.values() for sample in family.samples]
    assert all((one["target"], one["phase"]) == ("mini", "smoke") for one in labels)


def test_it_says_what_the_verdict_says(document: Document) -> None:
    families = parse(render_openmetrics(answered(document)))
    (run,) = families["netra_verify_run"].samples
    assert (run.labels["run_id"], run.labels["revision"]) == (document.run_id, document.revision)
    states = {one.labels["netra_verify_verdict"]: one.value for one in families["netra_verify_verdict"].samples}
    assert states == {"GO": 0, "NO-GO": 1, "INCONCLUSIVE": 0}
    counted = {one.labels["outcome"]: one.value for one in families["netra_verify_cases"].samples if one.value}
    assert counted == document.counts
    passed = {one.labels["check"]: one for one in families["netra_verify_case_passed"].samples}
    assert {check: one.labels["outcome"] for check, one in passed.items()} == {
        row.id: row.outcome for row in document.checks
    }
    assert {check for check, one in passed.items() if one.value} == {
        row.id for row in document.checks if row.outcome == "PASSED"
    }
    (ended,) = families["netra_verify_ended_timestamp_seconds"].samples
    assert rfc3339(datetime.fromtimestamp(ended.value, UTC)) == document.ended


def test_every_figure_comes_with_its_limit_and_its_samples(document: Document) -> None:
    families = parse(render_openmetrics(answered(document)))
    for name, value in (
        ("figure", 41.5),
        ("figure_limit", 100.0),
        ("figure_samples", 500),
        ("figure_confidence_ratio", 0.95),
    ):
        samples = families[f"netra_verify_{name}"].samples
        assert len(samples) == len(document.checks)
        assert {(one.value, one.labels["rule"], one.labels["unit"]) for one in samples} == {(value, "p95", "ms")}


def test_a_figure_without_a_value_or_a_limit_is_left_out(document: Document) -> None:
    row = document.checks[0]
    row.figures[0] = replace(row.figures[0], value=None, limit=None)
    families = parse(render_openmetrics(answered(document)))
    assert len(families["netra_verify_figure"].samples) == len(document.checks) - 1
    assert len(families["netra_verify_figure_limit"].samples) == len(document.checks) - 1


def test_names_that_a_server_or_a_developer_chose_can_not_break_it(document: Document) -> None:
    case = f'{NASTY.encode("utf-8", "replace").decode()}\n"quoted" \\ end'
    document.checks[0] = replace(document.checks[0], case=case)
    document.checks[1].figures[0] = make_figure('p"95\\\n', value=math.inf, limit=7)
    families = parse(render_openmetrics(answered(document)))
    cases = {one.labels["case"] for one in families["netra_verify_case_passed"].samples}
    assert case in cases
    assert {'p"95\\\n'} == {
        one.labels["rule"] for one in families["netra_verify_figure_limit"].samples if one.value == 7
    }
    assert math.inf not in {one.value for one in families["netra_verify_figure"].samples}
