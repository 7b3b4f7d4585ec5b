"""The report's checklist and metrics are answered by the checks that are declared."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.failures import waits_for
from gate.outcomes import Outcome
from gate.report.checklist import BOUNDED, OWED, PROVED, answered
from tests.catalogue import declared_checks
from tests.gate.documents import make_document

LAYOUT = tomllib.loads((Path(__file__).resolve().parents[3] / "gate/report/checklist.toml").read_text())
LATER = {"websocket.one-hour", "logs.zero-500-day"}  # of longer phases


def test_every_pattern_names_a_declared_check() -> None:
    ids = [one.id for one in declared_checks()]
    for item in [*LAYOUT["items"], *LAYOUT["metrics"]]:
        for pattern in item["checks"]:
            assert pattern in LATER or any(fnmatchcase(one, pattern) for one in ids), f"{item['key']}: {pattern}"


def test_every_family_has_its_place_in_the_order() -> None:
    assert {one.family for one in declared_checks()} == set(LAYOUT["families"])


def test_the_metric_is_as_bad_as_its_worst_check(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"auth.latency": Outcome.PENDING, "threads.order": Outcome.FAILED})
    answers = {one.key: one.outcome for one in answered(document).metrics}
    assert (answers["auth-latency"], answers["threads"], answers["health"]) == ("PENDING", "FAILED", "NOT RUN")


def test_an_item_whose_cases_wait_for_a_finding_has_failed(tmp_path: Path) -> None:
    told = {"auth.accepts": Outcome.FAILED, "websocket.steady": Outcome.BROKEN, "auth.latency": Outcome.BROKEN}
    document = make_document(tmp_path, told)
    finder, *others = document.checks
    waiting = [replace(row, actual=f"{waits_for(finder.name)}no user is let in") for row in others]
    answers = {one.key: one.outcome for one in answered(replace(document, checks=[finder, *waiting])).metrics}
    assert (answers["websocket"], answers["auth-latency"]) == ("FAILED", "FAILED")
    broken = replace(finder, outcome=Outcome.BROKEN)
    answers = {one.key: one.outcome for one in answered(replace(document, checks=[broken, *waiting])).metrics}
    assert answers["websocket"] == "BROKEN"


def test_a_metric_that_owes_a_longer_phase_is_bounded_not_passed(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"websocket.steady": Outcome.PASSED})
    answer = next(one for one in answered(document).metrics if one.key == "websocket")
    assert answer.outcome == BOUNDED
    assert "hour" in answer.owed[0]


def test_the_report_has_its_eleven_items_and_five_metrics(tmp_path: Path) -> None:
    document = make_document(tmp_path, {})
    assert len(answered(document).checklist) >= 11
    assert len(answered(document).metrics) == 5


@pytest.mark.parametrize("prometheus,item", [(Outcome.NOT_APPLICABLE, "PASSED"), (Outcome.FAILED, "FAILED")])
def test_what_nobody_has_to_have_counts_where_it_is_offered(tmp_path: Path, prometheus: Outcome, item: str) -> None:
    document = make_document(tmp_path, {"logs.zero-500": Outcome.PASSED, "observability.prometheus": prometheus})
    assert next(one.outcome for one in answered(document).checklist if one.key == "logs") == item


def test_anything_else_that_is_not_applicable_is_said(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"logs.zero-500": Outcome.PASSED, "logs.canary": Outcome.NOT_APPLICABLE})
    assert next(one.outcome for one in answered(document).checklist if one.key == "logs") == "NOT_APPLICABLE"


def test_in_a_gates_verdict_a_metric_with_its_longer_phase_is_proved(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"websocket.steady": Outcome.PASSED, "websocket.one-hour": Outcome.PASSED})
    answer = next(one for one in answered(replace(document, phase="gate")).metrics if one.key == "websocket")
    assert (answer.outcome, answer.owed) == (PROVED, ())


@pytest.mark.parametrize(
    "short,longer,outcome",
    [
        (Outcome.PASSED, Outcome.PENDING, BOUNDED),
        (Outcome.PASSED, Outcome.FAILED, "FAILED"),
        (Outcome.FAILED, Outcome.PASSED, "FAILED"),
        (Outcome.PASSED, Outcome.BROKEN, "BROKEN"),
        (None, Outcome.PENDING, OWED),
    ],
)
def test_a_metric_is_as_bad_as_either_phase(
    tmp_path: Path, short: Outcome | None, longer: Outcome, outcome: str
) -> None:
    told = ({"logs.zero-500": short} if short else {}) | {"logs.zero-500-day": longer}
    document = make_document(tmp_path, told)
    answer = next(one for one in answered(replace(document, phase="gate")).metrics if one.key == "zero-500")
    assert answer.outcome == outcome


def test_a_metric_says_until_when_it_is_owed(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"logs.zero-500": Outcome.PASSED, "logs.zero-500-day": Outcome.PENDING})
    document.checks[1].evidence["owed_until"] = "2026-11-21T00:00:00Z"
    answer = next(one for one in answered(replace(document, phase="gate")).metrics if one.key == "zero-500")
    assert "not before 2026-11-21T00:00:00Z" in answer.owed[0]


@pytest.mark.parametrize("basis", ["logs.canary", "logs.complete", "logs.own-errors", "logs.metrics-agree"])
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING])
def test_no_zero_is_shown_beside_what_it_rests_on(tmp_path: Path, basis: str, outcome: Outcome) -> None:
    for found, is_shown in ((Outcome.PASSED, True), (outcome, False)):
        document = make_document(tmp_path, {"logs.zero-500": Outcome.PASSED, basis: found})
        answer = next(one for one in answered(document).metrics if one.key == "zero-500")
        assert (answer.figure is not None) == is_shown


def test_the_runbook_says_whom_to_call_as_the_reports_do() -> None:
    runbook = (Path(__file__).resolve().parents[3] / "docs/runbook.md").read_text()
    assert LAYOUT["owners"].keys() == set(LAYOUT["families"])
    for family, role in LAYOUT["owners"].items():
        line = next(line for line in runbook.splitlines() if line.startswith(f"| {family} |"))
        assert line.endswith(f"| {role} |")
