"""The ratio of paired times, its error rate, and the wrong answers that canary judges are known for."""

import math
import random

import pytest
import scipy  # its parts are imported when they are used

from probes.comparison.ratio import critical_rank, fisher_exact, paired_ratio, signed_rank_sums
from probes.statistics.exact import Finding

ALPHA, LIMIT = 0.05, 1.25


@pytest.mark.parametrize("n", [1, 2, 5, 11, 20, 47])
def test_the_distribution_is_the_exact_one(n: int) -> None:
    sums = signed_rank_sums(n)
    assert sum(sums) == 2**n
    assert sums == sums[::-1]
    assert len(sums) == n * (n + 1) // 2 + 1


@pytest.mark.parametrize("n", [5, 10, 25, 40])
def test_the_decision_is_scipys_signed_rank_test(n: int) -> None:
    chance = random.Random(n)  # noqa: S311 - a simulation
    for _ in range(40):
        times = [(chance.lognormvariate(3, 0.5), chance.lognormvariate(3.2, 0.5)) for _ in range(n)]
        logs = [math.log(candidate / serving / LIMIT) for serving, candidate in times]
        theirs = scipy.stats.wilcoxon(logs, alternative="greater", method="exact").pvalue
        assert (paired_ratio(times, ALPHA).low > LIMIT) == (theirs <= ALPHA)


def test_the_smallest_number_of_pairs_that_can_decide_at_five_per_cent_is_five() -> None:
    assert [critical_rank(n, ALPHA) for n in (0, 1, 4, 5, 10)] == [0, 0, 0, 1, 11]


@pytest.mark.parametrize("spread", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("n", [20, 40])
def test_the_error_rates_are_held_at_the_limit_itself(n: int, spread: float) -> None:
    """A candidate exactly at the limit is refuted, and proved, in at most 5 % of runs; skewed times with outliers."""
    chance = random.Random(f"{n} {spread}")  # noqa: S311 - a simulation
    refuted, proved, runs = 0, 0, 1_000

    def time_of(factor: float) -> float:
        slow = 20.0 if chance.random() < 0.05 else 1.0
        return 10.0 * factor * slow * chance.lognormvariate(0, spread)

    for _ in range(runs):
        finding = paired_ratio([(time_of(1.0), time_of(LIMIT)) for _ in range(n)], ALPHA).finding(LIMIT)
        refuted += finding is Finding.REFUTED
        proved += finding is Finding.PROVED
    assert scipy.stats.binom.sf(refuted - 1, runs, ALPHA) > 1e-4
    assert scipy.stats.binom.sf(proved - 1, runs, ALPHA) > 1e-4


def test_equal_revisions_are_proved_and_slow_ones_are_refuted() -> None:
    chance = random.Random(3)  # noqa: S311 - a simulation

    def times(factor: float) -> list[tuple[float, float]]:
        return [(chance.lognormvariate(2, 0.2), factor * chance.lognormvariate(2, 0.2)) for _ in range(40)]

    assert paired_ratio(times(1.0), ALPHA).finding(LIMIT) is Finding.PROVED
    assert paired_ratio(times(1.5), ALPHA).finding(LIMIT) is Finding.REFUTED
    assert paired_ratio(times(1.25), ALPHA).finding(LIMIT) is Finding.OPEN


def test_seven_hundreds_and_three_ones_against_ones_are_refuted() -> None:
    """Known of Kayenta: its test of ranks called them alike."""
    pairs = [(1.0, 100.0)] * 7 + [(1.0, 1.0)] * 3
    assert paired_ratio(pairs, ALPHA).finding(LIMIT) is Finding.REFUTED


@pytest.mark.parametrize("pairs", [[], [(1.0, 1.0)], [(1.0, 1.0)] * 4])
def test_no_data_and_too_little_of_it_never_pass(pairs: list[tuple[float, float]]) -> None:
    assert paired_ratio(pairs, ALPHA).finding(LIMIT) is Finding.OPEN


@pytest.mark.parametrize("pair", [(0.0, 5.0), (5.0, 0.0), (0.0, 0.0), (-1.0, 1.0), (math.nan, 1.0), (1.0, math.inf)])
def test_a_metric_that_is_zero_on_a_side_is_no_measurement(pair: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not above 0"):
        paired_ratio([(1.0, 1.0)] * 20 + [pair], ALPHA)


@pytest.mark.parametrize(
    "table", [(3, 40, 0, 80), (0, 40, 0, 80), (6, 6, 0, 6), (1, 10, 5, 10), (4, 4, 4, 4), (2, 300, 1, 2700)]
)
def test_so_many_failures_have_fishers_chance(table: tuple[int, int, int, int]) -> None:
    events, trials, other, others = table
    theirs = scipy.stats.fisher_exact(
        [[events, trials - events], [other, others - other]], alternative="greater"
    ).pvalue
    assert fisher_exact(*table) == pytest.approx(theirs)


def test_where_nobody_was_asked_nothing_is_known() -> None:
    assert fisher_exact(0, 0, 0, 100) == fisher_exact(5, 5, 0, 0) == 1.0
