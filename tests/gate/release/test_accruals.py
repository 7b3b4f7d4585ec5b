"""Windows and shards: what they come to together, and that less or worse never comes to more."""

from typing import Any

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence import Recorder
from gate.figures import Accrual
from gate.outcomes import Outcome
from gate.release.accruals import Accrued, hazard_bound, unknown_need
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


@pytest.mark.parametrize("events, hours", [(1, 1.0), (2, 10.0), (7, 0.5), (40, 1000.0)])
def test_the_bound_is_where_so_few_events_have_a_chance_of_five_percent(events: int, hours: float) -> None:
    bound = hazard_bound(events, hours)
    assert bound is not None
    assert float(scipy.stats.poisson(bound * hours).cdf(events)) == pytest.approx(0.05, rel=1e-9)


def test_windows_say_what_they_cover_and_what_is_missing() -> None:
    found = accrue(accruals(window(0, 6, n=3), window(6, 12, n=4), window(13, 14, n=9), window(20, 21, proved=False)))
    assert found.reason == (
        "12 of 24 hours without a gap; not covered: 2026-11-20T12:00:00Z to 2026-11-20T13:00:00Z; "
        "1 windows of a source that was not proved alive do not count"
    )
    assert found.owed_until == "2026-11-21T13:00:00Z"
    figure = found.figure
    assert (figure.n, figure.value, figure.unit, figure.limit) == (7, 0.0, "events", 0.0)
    assert (figure.covered_s, figure.need_s) == (43_200, 86_400)
    assert figure.window == "2026-11-20T00:00:00Z to 2026-11-20T12:00:00Z"
    none = accrue(accruals(window(0, 6, proved=False)))
    assert (none.figure.window, none.figure.n, none.figure.covered_s) == ("no proved window", 0, 0)
    assert (none.owed_until, none.reason.partition(";")[0]) == ("", "0 of 24 hours without a gap")


@pytest.mark.parametrize(
    "windows, n, hours",
    [
        ([window(0, 6, n=3), window(3, 9, n=5)], 5, 9),
        ([window(0, 6, n=5), window(3, 9, n=3)], 5, 9),
        ([window(0, 6, n=3), window(6, 9, n=5)], 8, 9),
        ([window(0, 9, n=3), window(2, 5, n=1)], 3, 9),
        ([window(0, 1, n=3), window(2, 5, n=1)], 1, 3),
    ],
)
def test_requests_are_added_only_of_windows_that_share_no_time(windows: list[Any], n: int, hours: int) -> None:
    figure = accrue(accruals(*windows)).figure
    assert (figure.n, figure.covered_s) == (n, hours * 3600)


def test_events_are_told_with_their_times_and_the_figure_stays() -> None:
    found = accrue(accruals(window(0, 1, events=2), window(1, 2), window(2, 3, events=1, proved=False)))
    assert found.outcome is Outcome.FAILED
    assert found.reason == (
        "expected none, got 3: 2 in 2026-11-20T00:00:00Z to 2026-11-20T01:00:00Z, "
        "1 in 2026-11-20T02:00:00Z to 2026-11-20T03:00:00Z"
    )
    assert (found.figure.value, found.owed_until) == (3.0, "")


def test_a_soaks_figure_is_that_of_its_proved_shards() -> None:
    found = accrue(accruals(shard(0, 3), shard(1, 3, proved=False)))
    assert found.reason == "soak soak-1: missing shard 2 of 3; unproved shard 1 of 3"
    figure = found.figure
    assert (figure.n, figure.value, figure.unit, figure.confidence) == (10, 0.0, "closes", 0.95)
    assert (figure.window, figure.need_s) == ("10 connection-hours in 1 shards", 3600)
    lone = accrue(accruals(shard(0, 1, proved=False, group="")))
    assert lone.reason == "soak without a group: unproved shard 0 of 1"
    two = accrue(accruals(shard(0, 2, group="b"), shard(1, 2, group="a")))
    assert two.reason == "soak a: missing shard 0 of 2; soak b: missing shard 1 of 2"


def test_a_shards_best_run_counts() -> None:
    longer = shard(0, 1) | {"hours": 12.0}
    for shards in ([shard(0, 1), longer], [longer, shard(0, 1)]):
        assert accrue(accruals(*shards)).figure.details["hours"] == 12
    unproved = shard(0, 1, proved=False) | {"hours": 99.0}
    assert accrue(accruals(shard(0, 1), unproved)).figure.details["hours"] == 10


def test_of_a_claim_without_a_length_only_events_count() -> None:
    found = unknown_need(accruals(window(0, 1, events=2), window(1, 2, events=1)))
    assert (found.outcome, found.reason) == (Outcome.FAILED, "expected none, got 3")
    assert (found.figure.n, found.figure.value, found.figure.limit) == (2, 3, 0.0)
    quiet = unknown_need(accruals(window(0, 1)))
    assert quiet.outcome is Outcome.PENDING
    assert quiet.reason == "the contract in force does not say how long this takes"


def test_an_accrual_of_another_kind_proves_nothing_and_its_events_count() -> None:
    both_kinds = accruals(*HOURLY, shard(0, 1))
    assert accrue(both_kinds).figure.covered_s == 86_400
    other = come_to(both_kinds, NEEDS["websocket.one-hour"])
    assert (other.outcome, other.figure.n) == (Outcome.PASSED, 10)
    assert accrue(accruals(*HOURLY, shard(0, 1, events=1))).outcome is Outcome.FAILED
    none = come_to(accruals(*HOURLY), NEEDS["websocket.one-hour"])
    assert (none.outcome, none.reason) == (Outcome.PENDING, "no share of a soak")


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
