"""Exact statistics: what a number of observations proves, refutes, or leaves open."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy.special import bdtr, bdtrc, betaincinv, gammaincinv


class Finding(StrEnum):
    """What the observations say of a claim."""

    PROVED = "proved"
    REFUTED = "refuted"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class FractionDecision:
    """A decision on "less than `limit` of all calls are slow", from `slow` of `n`."""

    finding: Finding
    n: int
    slow: int
    limit: float
    confidence: float
    p_if_at_limit: float  # probability of so few slow calls (or fewer) when the true fraction is at the limit


def decide_fraction(n: int, slow: int, limit: float = 0.05, confidence: float = 0.95) -> FractionDecision:
    """Decide by the exact binomial distribution, once, on a number of calls fixed beforehand.

    Proved: so few slow calls or fewer have at most a probability of 1 - confidence at the limit. Refuted: so many
    or more have. Otherwise open. At 5 % and 95 %: 0 of 59 is the least that proves, 16 of 500 still do, 34 of 500
    refute.
    """
    few, many = float(bdtr(slow, n, limit)), float(bdtrc(slow - 1, n, limit)) if slow else 1.0
    alpha = 1 - confidence
    finding = Finding.PROVED if few <= alpha else Finding.REFUTED if many <= alpha else Finding.OPEN
    return FractionDecision(finding, n, slow, limit, confidence, few)


def percentile(values: Sequence[float], q: float) -> float:
    """The nearest-rank percentile: the smallest value that at least a share `q` of all values do not exceed."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def percentile_interval(values: Sequence[float], q: float, confidence: float = 0.95) -> tuple[float, float]:
    """A confidence interval for the percentile by order statistics: no assumption about the distribution.

    The upper end is infinite where there are too few values to bound it, the lower end 0.
    """
    ordered, alpha = sorted(values), 1 - confidence
    ranks = range(1, len(ordered) + 1)
    lower = max((rank for rank in ranks if bdtr(rank - 1, len(ordered), q) <= alpha / 2), default=0)
    upper = min((rank for rank in ranks if bdtr(rank - 1, len(ordered), q) >= 1 - alpha / 2), default=0)
    return ordered[lower - 1] if lower else 0.0, ordered[upper - 1] if upper else math.inf


def chance_of_at_least(events: int, n: int, rate: float) -> float:
    """The probability of so many events or more among `n` trials of `rate` each."""
    return float(bdtrc(events - 1, n, rate)) if events else 1.0


def fraction_upper_bound(n: int, events: int, confidence: float = 0.95) -> float:
    """The exact (Clopper-Pearson) upper bound on the share of events, after `events` of `n`; 0 of 59 gives 5 %."""
    return 1.0 if events >= n else float(betaincinv(events + 1, n - events, confidence))


def hazard_upper_bound(events: int, hours: float, confidence: float = 0.95) -> float:
    """The upper bound on events per hour after `events` in `hours` of exposure (exact Poisson; 0: about 3/hours)."""
    if hours <= 0:
        return math.inf
    return float(gammaincinv(events + 1, confidence)) / hours


def survival(hazard_per_hour: float, hours: float = 1.0) -> float:
    """The probability that a session of a constant hazard lives that long."""
    return math.exp(-hazard_per_hour * hours)


def trials_to_catch(rate: float, missed_at_most: float) -> int:
    """How many trials it takes for an event of `rate` a trial to be missed with at most that probability."""
    return math.ceil(math.log(missed_at_most) / math.log(1 - rate))
