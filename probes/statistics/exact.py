"""Exact statistics: what a number of observations proves, refutes, or leaves open.

The few functions that this needs are written out with `math`, so that a run need not install and import SciPy; a
self-test compares each of them with SciPy's.
"""

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import NewType


class Finding(StrEnum):
    """What the observations say about a claim."""

    PROVED = "proved"
    REFUTED = "refuted"
    OPEN = "open"


def binomial_pmf(n: int, p: float) -> list[float]:
    """The probability of each number of events, 0 to `n`, among `n` trials of `p` each."""
    if not 0 < p < 1:
        certain = n if p >= 1 else 0
        return [float(events == certain) for events in range(n + 1)]
    log_p, log_q, log_n = math.log(p), math.log1p(-p), math.lgamma(n + 1)
    return [
        math.exp(log_n - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * log_p + (n - k) * log_q)
        for k in range(n + 1)
    ]


def at_most(events: int, n: int, p: float) -> float:
    """The probability of at most this many events among `n` trials of `p` each."""
    if events < 0 or not 0 < p < 1:
        return float(events >= (n if p >= 1 else 0))
    log_p, log_q, log_n = math.log(p), math.log1p(-p), math.lgamma(n + 1)
    return math.fsum(
        math.exp(log_n - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * log_p + (n - k) * log_q)
        for k in range(min(events, n) + 1)
    )


def percentile(values: Sequence[float], q: float) -> float:
    """The nearest-rank percentile: the smallest value that at least a share `q` of all values do not exceed."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def percentile_interval(values: Sequence[float], q: float, confidence: float = 0.95) -> tuple[float, float]:
    """A confidence interval for the percentile by order statistics: no assumption about the distribution.

    The upper end is infinite if there are too few values to bound it, the lower end 0.
    """
    ordered, alpha = sorted(values), 1 - confidence
    ranks = range(1, len(ordered) + 1)
    below = list(accumulate(binomial_pmf(len(ordered), q)))  # of fewer than each rank
    lower = max((rank for rank in ranks if below[rank - 1] <= alpha / 2), default=0)
    upper = min((rank for rank in ranks if below[rank - 1] >= 1 - alpha / 2), default=0)
    return ordered[lower - 1] if lower else 0.0, ordered[upper - 1] if upper else math.inf


def chance_of_at_least(events: int, n: int, rate: float) -> float:
    """The probability of this many events or more among `n` trials of `rate` each."""
    return at_most(n - events, n, 1 - rate) if events else 1.0  # as many trials or fewer without the event


Share = NewType("Share", float)  # of trials, each with the event or without: 0 to 1
Rate = NewType("Rate", float)  # events per hour: not a share, but any number from 0 to infinity


def share_upper_bound(events: int, trials: int, confidence: float = 0.95) -> Share:
    """The exact (Clopper-Pearson) upper bound on the share of events, after `events` of `trials`; 0 of 59 gives 5 %.

    Without a trial it is 1: nothing is known.
    """
    if events >= trials:
        return Share(1.0)
    return Share(_where(lambda share: at_most(events, trials, share) - (1 - confidence), 0.0, 1.0))


def hazard_upper_bound(events: int, hours: float, confidence: float = 0.95) -> Rate:
    """The upper bound on events per hour after `events` in `hours` of exposure (exact Poisson; 0: about 3/hours)."""
    if hours <= 0:
        return Rate(math.inf)
    most = 20.0 + events + 12 * math.sqrt(events + 1)  # far beyond any bound that is asked for
    return Rate(_where(lambda mean: poisson_at_most(events, mean) - (1 - confidence), 0.0, most) / hours)


def poisson_at_most(events: int, mean: float) -> float:
    """The probability of at most this many events if `mean` are expected."""
    if mean <= 0:
        return 1.0
    log_mean = math.log(mean)
    return math.fsum(math.exp(k * log_mean - mean - math.lgamma(k + 1)) for k in range(events + 1))


def _where(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses zero, to the last digits that a float has."""
    while True:
        middle = (low + high) / 2
        if middle in {low, high}:
            return middle
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)


def survival(hazard_per_hour: Rate, hours: float = 1.0) -> float:
    """The probability that a session of a constant hazard lives that long."""
    return math.exp(-hazard_per_hour * hours)


def trials_to_catch(rate: float, missed_at_most: float) -> int:
    """How many trials it takes to miss an event of probability `rate` per trial with at most that probability."""
    return math.ceil(math.log(missed_at_most) / math.log(1 - rate))
