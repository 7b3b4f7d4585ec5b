"""Whether values grow over a run: the test of Mann and Kendall for whether, the slope of Theil and Sen for how much.

Both look at pairs of values alone, so that neither a skewed distribution nor a few outliers decides.
"""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, combinations

EXACT_UP_TO = 40  # values; beyond it, and among ties, the normal approximation
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Trend:
    """The trend of a series, in the values' own unit.

    `chance` is the probability of at least as much order among values without a trend; `growth` is the slope times
    the length of the series; `start` is the median of its first quarter.
    """

    n: int
    chance: float
    start: float
    growth: float


def find_trend(values: Sequence[float]) -> Trend:
    """Look for growth in values of equal distance. Raises ValueError for fewer than five, or what is not finite."""
    if len(values) < FEWEST or not all(map(math.isfinite, values)):
        raise ValueError(f"a trend requires {FEWEST} finite values")
    pairs = [(late - early, there - here) for (here, early), (there, late) in combinations(enumerate(values), 2)]
    concordance = sum((change > 0) - (change < 0) for change, _ in pairs)
    slope = statistics.median(change / distance for change, distance in pairs)
    start = statistics.median(values[: max(1, len(values) // 4)])
    return Trend(len(values), _chance(concordance, values), start, slope * (len(values) - 1))


def _chance(concordance: int, values: Sequence[float]) -> float:
    """The probability of `concordance` more rising than falling pairs, or more, if all orders are equally likely."""
    n, ties = len(values), [count for count in Counter(values).values() if count > 1]
    if n <= EXACT_UP_TO and not ties:
        falling = (n * (n - 1) // 2 - concordance) // 2
        return math.fsum(_inversions(n)[: falling + 1])
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if variance <= 0:
        return 1.0
    return math.erfc((concordance - 1) / math.sqrt(2 * variance)) / 2


@cache
def _inversions(n: int) -> tuple[float, ...]:
    """The share of the orders of `n` values that have 0, 1, 2, ... falling pairs."""
    shares = [1.0]
    for size in range(2, n + 1):
        sums = [0.0, *accumulate(shares + [0.0] * (size - 1))]
        shares = [(sums[count + 1] - sums[max(0, count + 1 - size)]) / size for count in range(len(sums) - 1)]
    return tuple(shares)
