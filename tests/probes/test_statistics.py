"""The numbers that the decisions rest on."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.statistics import (
    Finding,
    decide_fraction,
    hazard_upper_bound,
    percentile,
    percentile_interval,
    survival,
    trials_to_catch,
)

PROVED_BY = [(59, 0), (93, 1), (124, 2), (208, 5), (336, 10), (500, 16), (577, 20)]


@pytest.mark.parametrize("n,slow", PROVED_BY)
def test_the_least_numbers_that_prove_less_than_five_percent(n: int, slow: int) -> None:
    assert decide_fraction(n, slow).finding is Finding.PROVED
    assert decide_fraction(n, slow + 1).finding is not Finding.PROVED
    assert decide_fraction(n - 1, slow).finding is not Finding.PROVED or n == 500


@pytest.mark.parametrize(
    "slow,finding", [(16, Finding.PROVED), (17, Finding.OPEN), (33, Finding.OPEN), (34, Finding.REFUTED)]
)
def test_five_hundred_calls_have_three_answers(slow: int, finding: Finding) -> None:
    assert decide_fraction(500, slow).finding is finding


@given(n=st.integers(1, 2000), slow=st.integers(0, 2000))
def test_one_more_slow_call_never_helps(n: int, slow: int) -> None:
    order = [Finding.PROVED, Finding.OPEN, Finding.REFUTED]
    slow = min(slow, n - 1)
    first, second = decide_fraction(n, slow).finding, decide_fraction(n, slow + 1).finding
    assert order.index(first) <= order.index(second)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values: list[float], q: float) -> None:
    found = percentile(values, q)
    assert found in values
    assert sum(value <= found for value in values) >= q * len(values) - 1e-9


def test_the_interval_of_a_percentile_covers_it_as_often_as_it_says() -> None:
    source = random.Random(7)  # noqa: S311 - a fixed sample, not a secret
    covered = 0
    for _ in range(400):
        low, high = percentile_interval([source.random() for _ in range(200)], 0.95)
        covered += low <= 0.95 <= high
    assert covered / 400 >= 0.93  # 0.95 at least, by the binomial; three standard errors are 0.033


def test_too_few_values_bound_a_high_percentile_from_below_only() -> None:
    assert percentile_interval([1.0, 2.0, 3.0], 0.95) == (2.0, math.inf)  # P(B <= 1) is 0.7 % of 2.5 %


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.95)


@pytest.mark.parametrize("hours,chance", [(20 / 6, 0.41), (100 / 6, 0.835), (58.4, 0.95)])
def test_zero_drops_bound_the_chance_of_an_hour(hours: float, chance: float) -> None:
    assert hazard_upper_bound(0, hours) == pytest.approx(3 / hours, rel=0.002)
    assert survival(hazard_upper_bound(0, hours)) == pytest.approx(chance, abs=0.005)


def test_no_exposure_bounds_nothing() -> None:
    assert hazard_upper_bound(0, 0) == math.inf
    assert survival(math.inf) == 0


def test_trials_that_miss_a_rate_of_five_percent_once_in_a_thousand() -> None:
    trials = trials_to_catch(0.05, 0.001)
    assert trials == 135
    assert 0.95**trials <= 0.001 < 0.95 ** (trials - 1)
