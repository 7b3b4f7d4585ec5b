"""The report's story names only faults and checks that there are, and ends fixed."""

from targets.profiles import load_required
from tests.prove.expectations import load, matches
from tests.prove.reproduce import Step, read_story
from tests.prove.worker import Shown
from twin.switching.registry import declared


def test_every_name_in_it_exists() -> None:
    names = {
        f"{check}[{case}]" if case else check
        for check, cases in load_required("full", "smoke").items()
        for case in cases or ("",)
    }
    for step in read_story():
        assert set(step.faults) <= declared().keys()
        assert [one for one in (*step.red, *step.green) if not any(matches(one, name) for name in names)] == []


def test_it_begins_as_reported_and_ends_fixed() -> None:
    story = read_story()
    assert (story[0].red != (), story[-1].faults, story[-1].red) == (True, (), ())


def test_a_fix_as_written_shows_what_its_own_fault_must_turn() -> None:
    table = load()
    for step in read_story():
        for fault in step.faults:
            if fault.startswith("as-written."):
                assert set(step.red) & set(table[fault].turns)


def test_a_run_that_is_not_as_told_is_said() -> None:
    step = Step(title="a", says="b", faults=("x",), red=("auth.outage",), green=("health.*",))
    shown = Shown(fault="x", exit_code=0, red={"health.fresh": "FAILED"}, cases=(), seconds=1.0, reason="")
    assert step.problems(shown) == ["auth.outage is not red", "health.fresh is not green", "exit code 0 instead of 1"]
