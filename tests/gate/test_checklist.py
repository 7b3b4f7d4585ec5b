"""The report's checklist and metrics are answered by the checks that are declared."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from gate.checklist import BOUNDED, checklist, metrics
from gate.outcomes import Outcome
from tests.catalogue import declared_checks
from tests.gate.documents import make_document

LAYOUT = tomllib.loads((Path(__file__).parents[2] / "gate/checklist.toml").read_text())
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
    answers = {one.key: one.outcome for one in metrics(document)}
    assert (answers["auth-latency"], answers["threads"], answers["health"]) == ("PENDING", "FAILED", "NOT RUN")


def test_a_metric_that_owes_a_longer_phase_is_bounded_not_passed(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"websocket.steady": Outcome.PASSED})
    answer = next(one for one in metrics(document) if one.key == "websocket")
    assert answer.outcome == BOUNDED
    assert "hour" in answer.owed[0]


def test_the_report_has_its_eleven_items_and_five_metrics(tmp_path: Path) -> None:
    document = make_document(tmp_path, {})
    assert len(checklist(document)) >= 11
    assert len(metrics(document)) == 5
