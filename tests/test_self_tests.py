"""The self-tests themselves: what is slow is said, and no assertion depends on how busy the machine is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import named
from tests.standing import ROOT

WALL = {"monotonic", "perf_counter", "time"}
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
UNRESOLVED = "Path(__file__)" + ".parents"
A_SLOW_ONE = "tests/system/test_day.py"
A_FOLDER = "tests/suites"


def limited(text: str) -> list[str]:
    """Assertions that a difference of the wall clock is less than something."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assert)]
    return [ast.unparse(one.test) for one in found if any(map(_is_limit, ast.walk(one.test)))]


def _is_limit(node: ast.AST) -> bool:
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    less = {side for side, op in zip(sides, node.ops, strict=False) if isinstance(op, ast.Lt | ast.LtE)}
    return any(
        isinstance(side, ast.BinOp) and isinstance(side.op, ast.Sub) and _reads_clock(side.left) for side in less
    )


def _reads_clock(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr in WALL) == ("time", True)
    )


def test_a_limit_in_wall_time_is_found() -> None:
    text = "begun = time.monotonic()\nwork()\nassert time.monotonic() - begun < 3\n"
    assert limited(text) == ["time.monotonic() - begun < 3"]
    assert limited(text.replace("<", ">=")) == []
    assert limited("assert watch.seconds < 3") == []


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_nothing_has_to_be_done_in_wall_time(path: Path) -> None:
    """A busy machine takes longer: wait for a state, or compare ratios, processors' time or `tests.stopwatch`."""
    assert limited(path.read_text(encoding="utf-8")) == []


def test_what_is_slow_is_skipped_with_the_command_that_runs_it() -> None:
    done = _pytest("-rs", A_SLOW_ONE)
    done.check_returncode()
    (reason,) = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert A_SLOW_ONE in reason
    assert "make test SLOW=1" in reason


def _pytest(*words: str) -> subprocess.CompletedProcess[str]:
    usual = ("-c", "tests/pytest.ini", "--rootdir=.", "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *usual, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_files_take_turns_in_being_first() -> None:
    def files(number: int) -> list[str]:
        done = _pytest("--collect-only", "-q", A_FOLDER, f"--first={number}")
        return list(dict.fromkeys(line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line))

    usual = files(0)
    assert len(usual) > 1
    assert files(1) == [*usual[1:], usual[0]]
    assert files(len(usual)) == usual


def test_files_that_come_too_late_are_skipped_with_the_command_that_runs_them() -> None:
    """A bound that has passed before the first file."""
    done = _pytest("-rs", A_FOLDER, "--begin-within=0.000001")
    done.check_returncode()
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    paths = [f"{A_FOLDER}/{path.name}" for path in sorted((ROOT / A_FOLDER).glob("test_*.py"))]
    assert [line.rpartition("make test SLOW=1 ARGS=")[2] for line in skipped] == paths
    assert " passed" not in done.stdout


def test_what_is_in_time_is_run() -> None:
    done = _pytest(A_FOLDER, "--begin-within=600", "-q")
    done.check_returncode()
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout


def test_the_suite_runs_without_the_self_tests_plugins() -> None:
    """A case with a blank in its name looks like a path to pytest, which would then also load a tests/conftest.py."""
    case = "--check=auth.refuses[issued ahead]"
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "--target=local", "--trace-config", "--collect-only"]
    done = subprocess.run([*command, case], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    registered = [line for line in done.stdout.splitlines() if line.startswith("PLUGIN registered")]
    assert any("fixtures.beside" in line for line in registered)
    assert not [line for line in registered if f"{ROOT}/tests" in line]


def test_what_lies_beside_the_project_is_looked_for_from_a_whole_path() -> None:
    """Collected with all others, a module's `__file__` has dots in it: its parents are those of another folder."""
    unresolved = [str(path) for path in sorted((ROOT / "tests").rglob("*.py")) if UNRESOLVED in path.read_text("utf-8")]
    assert unresolved == []
