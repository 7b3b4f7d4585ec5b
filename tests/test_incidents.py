"""The catalogue of others' incidents names what there is, and what it calls caught is caught."""

import re
from collections import Counter

import pytest

from tests.catalogue import collected, declared_checks
from tests.incidents import OWED, UNSEEN, Incident, read
from tests.prove.expectations import load, matches
from twin.switching.registry import declared

INCIDENTS = read()
CAUGHT = [one for one in INCIDENTS if one.kind == "caught"]
EACH = pytest.mark.parametrize("one", INCIDENTS, ids=lambda one: one.id)
EACH_CAUGHT = pytest.mark.parametrize("one", CAUGHT, ids=lambda one: one.id)
SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+#[1-9][0-9]*")
FEWEST, SHORTEST = 60, 20
MADE_FROM_A_REPORT = "twin.faults.incidents_"


def test_there_are_enough_and_each_is_told_once() -> None:
    assert len(INCIDENTS) >= FEWEST
    assert [key for key, times in Counter(one.id for one in INCIDENTS).items() if times > 1] == []
    assert [key for key, times in Counter(one.source for one in INCIDENTS).items() if times > 1] == []


@EACH
def test_a_source_is_a_repository_and_a_number_and_the_rest_is_said(one: Incident) -> None:
    assert SOURCE.fullmatch(one.source)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", one.id)
    assert one.subject
    assert len(one.saw) > SHORTEST
    assert "|" not in f"{one.subject}{one.saw}{one.why}", "it ends a cell of the page's table"


@EACH_CAUGHT
def test_what_is_caught_names_a_check_a_fault_and_a_row_that_joins_them(one: Incident) -> None:
    assert one.seen.partition("[")[0] in {check.id for check in declared_checks()}
    assert one.fault in declared()
    turns = load()[one.fault].turns
    assert any(matches(turn, one.seen) or matches(one.seen, turn) for turn in turns), turns


def test_a_case_that_is_named_is_one_of_its_check() -> None:
    cases = {f"{one.check}[{one.case}]" for one in collected() if one.case}
    assert [one.seen for one in CAUGHT if "[" in one.seen and one.seen not in cases] == []


def test_every_fault_that_was_made_from_a_report_is_in_the_catalogue_with_its_source() -> None:
    made = {key: fault for key, fault in declared().items() if fault.module.startswith(MADE_FROM_A_REPORT)}
    sources = {one.source: one.fault for one in CAUGHT}
    assert len(made) > 0
    assert {fault.seen.partition(":")[0]: key for key, fault in made.items()}.items() <= sources.items()


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"seen": "health.fresh"},
        {"fault": "health.cached-body"},
        {"why": "it is rare"},
        {"seen": "health.fresh", "fault": "health.cached-body", "why": f"{OWED}more"},
        {"seen": "health.fresh", "why": f"{UNSEEN}of that"},
    ],
    ids=str,
)
def test_an_entry_that_says_neither_how_nor_why_not_is_an_error(row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a-report needs `seen` and `fault`"):
        _ = Incident(id="a-report", source="a/b#1", subject="FastAPI", saw="Something happened.", **row).kind
