"""The rooms import in one direction, and the habits of CONTRIBUTING hold."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prove.expectations import load
from tests.prove.worker import ROOT
from twin.switching.registry import declared

OURS = {"commands", "suites", "fixtures", "probes", "gate", "targets", "twin", "tests"}
ALLOWED = {
    "suites": {"suites", "fixtures", "probes", "gate", "targets"},
    "fixtures": {"fixtures", "probes", "gate", "targets"},
    "probes": {"probes"},
    "gate": {"gate"},
    "targets": {"targets"},
    "twin": {"twin"},
    "commands": {"commands", "gate", "probes", "targets"},
}
OF_THE_GATE_IN_SUITES = {"gate.check", "gate.failures", "gate.evidence", "gate.run"}
LONGEST_FILE = 320


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files(room)
        for name in imports(path)
        if (top := name.partition(".")[0]) in OURS and top not in ALLOWED[room]
    }
    assert not wrong


def test_the_suites_use_declarations_failures_and_evidence_of_the_gate_alone() -> None:
    wrong = {
        f"{path.name}: {name}"
        for path in files("suites")
        for name in imports(path)
        if name.startswith("gate.") and name not in OF_THE_GATE_IN_SUITES
    }
    assert not wrong


def test_probes_know_no_pytest() -> None:
    assert not [path for path in files("probes") if "pytest" in {name.partition(".")[0] for name in imports(path)}]


def test_nothing_but_tests_imports_the_twin() -> None:
    rooms = ("suites", "fixtures", "probes", "gate", "targets")
    assert not [path for room in rooms for path in files(room) if any(n.startswith("twin") for n in imports(path))]


FORBIDDEN = {
    "a sleep in the hope that it suffices": re.compile(r"\btime\.sleep\("),
    "a skip inside a body": re.compile(r"\bpytest\.(skip|xfail|importorskip)\("),
    "a swallowed exception": re.compile(r"except (Exception|BaseException)?:?\s*(\n\s+)pass\b"),
}


@pytest.mark.parametrize("room", ["suites", "fixtures", "probes", "gate", "targets"])
@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_habits_hold(room: str, what: str) -> None:
    assert not [path for path in files(room) if FORBIDDEN[what].search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("room", [*ALLOWED, "tests"])
def test_files_stay_readable(room: str) -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in files(room)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_every_fault_has_its_expectation_and_the_other_way_round() -> None:
    known = {key for key, one in declared().items() if not one.dependency}
    assert known == load().keys()


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
