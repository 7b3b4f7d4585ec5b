"""A trend is found where there is one, and no more often than stated where there is none."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, theilslopes

from probes.statistics.trend import EXACT_UP_TO, find_trend

SERIES = st.lists(st.floats(0, 1e6, width=32), min_size=5, max_size=30)


@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=EXACT_UP_TO, unique=True))
def test_the_chance_is_kendalls_where_it_is_exact(values: list[int]) -> None:
    expected = kendalltau(range(len(values)), values, alternative="greater", method="exact").pvalue
    assert find_trend(values).chance == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(SERIES)
def test_the_growth_is_theils_and_sens(values: list[float]) -> None:
    slope = theilslopes(values).slope
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
