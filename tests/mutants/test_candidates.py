"""Mutants are listed, drawn and applied alike each time, and the table of survivors can be read."""

from pathlib import Path

import pytest

from tests.mutants.candidates import TWIN, Mutant, list_mutants, modules, sample
from tests.mutants.survivors import load
from tests.mutants.trying import stages
from tests.standing import ROOT

pytestmark = pytest.mark.slow

MODULE = "probes/statistics/exact.py"


def test_a_sample_is_the_same_for_the_same_seed_and_one_a_place() -> None:
    mutants = list_mutants(MODULE)
    drawn = sample(mutants, 20, 1)
    assert drawn == sample(mutants, 20, 1) != sample(mutants, 20, 2)
    assert len({(one.line, one.column) for one in drawn}) == len(drawn)


def test_a_mutant_changes_a_line_that_is_no_annotation() -> None:
    source = (ROOT / MODULE).read_text(encoding="utf-8")
    for mutant in sample(list_mutants(MODULE), 20, 1):
        changed = mutant.applied(source)
        assert changed != source
        if changed:
            before, after = mutant.told(source, changed)
            assert before != after


@pytest.mark.parametrize(
    "occurrence, changed", [(0, None), (1, "try: f()\nexcept (a.E, CosmicRayTestingException): g()\n")]
)
def test_where_the_operator_fails_nothing_is_changed(occurrence: int, changed: str | None) -> None:
    mutant = Mutant(
        module="m.py", operator="core/ExceptionReplacer", occurrence=occurrence, function="", line=2, column=0
    )
    assert mutant.applied("try: f()\nexcept (a.E, B): g()\n") == changed


def test_rooms_and_patterns_name_modules() -> None:
    assert "twin/auth/service.py" in modules(TWIN)
    assert modules([MODULE]) == [MODULE]
    assert not modules(["nowhere/*"])


@pytest.mark.parametrize("room", ["gate", "probes", "targets"])
def test_every_module_of_ours_has_tests_to_ask(room: str) -> None:
    assert not [module for module in modules([room]) if stages(module)[-1] != (f"tests/{room}",)]


def test_the_nearest_tests_are_asked_first() -> None:
    first, *others, last = stages(MODULE)
    assert first == ("tests/probes/statistics/test_exact.py",)
    assert last == ("tests/probes",)
    assert all(first[0] in one for one in others)


def test_the_tests_are_those_of_the_tree_in_which_they_run(tmp_path: Path) -> None:
    for path in (MODULE, "tests/probes/statistics/test_other.py"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("from probes.statistics.exact import percentile\n")
    assert stages(MODULE, tmp_path) == [
        ("tests/probes/statistics",),
        ("tests/probes/statistics/test_other.py",),
        ("tests/probes",),
    ]


def test_the_survivors_of_the_table_are_of_modules_that_there_are() -> None:
    assert not [one for one in load() if not (ROOT / one.module).exists()]
