"""The numbers that the decisions rest on."""

import math
import random

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from gate.release.accruals import hazard_bound
from probes.statistics.exact import (
    Finding,
    Rate,
    at_most,
    binomial_pmf,
    chance_of_at_least,
    hazard_upper_bound,
    percentile,
    percentile_interval,
    poisson_at_most,
    share_upper_bound,
    survival,
    trials_to_catch,
)
from tests.probes.exact import decide_fraction

PROVED_BY = [(59, 0), (93, 1), (124, 2), (208, 5), (336, 10), (500, 16), (577, 20)]


@pytest.mark.parametrize("n,slow", PROVED_BY)
def test_the_least_numbers_that_prove_less_than_five_percent(n: int, slow: int) -> None:
    assert decide_fraction(n, slow) is Finding.PROVED
    assert decide_fraction(n, slow + 1) is not Finding.PROVED
    assert decide_fraction(n - 1, slow) is not Finding.PROVED or n == 500


@pytest.mark.parametrize(
    "slow,finding", [(16, Finding.PROVED), (17, Finding.OPEN), (33, Finding.OPEN), (34, Finding.REFUTED)]
)
def test_five_hundred_calls_have_three_answers(slow: int, finding: Finding) -> None:
    assert decide_fraction(500, slow) is finding


@given(n=st.integers(1, 2000), slow=st.integers(0, 2000))
def test_one_more_slow_call_never_helps(n: int, slow: int) -> None:
    order = [Finding.PROVED, Finding.OPEN, Finding.REFUTED]
    slow = min(slow, n - 1)
    first, second = decide_fraction(n, slow), decide_fraction(n, slow + 1)
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


@pytest.mark.parametrize("n,q", [(9, 0.5), (60, 0.5), (60, 0.9), (200, 0.95), (1_000, 0.99)])
def test_the_interval_of_a_percentile_is_the_narrowest_of_its_ranks(n: int, q: float) -> None:
    """The percentile lies between two ranks if at least `low` and fewer than `high` values are below it."""
    low, high = map(int, percentile_interval(range(1, n + 1), q))  # each value is its rank
    below = scipy.stats.binom(n, q).cdf
    assert below(low - 1) <= 0.025 < below(low)
    assert below(high - 2) < 0.975 <= below(high - 1)


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
    assert survival(Rate(math.inf)) == 0


def test_trials_that_miss_a_rate_of_five_percent_once_in_a_thousand() -> None:
    trials = trials_to_catch(0.05, 0.001)
    assert trials == 135
    assert 0.95**trials <= 0.001 < 0.95 ** (trials - 1)


SHARES = st.floats(1e-4, 0.9999)


@given(n=st.integers(1, 3000), events=st.integers(0, 3000), share=SHARES)
def test_binomial_probabilities_are_scipys(n: int, events: int, share: float) -> None:
    events = min(events, n)
    assert at_most(events, n, share) == pytest.approx(float(scipy.special.bdtr(events, n, share)), rel=1e-9, abs=1e-14)
    assert chance_of_at_least(events, n, share) == pytest.approx(
        float(scipy.special.bdtrc(events - 1, n, share)) if events else 1.0, rel=1e-9, abs=1e-14
    )


@given(n=st.integers(1, 500), share=SHARES)
def test_the_mass_function_is_scipys(n: int, share: float) -> None:
    assert binomial_pmf(n, share) == pytest.approx(
        list(scipy.stats.binom.pmf(range(n + 1), n, share)), rel=1e-9, abs=1e-14
    )


@given(n=st.integers(1, 5000), events=st.integers(0, 200), confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_the_bound_on_a_share_is_scipys(n: int, events: int, confidence: float) -> None:
    expected = 1.0 if events >= n else float(scipy.special.betaincinv(events + 1, n - events, confidence))
    assert share_upper_bound(events, n, confidence) == pytest.approx(expected, rel=1e-9)


@given(events=st.integers(0, 500), hours=st.floats(0.01, 1e5))
def test_the_bound_on_a_hazard_is_scipys(events: int, hours: float) -> None:
    expected = float(scipy.special.gammaincinv(events + 1, 0.95)) / hours
    assert hazard_upper_bound(events, hours) == pytest.approx(expected, rel=1e-9)
    assert hazard_bound(events, hours) == pytest.approx(expected, rel=1e-9)


@given(events=st.integers(0, 500), mean=st.floats(0, 1000))
def test_poisson_probabilities_are_scipys(events: int, mean: float) -> None:
    assert poisson_at_most(events, mean) == pytest.approx(float(scipy.special.pdtr(events, mean)), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("share,certain", [(0.0, 0), (1.0, 4)])
def test_certain_events_need_no_logarithm(share: float, certain: int) -> None:
    assert binomial_pmf(4, share)[certain] == 1.0
    assert at_most(certain, 4, share) == 1.0
    assert at_most(certain - 1, 4, share) == 0.0
