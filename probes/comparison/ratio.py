"""How many times as long the candidate takes, from pairs; and whether it fails more often: exact, and pure.

The ratio is the Hodges-Lehmann estimate of the logarithms of the pairs' ratios, with the interval that inverts
Wilcoxon's signed-rank test by its exact distribution. Two revisions that differ by a factor alone have log ratios that
are symmetric about it, whatever their times look like.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from probes.statistics.exact import Finding

NOTHING = (0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The candidate's times over the serving revision's."""

    n: int
    value: float
    low: float  # one-sided bounds, each at the confidence that was asked for
    high: float

    def finding(self, limit: float) -> Finding:
        """Whether the candidate takes at most `limit` times as long. Open without pairs, whatever the limit."""
        if self.low > limit:
            return Finding.REFUTED
        return Finding.PROVED if self.high <= limit else Finding.OPEN


def paired_ratio(pairs: Sequence[tuple[float, float]], alpha: float) -> Ratio:
    """The ratio of the second of each pair to the first, with one-sided bounds that are wrong with chance `alpha`.

    Raises:
        ValueError: A time of 0 or less, or one that is not a number: a clock that stood still measures nothing.
    """
    if any(not (math.isfinite(one) and one > 0) for pair in pairs for one in pair):
        raise ValueError("a time that is not above 0: it was not measured")
    logs = [math.log(candidate / serving) for serving, candidate in pairs]
    averages = sorted((logs[i] + logs[j]) / 2 for i in range(len(logs)) for j in range(i, len(logs)))
    if not averages:
        return Ratio(0, math.nan, *NOTHING)
    middle = (averages[(len(averages) - 1) // 2] + averages[len(averages) // 2]) / 2
    rank = critical_rank(len(logs), alpha)
    low, high = (math.exp(averages[rank - 1]), math.exp(averages[-rank])) if rank else NOTHING
    return Ratio(len(logs), math.exp(middle), low, high)


@cache
def critical_rank(n: int, alpha: float) -> int:
    """The largest k for which a signed-rank sum of n pairs is below k with a chance of at most `alpha`; 0: none."""
    below, sums = 0, signed_rank_sums(n)
    for k, count in enumerate(sums):
        below += count
        if below > alpha * 2**n:
            return k
    return 0  # no pairs


def signed_rank_sums(n: int) -> list[int]:
    """In how many of the 2^n ways of signs the positive ranks 1..n add up to 0, 1, 2, ..."""
    width = n // 8 + 1  # bytes that hold any of the counts
    ways = 1
    for rank in range(1, n + 1):  # a polynomial in 2^(8 width): (1 + x)(1 + x^2)...(1 + x^n)
        ways += ways << (8 * width * rank)
    most = n * (n + 1) // 2
    packed = ways.to_bytes(width * (most + 1), "little")
    return [int.from_bytes(packed[width * k : width * (k + 1)], "little") for k in range(most + 1)]


def fisher_exact(events: int, trials: int, other_events: int, other_trials: int) -> float:
    """Fisher's exact test, one-sided: the chance of at least as many of all events among these trials by luck alone.

    1 where there are no trials on a side: nothing is known of it.
    """
    if not trials or not other_trials:
        return 1.0
    all_events, everything = events + other_events, trials + other_trials
    ways = sum(
        math.comb(trials, k) * math.comb(other_trials, all_events - k)
        for k in range(events, min(trials, all_events) + 1)
    )
    return ways / math.comb(everything, all_events)
