"""What changed since the last run, and what --explain tells of a check."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.changes import changes
from gate.outcomes import Outcome
from gate.release.store import Store
from gate.report.explain import explain
from gate.verdict_document import Changes
from tests.gate.documents import make_document
from tests.gate.release.stores import stored

P, F, B = Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN


def pair(tmp_path: Path, before: dict[str, Outcome], now: dict[str, Outcome]) -> Changes:
    found = changes(make_document(tmp_path, now), make_document(tmp_path, before))
    assert found is not None
    return found


def test_the_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    assert changes(make_document(tmp_path, {"a.b": P}), None) is None


def test_what_newly_fails_and_newly_passes_is_named(tmp_path: Path) -> None:
    before = {"a.same": F, "a.worse": P, "a.better": F, "a.back": B}
    found = pair(tmp_path, before, {"a.same": F, "a.worse": F, "a.better": P, "a.back": P})
    assert (found.newly_failing, found.newly_passing) == (["a.worse"], ["a.better", "a.back"])


def test_a_case_that_the_last_run_did_not_have_is_no_change(tmp_path: Path) -> None:
    found = pair(tmp_path, {"a.old": P}, {"a.new": F})
    assert (found.newly_failing, found.newly_passing) == ([], [])


@pytest.mark.parametrize(
    "before,now,moved",
    [
        ([10, 20], [15, 30], False),
        ([10, 20], [21, 30], True),
        ([40, 50], [10, 39], True),
        ([10, None], [90, 99], False),
    ],
)
def test_a_latency_has_moved_when_the_intervals_no_longer_touch(
    tmp_path: Path, before: list[float | None], now: list[float | None], *, moved: bool
) -> None:
    old, new = make_document(tmp_path, {"auth.latency": P}), make_document(tmp_path, {"auth.latency": P})
    for document, ends in ((old, before), (new, now)):
        figures = document.checks[0].figures
        figures[0] = replace(figures[0], interval=(ends[0], ends[1]))
    found = changes(new, old)
    assert found is not None
    assert bool(found.moved) is moved


def test_the_last_run_is_the_last_finished_one_of_its_phase(tmp_path: Path) -> None:
    store, day = Store(str(tmp_path)), {("logs.zero-500-day", ""): P}
    runs = [stored({("a.b", ""): P}, at_h=1), stored(day, phase="day", at_h=2), stored({}, at_h=3)]
    for one in runs:
        store.put(one)
    (tmp_path / "mini" / "20261120T040000Z-aaaaaa").mkdir()
    (tmp_path / "mini" / "20261120T040000Z-aaaaaa" / "verdict.json").write_text("{")
    found = store.last("mini", "smoke", "20261121T000000Z-ffffff")
    assert found is not None
    assert found.run_id == runs[0].run_id
    assert store.last("mini", "smoke", runs[0].run_id) is None


def test_a_check_is_explained_with_rule_figures_window_and_requests(tmp_path: Path) -> None:
    text = explain(make_document(tmp_path, {"auth.latency": F, "a.b": P}), "auth.latency")
    for words in (
        "FAILED auth.latency",
        "rule: p95",
        "41.5 ms",
        "limit 100 ms",
        "n=500",
        "10 s",
        "request: curl",
        "remedy: Fix 1",
    ):
        assert words in text
    assert "a.b" not in text


def test_evidence_is_whole_if_it_is_short_and_says_how_much_more_there_was(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"a.b": P})
    (row,) = document.checks
    longer = replace(row, evidence={"short": "as it was", "long": "x" * 401, "whole": "y" * 400})
    text = explain(replace(document, checks=[longer]), "a.b")
    assert "  short: as it was\n" in text
    assert f"  long: {'x' * 400}… (401 characters)" in text
    assert f"  whole: {'y' * 400}" in text
    assert "y… (" not in text


def test_a_check_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"a\.b"):
        explain(make_document(tmp_path, {"a.b": P}), "a.c")
