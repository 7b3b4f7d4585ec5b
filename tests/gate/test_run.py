"""The ids of runs, and how a run is shown among the locals of a failure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import convert

from gate.outcomes import Outcome
from gate.run import Result, Run, new_run_id
from gate.verdict_document import RunId
from targets.loading import describe_target
from tests.gate.documents import make_check, make_plan

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_ids_sort_as_the_runs_began_within_a_second_too() -> None:
    moments = [NOON + timedelta(milliseconds=after) for after in range(0, 2000, 7)]
    ids = [new_run_id(moment) for moment in moments]

    assert ids == sorted(ids)
    assert [convert(run_id, RunId) for run_id in ids] == ids, "the schema wants another form"


def test_ids_of_one_moment_differ() -> None:
    assert len({new_run_id(NOON) for _ in range(20)}) > 1


def test_what_stands_in_the_locals_of_each_failure_is_shown_short(tmp_path: Path) -> None:
    run = Run(plan=make_plan(tmp_path, {}))
    for number in range(300):
        result = Result(check=make_check(f"a.number-{number}"), case="", outcome=Outcome.FAILED)
        run.results[result.key] = result
    target = describe_target("local")
    assert repr(run) == f"Run('{run.id}')"
    assert (repr(target), repr(target.contract)) == ("Target('local')", "Contract(...)")
