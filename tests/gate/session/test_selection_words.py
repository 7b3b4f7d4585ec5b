"""What a run of a selection came to, which patterns fit which cases, and what a target lacks, in words."""

from pathlib import Path

import pytest

from gate.outcomes import Outcome
from gate.run import Result, Run
from gate.session.selecting import fits, what_came
from gate.session.selection import _lacking
from tests.gate.documents import make_check, make_plan

P, F = Outcome.PASSED, Outcome.FAILED


def run_of(folder: Path, outcomes: dict[str, Outcome], *absent: str) -> Run:
    """A run of 203 collected cases, of which these were selected; `absent` have no result."""
    run = Run(plan=make_plan(folder, {}), selection="--check=a.*", collected=203)
    for name, outcome in outcomes.items():
        result = Result(check=make_check(name), case="", outcome=outcome)
        run.results[result.key] = result
        run.selected += [result.key] if outcome is not Outcome.NOT_APPLICABLE else []
    run.selected += [(name, "") for name in absent]
    return run


@pytest.mark.parametrize(
    "outcomes, absent, said",
    [
        ({"a.b": P, "a.c": P}, (), "2 of 203 selected, all passed; no verdict on the release"),
        ({"a.b": P, "a.c": F}, (), "2 of 203 selected: 1 passed, 1 failed; no verdict on the release"),
        (
            {"a.b": Outcome.PENDING, "a.c": Outcome.BROKEN, "a.d": Outcome.BROKEN},
            (),
            "3 of 203 selected: 2 broken, 1 pending; no verdict on the release",
        ),
        ({"a.b": P}, ("a.c",), "2 of 203 selected: 1 passed, 1 did not run; no verdict on the release"),
        (
            {"a.b": P, "a.c": Outcome.NOT_APPLICABLE},
            (),
            "1 of 203 selected, all passed, and 1 not applicable here; no verdict on the release",
        ),
        ({}, (), "nothing of 203 selected (--check=a.*); no verdict on the release"),
        (
            {"a.c": Outcome.NOT_APPLICABLE},
            (),
            "nothing of 203 selected (--check=a.*), and 1 not applicable here; no verdict on the release",
        ),
    ],
)
def test_a_selection_says_how_much_of_the_whole_it_is(
    tmp_path: Path, outcomes: dict[str, Outcome], absent: tuple[str, ...], said: str
) -> None:
    assert what_came(run_of(tmp_path, outcomes, *absent)) == said


@pytest.mark.parametrize(
    "pattern, fitting",
    [
        ("a.b", True),
        ("a.b[x y]", True),
        ("a.*", True),
        ("a.b[x*", True),
        ("*[x ?]", True),
        ("a.b[xy]", False),
        ("b.*", False),
        ("a", False),
    ],
)
def test_a_pattern_fits_a_check_or_one_of_its_cases(pattern: str, *, fitting: bool) -> None:
    assert fits(pattern, "a.b", "a.b[x y]") is fitting


def test_each_need_that_is_lacking_has_its_reason(tmp_path: Path) -> None:
    run = Run(plan=make_plan(tmp_path, {}))
    run.plan.lacking["db"] = "no database"  # type: ignore[index]  # a dict in this test
    assert _lacking(frozenset({"http", "db"}), run) == "needs db: no database; needs http: not offered"
    assert _lacking(frozenset(), run) == ""
