"""The rooms import in one direction, and the habits of CONTRIBUTING hold."""

import re
from graphlib import TopologicalSorter

import pytest

from tests.arrows import (
    INSIDE,
    LIBRARIES,
    ROOMS,
    TABLE,
    arrows_between_rooms,
    arrows_inside,
    files,
    imports,
    known_in,
    libraries,
)
from tests.prove.expectations import awaiting, load
from tests.standing import ROOT
from twin.switching.registry import declared

PRODUCT = ["suites", "fixtures", "probes", "gate", "targets", "twin", "commands"]
LONGEST_FILE = 320


def test_rooms_import_what_the_table_says_and_nothing_else() -> None:
    assert arrows_between_rooms() == {room: set(row["imports"]) for room, row in ROOMS.items()}


@pytest.mark.parametrize("room", INSIDE)
def test_the_parts_of_a_room_import_what_the_table_says_and_nothing_else(room: str) -> None:
    assert arrows_inside(room) == {part: set(others) for part, others in INSIDE[room].items()}


@pytest.mark.parametrize("room", INSIDE)
def test_no_arrow_of_a_room_leads_back(room: str) -> None:
    TopologicalSorter(INSIDE[room]).prepare()  # raises CycleError


def test_no_arrow_between_the_products_rooms_leads_back() -> None:
    TopologicalSorter({room: ROOMS[room]["imports"] for room in PRODUCT}).prepare()  # raises CycleError


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_known_where_the_table_says_and_nowhere_else(library: str) -> None:
    assert known_in(library) == set(LIBRARIES[library])


def test_every_library_has_its_place() -> None:
    assert libraries() == LIBRARIES.keys() | set(TABLE["everywhere"]["libraries"])


def test_the_suites_use_declarations_failures_and_evidence_of_the_gate_alone() -> None:
    allowed = set(TABLE["of_the_gate"]["suites"])
    wrong = {
        f"{path.name}: {name}"
        for path in files("suites")
        for name in imports(path)
        if name.startswith("gate.") and name.rpartition(".")[0] not in allowed
    }
    assert not wrong


def test_probes_know_no_pytest() -> None:
    assert not [path for path in files("probes") if "pytest" in {name.partition(".")[0] for name in imports(path)}]


FORBIDDEN = {
    "a sleep in the hope that it suffices": re.compile(r"\btime\.sleep\("),
    "a skip inside a body": re.compile(r"\bpytest\.(skip|xfail|importorskip)\("),
    "a swallowed exception": re.compile(r"except (Exception|BaseException)?:?\s*(\n\s+)pass\b"),
}


@pytest.mark.parametrize("room", ["suites", "fixtures", "probes", "gate", "targets"])
@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_habits_hold(room: str, what: str) -> None:
    assert not [path for path in files(room) if FORBIDDEN[what].search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("room", [*PRODUCT, "tests"])
def test_files_stay_readable(room: str) -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in files(room)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_every_fault_has_its_expectation_and_the_other_way_round() -> None:
    known = {key for key, one in declared().items() if not one.dependency}
    assert known == load().keys() | awaiting().keys()
    assert not load().keys() & awaiting().keys()


def test_every_expectation_turns_something_red() -> None:
    assert not [one.fault for one in load().values() if not one.turns and not one.doubts]


def test_the_healthy_code_does_not_know_its_faults() -> None:
    for path in (*files("twin/backend"), *files("twin/auth"), *files("twin/platform")):
        wrong = [name for name in imports(path) if name.startswith("twin.faults")]
        assert set(wrong) <= {"twin.switching.control", "twin.switching.registry"}, path


def test_the_lock_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--hash=sha256:" in text
