"""Every check and every fault has a road that leads to its claim, its data, its faults and its verdict."""

import re
import resource
import subprocess
import sys

import pytest

from gate.check import Check
from tests.catalogue import declared_checks
from tests.prove.expectations import elsewhere, load
from tests.road.road import files_of, find, known, shorten
from tests.road.source import ROOT, files, text
from twin.switching.registry import declared

MOST_FILES = 6
PARSING = """
import ast, pathlib
for room in ("suites", "fixtures", "probes", "gate", "twin", "tests"):
    for path in pathlib.Path(room).rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))
"""  # takes about a second on a machine that does nothing else


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


@pytest.mark.parametrize("check", [one.id for one in declared_checks()])
def test_a_newcomer_opens_few_files_from_an_id_to_claim_data_fault_and_verdict(check: str) -> None:
    short = shorten(check, find(check))
    assert short["claim"]
    assert short["verdict"]
    assert short["data"] or find(check)["fixtures"], "the settings and clients that every test is given are its data"
    assert short["fault"] or check in elsewhere()
    assert len(files_of(short)) <= MOST_FILES, short


@pytest.mark.parametrize("check", [one.id for one in declared_checks()])
def test_without_the_road_two_searches_lead_there(check: str) -> None:
    """The first is for the id: it finds claim, profile and expectation. The second is for the fault that this names."""
    assert finds("suites", check)
    assert finds("targets", check)
    assert finds("tests/prove", check) or check in elsewhere()
    faults = [place.what for place in find(check)["faults"]]
    literal = [fault for fault in faults if finds("twin/faults", fault)]
    assert literal or check in elsewhere(), f"no search for one of {faults} finds where it is declared"


def finds(room: str, wanted: str) -> bool:
    """Whether a search for an id in a folder's code and tables finds it."""
    paths = (*files(room), *sorted((ROOT / room).glob("*.toml")))
    return any(re.search(rf"[\"'\[]{re.escape(wanted)}[\"'\[]", text(path)) for path in paths)


def test_contributing_states_the_figure() -> None:
    most = max(len(files_of(shorten(one.id, find(one.id)))) for one in declared_checks())
    assert f"at most {most} files" in " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())


def computing_s(*words: str) -> float:
    """Seconds that our interpreter computes for a command, the least of three: a busy machine adds hardly any."""

    def so_far() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    times = []
    for _ in range(3):
        before = so_far()
        subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=True)
        times.append(so_far() - before)
    return min(times)


def test_a_road_is_found_sooner_than_the_project_is_parsed() -> None:
    whole = computing_s("-c", PARSING)
    for wanted in ("threads.metadata", "websocket.one-hour", "threads.none-for-dict"):
        assert computing_s("-m", "tests.road", wanted) < whole


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
