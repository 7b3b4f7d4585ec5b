"""The ids of runs."""

from datetime import UTC, datetime, timedelta

from msgspec import convert

from gate.run import new_run_id
from gate.verdict_document import RunId

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_ids_sort_as_the_runs_began_within_a_second_too() -> None:
    moments = [NOON + timedelta(milliseconds=after) for after in range(0, 2000, 7)]
    ids = [new_run_id(moment) for moment in moments]

    assert ids == sorted(ids)
    assert [convert(run_id, RunId) for run_id in ids] == ids, "the schema wants another form"


def test_ids_of_one_moment_differ() -> None:
    assert len({new_run_id(NOON) for _ in range(20)}) > 1
