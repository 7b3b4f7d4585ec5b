"""A trend is found where there is one, and no more often than stated where there is none."""

import random
from collections.abc import Sequence
from itertools import combinations, permutations

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from probes.statistics.trend import EXACT_UP_TO, Trend, find_trend

SERIES = st.lists(st.floats(0, 1e6, width=32), min_size=5, max_size=30)


@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=EXACT_UP_TO, unique=True))
def test_the_chance_is_kendalls_where_it_is_exact(values: list[int]) -> None:
    expected = scipy.stats.kendalltau(range(len(values)), values, alternative="greater", method="exact").pvalue
    assert find_trend(values).chance == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(SERIES)
def test_the_growth_is_theils_and_sens(values: list[float]) -> None:
    slope = scipy.stats.theilslopes(values).slope
    assert find_trend(values).growth == pytest.approx(slope * (len(values) - 1), rel=1e-6, abs=1e-3)


@given(SERIES)
def test_what_does_not_rise_has_no_trend(values: list[float]) -> None:
    assert find_trend(sorted(values, reverse=True)).growth <= 0
    assert find_trend([7.0] * len(values)).growth == 0


@pytest.mark.parametrize("n", [12, 60])
def test_values_without_a_trend_are_called_growing_as_often_as_stated(n: int) -> None:
    rng, trials = random.Random(7), 2_000  # noqa: S311 - a simulation
    found = sum(find_trend([rng.expovariate(1.0) for _ in range(n)]).chance <= 0.05 for _ in range(trials))
    assert found <= 0.05 * trials + 4 * (0.05 * 0.95 * trials) ** 0.5


def test_a_few_outliers_neither_make_nor_hide_a_trend() -> None:
    rng = random.Random(3)  # noqa: S311 - a simulation
    flat = [5 + rng.random() for _ in range(40)]
    rising = [value + index * 0.5 for index, value in enumerate(flat)]
    for at in (3, 20, 38):
        flat[at], rising[at] = 500.0, 500.0
    assert find_trend(flat).chance > 0.001
    assert find_trend(rising).chance < 0.001
    assert find_trend(rising).growth == pytest.approx(39 * 0.5, rel=0.1)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [1.0, 2.0, 3.0, 4.0, float("inf")]])
def test_too_few_values_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="requires 5"):
        find_trend(values)


def order_of(values: Sequence[float]) -> int:
    """How many more pairs of values rise than fall."""
    return sum((late > early) - (late < early) for early, late in combinations(values, 2))


@pytest.mark.parametrize("values", [(1, 1, 2, 3, 3, 3, 4), (3, 1, 2, 1, 3, 4, 3), (0.2, 0.1, 0.2, 0.3, 0.1, 0.2, 0.2)])
def test_among_ties_the_chance_is_by_the_variance_over_all_orders(values: Sequence[float]) -> None:
    orders = [order_of(order) for order in permutations(values)]
    deviation = (sum(one * one for one in orders) / len(orders)) ** 0.5  # their mean is 0
    expected = float(scipy.stats.norm.sf((order_of(values) - 1) / deviation))
    assert find_trend(values).chance == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n, within", [(EXACT_UP_TO, 1e-12), (EXACT_UP_TO + 1, 6e-4), (120, 6e-4)])
def test_the_chance_of_many_values_is_nearly_the_exact_one(n: int, within: float) -> None:
    rng = random.Random(11)  # noqa: S311 - a fixed sample, not a secret
    for rise in (-0.01, 0.0, 0.01):
        values = [rng.random() / 1000 + rise / 1000 * place for place in range(n)]
        expected = scipy.stats.kendalltau(range(n), values, alternative="greater", method="exact").pvalue
        assert find_trend(values).chance == pytest.approx(expected, abs=within, rel=1e-9)


def test_values_that_are_all_equal_have_no_trend_at_all() -> None:
    assert find_trend([7.0] * 8) == Trend(n=8, chance=1.0, start=7.0, growth=0.0)


@pytest.mark.parametrize(
    "values, start", [((9, 5, 1, 2, 3), 9), ((4, 8, 1, 1, 1, 1, 1, 1), 6), (range(13), 1), (range(12), 1)]
)
def test_a_series_starts_at_the_median_of_its_first_quarter(values: Sequence[float], start: float) -> None:
    assert find_trend(values).start == start
