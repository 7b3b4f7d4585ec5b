"""What was found by comparison alone, as it is kept: every row holds, and the page says the same share."""

import re

from tests.prove.compared import EQUAL, KEPT, comparable, read
from tests.standing import ROOT

OF_NO_CHECK = "compared."  # faults that break no promise: only the comparison is there for them


def test_each_fault_is_one_that_a_candidate_can_have() -> None:
    assert not read(KEPT).keys() - {*comparable()}


def test_in_both_revisions_the_comparison_is_silent_and_the_checks_are_not() -> None:
    kept = read(KEPT)
    assert [fault for fault, row in kept.items() if row["both"]] == []
    assert [fault for fault, row in kept.items() if not row["checks"] and not fault.startswith(OF_NO_CHECK)] == []


def test_the_page_states_the_share_that_was_found() -> None:
    page = " ".join((ROOT / "docs/candidate.md").read_text(encoding="utf-8").split())
    stated = re.search(r"Of (\d+) faults of the twin's code, (\d+) in the candidate alone were named", page)
    kept = read(KEPT)
    assert stated is not None
    assert [int(number) for number in stated.groups()] == [len(kept), sum(bool(row["alone"]) for row in kept.values())]


def test_the_page_states_the_comparisons_of_equal_revisions() -> None:
    page = " ".join((ROOT / "docs/candidate.md").read_text(encoding="utf-8").split())
    stated = re.search(r"In (\d+) comparisons of equal revisions, (\d+) of them .* none was named and none", page)
    kept = read(EQUAL)
    assert stated is not None
    assert [int(number) for number in stated.groups()] == [kept["runs"], kept["busy"]]
    assert kept["outcomes"].keys() == {"PASSED"}
