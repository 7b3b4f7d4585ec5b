"""How a soak is planned, shared among processes, and counted: holding times, shares, exposure and round trips."""

from dataclasses import replace
from math import exp

import pytest

from probes.soak.exposure import Exposure
from probes.soak.round_trips import Times
from probes.soak.shards import Shard, ShardError, shard_of
from probes.soak.soak_plan import GRACE_S
from probes.websocket.closes import CloseClass
from tests.probes.soak.books import PACE, PLAN, ledger_of, life

RESET, OURS = CloseClass.ABNORMAL, CloseClass.OURS


@pytest.mark.parametrize(
    "cut, need, duration, over",
    [(600.0, 3600.0, 7200.0, 100.0), (None, 60.0, 7200.0, 10.0), (600.0, 3600.0, 30.0, 5.0)],
)
def test_opens_are_spread_over_a_sixth_of_the_shortest_time(
    cut: float | None, need: float, duration: float, over: float
) -> None:
    plan = replace(PLAN, duration_s=duration, need_s=need, pace=replace(PACE, planned_cut_s=cut))
    assert plan.stagger_s == over


def test_sessions_are_held_until_nothing_is_owed_and_the_age_was_seen() -> None:
    plan = replace(PLAN, duration_s=7200.0)
    grace = 72.0
    assert plan.left_s(ledger_of(held=0.0)) == 7200.0 + grace
    assert plan.left_s(ledger_of(held=6000.0)) == 3600.0 + grace  # no connection was that old
    assert plan.left_s(ledger_of(life(0, 3598.9, OURS), held=6000.0)) == 3600.0 + grace
    assert plan.left_s(ledger_of(life(0, 3599.0, OURS), held=6000.0)) == 1200.0 + grace
    assert plan.left_s(ledger_of(life(0, 3599.0, OURS), held=8000.0)) == grace
    assert replace(plan, duration_s=60.0).left_s(ledger_of(held=0.0)) == 60.0 + GRACE_S
    assert replace(plan, duration_s=60.0).left_s(ledger_of(life(0, 59.0, OURS), held=60.0)) == GRACE_S == 3.0


def test_silences_are_those_at_which_proxies_cut_and_shrink_with_the_hour() -> None:
    assert [PLAN.silence_s(number) for number in range(7)] == [30, 60, 300, 600, 900, 1800, 30]
    assert replace(PLAN, hour_s=36.0).silence_s(2) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "environment, shard",
    [
        ({"NETRA_SOAK_GROUP": "night"}, Shard(0, 1, "night")),
        ({"CLOUD_RUN_EXECUTION": "job-x7"}, Shard(0, 1, "job-x7")),
        ({"NETRA_SOAK_GROUP": "night", "CLOUD_RUN_EXECUTION": "job-x7"}, Shard(0, 1, "night")),
        (
            {"CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "3", "CLOUD_RUN_EXECUTION": "job-x7"},
            Shard(2, 3, "job-x7"),
        ),
        ({"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "2", "NETRA_SOAK_GROUP": "night"}, Shard(0, 2, "night")),
        ({"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "1"}, Shard(0, 1, "")),
    ],
)
def test_a_share_is_named_by_the_platform(environment: dict[str, str], shard: Shard) -> None:
    assert shard_of(environment) == shard


@pytest.mark.parametrize(
    "environment, said",
    [
        ({"CLOUD_RUN_TASK_INDEX": "0"}, "CLOUD_RUN_TASK_INDEX is set and CLOUD_RUN_TASK_COUNT is not"),
        (
            {"JOB_COMPLETION_INDEX": "2", "JOB_COMPLETIONS": "2"},
            "JOB_COMPLETION_INDEX=2 is not below JOB_COMPLETIONS=2",
        ),
        ({"JOB_COMPLETION_INDEX": "3", "JOB_COMPLETIONS": "2"}, "JOB_COMPLETION_INDEX=3 is not below"),
        ({"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "2"}, "2 shares need a name in common: set NETRA_SOAK_GROUP"),
        ({"JOB_COMPLETION_INDEX": "-1", "JOB_COMPLETIONS": "2"}, "JOB_COMPLETION_INDEX='-1' is not a number"),
        ({"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "1234567"}, "JOB_COMPLETIONS='1234567' is not a number"),
    ],
)
def test_variables_that_contradict_each_other_name_no_share(environment: dict[str, str], said: str) -> None:
    with pytest.raises(ShardError) as caught:
        shard_of(environment)
    assert said in str(caught.value)


def test_exposure_is_counted_in_hours_and_bounds_the_chance_of_an_hour() -> None:
    lives = [life(0, 5400.0, OURS), life(1, 1800.0, RESET, at=10.0), life(1, 3600.0, RESET), life(2, 0.0, OURS)]
    exposure = Exposure(lives)
    assert (exposure.hours, exposure.oldest_s) == (3.0, 5400.0)
    assert exposure.closes == {str(OURS): 2, str(RESET): 2}
    assert exposure.early == lives[1:3]
    assert exposure.first_early == [lives[1]]
    none = Exposure([life(0, 3 * 3600.0, OURS)])
    assert none.hazard_bound() == pytest.approx(0.9986, abs=1e-4)  # 2.9957 events in 3 hours at 95 %
    assert none.hazard_bound(0.9) == pytest.approx(2.3026 / 3, abs=1e-4)
    assert none.survival_bound() == pytest.approx(exp(-0.9986), abs=1e-4)
    assert none.survival_bound(0.9, 2.0) == pytest.approx(exp(-2 * 2.3026 / 3), abs=1e-4)
    assert none.sentence() == (
        "No connection was older than 10800 s, so nothing is known about later ages; at a constant hazard, "
        "3.00 connection-hours with 0 early ends bound the chance of living an hour only to at least 0.37 (95 %)."
    )
    assert (Exposure([]).hours, Exposure([]).oldest_s, Exposure([]).moment) == (0, 0, None)


def test_a_moment_is_a_time_of_the_clock_and_spreads_by_a_second_however_late_it_is() -> None:
    start = 1_800_000_000.0
    together = [life(line, 900.0 - 100 * line, RESET, at=start + 100 * line) for line in range(4)]
    moment = Exposure(together).moment
    assert moment is not None
    assert (moment.age_s, moment.count) == (start + 900.0, 4)
    apart = [life(line, 900.0 - 90 * line, RESET, at=start + 100 * line) for line in range(4)]
    assert Exposure(apart).moment is None


def test_round_trips_are_kept_by_steps_of_five_percent() -> None:
    times = Times()
    assert (times.n, times.percentile(0.5)) == (0, None)
    for milliseconds in (1.0, 1.0, 2.0, 0.0):
        times.add(milliseconds)
    assert times.n == 4
    assert [times.percentile(share) for share in (0.25, 0.5, 0.75, 0.76, 1.0)] == [0.01, 1.0, 1.0, 2.079, 2.079]
