"""A mutant is killed by a test that fails because of it, and by no other."""

from pathlib import Path

import pytest

from tests.mutants.trying import Bench

pytestmark = pytest.mark.slow

CONFIGURED = (
    "[pytest]\nasyncio_default_fixture_loop_scope = session\naddopts = -p no:schemathesis -p no:hypothesispytest\n"
)
TESTS = """
import pathlib

import pytest

import lib

@pytest.mark.parametrize("case", ["of its own"])
def test_that_fails_in_any_case(case):
    assert lib.OTHER == 2

def test_that_fails_once():
    seen = pathlib.Path("seen")
    first = not seen.exists()
    seen.touch()
    assert not first

def test_of_the_value():
    assert lib.VALUE == 1
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Two trees of one module and its tests, of which the first is to be changed."""
    for name in ("tree", "sound"):
        (tmp_path / name / "tests").mkdir(parents=True)
        (tmp_path / name / "tests/pytest.ini").write_text(CONFIGURED + "pythonpath = ..\n")
        (tmp_path / name / "tests/test_lib.py").write_text(TESTS)
        (tmp_path / name / "lib.py").write_text("VALUE, OTHER = 1, 1\n")
    return Bench(tree=tmp_path / "tree", sound=tmp_path / "sound")


async def test_a_test_that_passes_without_the_mutant_kills_it(bench: Bench) -> None:
    (bench.tree / "lib.py").write_text("VALUE, OTHER = 2, 1\n")
    assert await bench.killer(("tests/test_lib.py",)) == "tests/test_lib.py::test_of_the_value"


async def test_what_fails_without_it_or_now_and_then_does_not(bench: Bench) -> None:
    assert await bench.killer(("tests/test_lib.py",)) == ""
    assert bench.unsound == {
        "tests/test_lib.py::test_that_fails_in_any_case[of its own]",
        "tests/test_lib.py::test_that_fails_once",
    }
