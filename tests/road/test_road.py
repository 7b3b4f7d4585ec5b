"""Every check and every fault has a road that leads to its claim, its data, its faults and its verdict."""

import subprocess
import sys

import pytest

from gate.check import Check
from tests.catalogue import declared_checks
from tests.prove.expectations import elsewhere, load
from tests.road.road import find, known
from tests.road.source import ROOT
from twin.switching.registry import declared


def test_the_road_knows_every_check_and_every_fault() -> None:
    assert set(known()) == {one.id for one in declared_checks()} | declared().keys()


@pytest.mark.parametrize("declared", declared_checks(), ids=lambda one: one.id)
def test_the_road_of_a_check_leads_to_claim_data_fault_and_verdict(declared: Check) -> None:
    check = declared.id
    road = find(check)
    claim = road["declaration"][1]
    assert claim.what, "the claim is the docstring's first line"
    assert f"{claim.path.relative_to(ROOT)}:{claim.line}" in str(claim)
    assert road["fixtures"]
    assert road["faults"] or check in elsewhere()
    assert road["required by"]
    assert road["checklist and metrics"] or check.startswith("threads.") or declared.phase == "candidate"
    assert any(place.path.name == "runbook.md" for place in road["pages"])


def test_the_road_of_a_fault_leads_to_what_it_turns() -> None:
    roads = {fault: find(fault) for fault in load()}
    parts = ("expected", "turns")
    assert not [fault for fault, road in roads.items() if not all(road[part] for part in parts)]
    assert not [fault for fault, road in roads.items() if not road["declaration"][1].what]


def test_every_place_is_a_line_that_exists() -> None:
    for wanted in ("threads.metadata[json-null]", "auth.latency", "websocket.one-hour", "threads.none-for-dict"):
        for places in find(wanted).values():
            for place in places:
                assert 0 < place.line <= len(place.path.read_text(encoding="utf-8").splitlines())


def test_an_unknown_id_names_the_nearest_and_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.road", "threads.metdata"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "Did you mean threads.metadata" in done.stderr
