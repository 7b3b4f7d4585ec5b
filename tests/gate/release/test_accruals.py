"""Windows and shards: what they come to together, and that less or worse never comes to more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence import Recorder
from gate.figures import Accrual
from gate.outcomes import Outcome
from gate.release.accruals import Accrued, hazard_bound
from gate.release.accruals import accrue as come_to
from tests.gate.release.stores import NEEDS, shard, window


def accruals(*told: dict[str, Any]) -> list[Accrual]:
    recorder = Recorder()
    for one in told:
        recorder.accrue(**one)
    return list(recorder.accruals)


def accrue(told: list[Accrual]) -> Accrued:
    """What they come to by the contract of these tests: a day of windows, or an hour of every shard."""
    kind = told[0].kind
    return come_to(told, next(need for need in NEEDS.values() if need.kind == kind))


HOURLY = [window(hour, hour + 1) for hour in range(24)]
SHARDS = [shard(number, 4) for number in range(4)]


def test_hourly_windows_that_touch_cover_the_day() -> None:
    found = accrue(accruals(*HOURLY))
    assert found.outcome is Outcome.PASSED
    assert (found.figure.n, found.figure.covered_s) == (240, 86_400)


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
def test_overlapping_windows_do_not_count_twice(order: int) -> None:
    found = accrue(accruals(*[window(hour, hour + 13) for hour in (0, 11)][::order]))
    assert found.outcome is Outcome.PASSED
    assert found.figure.n == 10


def test_a_gap_starts_afresh_and_is_named() -> None:
    found = accrue(accruals(window(0, 12), window(12.001, 24.2)))
    assert found.outcome is Outcome.PENDING
    assert "2026-11-20T12:00:00Z to 2026-11-20T12:00:03Z" in found.reason
    assert found.owed_until == "2026-11-21T12:00:03Z"


def test_a_window_that_was_not_proved_is_a_gap() -> None:
    found = accrue(accruals(*HOURLY[:5], window(5, 6, proved=False), *HOURLY[6:]))
    assert found.outcome is Outcome.PENDING
    assert "not proved alive" in found.reason


def test_a_day_without_a_request_proves_nothing() -> None:
    found = accrue(accruals(window(0, 24, n=0)))
    assert (found.outcome, found.reason) == (
        Outcome.PENDING,
        "24 of 24 hours without a gap, but without a single request",
    )


def test_one_event_fails_the_day_whether_or_not_its_window_was_proved() -> None:
    found = accrue(accruals(*HOURLY[:23], window(23, 24, events=1, proved=False)))
    assert found.outcome is Outcome.FAILED
    assert "2026-11-20T23:00:00Z" in found.reason


def test_every_shard_there_proves_the_soak_with_the_bound_of_all_hours() -> None:
    found = accrue(accruals(*SHARDS))
    assert found.outcome is Outcome.PASSED
    assert found.figure.details["hours"] == 40
    assert found.figure.hazard_per_hour == pytest.approx(3.0 / 40, rel=0.01)


def test_a_missing_shard_is_named() -> None:
    found = accrue(accruals(*SHARDS[:2], SHARDS[3]))
    assert (found.outcome, found.reason) == (Outcome.PENDING, "soak soak-1: missing shard 2 of 4")


def test_a_second_soak_does_not_make_good_for_a_shard_that_vanished() -> None:
    again = [shard(number, 4, group="soak-2") for number in range(4)]
    assert accrue(accruals(*SHARDS[:3], *again)).outcome is Outcome.PENDING


def test_a_shard_run_twice_counts_once() -> None:
    found = accrue(accruals(*SHARDS, shard(0, 4), shard(1, 4, proved=False)))
    assert found.outcome is Outcome.PASSED
    assert found.figure.details["hours"] == 40


def test_a_shard_that_ended_early_is_too_short() -> None:
    short = shard(3, 4)
    short["end"] = short["start"] + (short["end"] - short["start"]) / 2
    assert accrue(accruals(*SHARDS[:3], short)).reason == "soak soak-1: too short shard 3 of 4"


def test_the_bound_with_events_is_the_exact_poisson_one() -> None:
    assert hazard_bound(0, 100) == pytest.approx(0.02996, rel=1e-3)
    assert hazard_bound(1, 100) == pytest.approx(0.04744, rel=1e-3)
    assert hazard_bound(3, 0) is None


GOODNESS = {Outcome.FAILED: 0, Outcome.PENDING: 1, Outcome.PASSED: 2}
WINDOWS = st.lists(
    st.builds(
        lambda start, length, proved, events, n: window(start, start + length, proved=proved, events=events, n=n),
        st.integers(0, 30),
        st.sampled_from([1, 6, 12, 24]),
        st.booleans() | st.just(value=True),
        st.just(0) | st.integers(0, 1),
        st.integers(0, 3),
    ),
    min_size=2,
    max_size=8,
)
SOAKS = st.lists(
    st.builds(
        lambda number, proved, events, group: shard(number, 3, proved=proved, events=events, group=group),
        st.integers(0, 2),
        st.booleans() | st.just(value=True),
        st.just(0) | st.integers(0, 1),
        st.sampled_from(["a", "b"]),
    ),
    min_size=2,
    max_size=8,
)


@given(told=WINDOWS | SOAKS, which=st.integers(0, 7), how=st.sampled_from(["gone", "unproved", "event"]))
def test_worse_or_less_never_comes_to_more(told: list[dict[str, Any]], which: int, how: str) -> None:
    which %= len(told)
    groups = {one.get("group") for one in told}
    if how == "gone":
        rest = told[:which] + told[which + 1 :]
        if told[which]["events"] or {one.get("group") for one in rest} != groups:
            return  # what is lost with all its traces can't be missed here: the gate remembers what it was given
    else:
        worse = told[which] | ({"proved": False} if how == "unproved" else {"events": told[which]["events"] + 1})
        rest = [*told[:which], worse, *told[which + 1 :]]
    before, after = accrue(accruals(*told)).outcome, accrue(accruals(*rest)).outcome
    assert GOODNESS[after] <= GOODNESS[before]
