"""Looking at a measurement before it is finished, with error rates that hold all the same.

Testing again and again by the rule for one test makes false answers more likely with every look. A group-sequential
plan fixes the looks beforehand and spends the allowed error over them; its rates are computed exactly, by following
the distribution of slow calls among the runs that have not ended yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import binom

from probes.statistics import Finding

ONE_LOOK_BELOW = 480  # calls: shorter measurements are judged once, at their end


@dataclass(frozen=True, slots=True)
class Look:
    """After `n` calls: proved with at most, refuted with at least so many slow ones; in between, go on."""

    n: int
    prove_at_most: int  # -1: can't be proved at this look
    refute_at_least: int

    def find(self, slow: int) -> Finding:
        """What so many slow calls of `n` mean at this look."""
        if slow <= self.prove_at_most:
            return Finding.PROVED
        return Finding.REFUTED if slow >= self.refute_at_least else Finding.OPEN


@dataclass(frozen=True, slots=True)
class Rates:
    """How a plan answers when the true share of slow calls is known, and how many calls it takes on average."""

    proved: float
    refuted: float
    mean_calls: float


def look_sizes(cap: int) -> tuple[int, ...]:
    """After how many calls to look: at an eighth, a quarter, half of the cap and at the cap; once for a short one."""
    return (cap,) if cap < ONE_LOOK_BELOW else (cap // 8, cap // 4, cap // 2, cap)


@cache
def make_plan(sizes: tuple[int, ...], limit: float = 0.05, confidence: float = 0.95) -> tuple[Look, ...]:
    """The looks of a plan for "less than `limit` of all calls are slow".

    With the true share at the limit, the chance of PROVED at any look is at most 1 - confidence in all, and so is
    the chance of REFUTED; both are spent in proportion to the calls made. One look alone is the exact binomial test.
    """
    spent_low = spent_high = 0.0
    alive = np.array([1.0])  # probability of each number of slow calls among runs that go on
    looks, before = [], 0
    for n in sizes:
        alive = np.convolve(alive, binom.pmf(np.arange(n - before + 1), n - before, limit))
        allowed = (1 - confidence) * n / sizes[-1]
        below = np.cumsum(alive)
        above = np.cumsum(alive[::-1])[::-1]
        low = int(np.searchsorted(below, allowed - spent_low, side="right")) - 1
        within = np.nonzero(above <= allowed - spent_high)[0]
        high = int(within[0]) if len(within) else n + 1
        spent_low += float(below[low]) if low >= 0 else 0.0
        spent_high += float(above[high]) if high < len(above) else 0.0
        looks.append(Look(n, low, high))
        alive = np.where((np.arange(len(alive)) > low) & (np.arange(len(alive)) < high), alive, 0.0)
        before = n
    return tuple(looks)


def rates(plan: Sequence[Look], share: float) -> Rates:
    """Exactly how a plan answers when this share of all calls is slow."""
    alive = np.array([1.0])
    proved = refuted = mean = 0.0
    before = 0
    for look in plan:
        mean += float(alive.sum()) * (look.n - before)
        alive = np.convolve(alive, binom.pmf(np.arange(look.n - before + 1), look.n - before, share))
        slow = np.arange(len(alive))
        proved += float(alive[slow <= look.prove_at_most].sum())
        refuted += float(alive[slow >= look.refute_at_least].sum())
        alive = np.where((slow > look.prove_at_most) & (slow < look.refute_at_least), alive, 0.0)
        before = look.n
    return Rates(proved, refuted, mean)
