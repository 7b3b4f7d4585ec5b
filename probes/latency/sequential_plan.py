"""Looking at a measurement before it is finished, with error rates that still hold.

Testing again and again by the rule for one test makes false answers more likely with every look. A group-sequential
plan fixes the looks beforehand and spends the allowed error over them; its rates are computed exactly, by following
the distribution of slow calls among the runs that have not ended yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from probes.statistics.exact import Finding, binomial_pmf

ONE_LOOK_BELOW = 480  # calls: shorter measurements are judged once, at their end


@dataclass(frozen=True, slots=True)
class Look:
    """After `n` calls: how many slow ones at most prove the claim, how many at least refute it; in between, go on."""

    n: int
    prove_at_most: int  # -1: can't be proved at this look
    refute_at_least: int

    def find(self, slow: int) -> Finding:
        """What `slow` slow calls of `n` mean at this look."""
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
    alive = {0: 1.0}  # probability of each number of slow calls among runs that go on
    looks, before = [], 0
    for n in sizes:
        alive = _after(alive, n - before, limit)
        allowed = (1 - confidence) * n / sizes[-1]
        low, spent_low = _reach(sorted(alive), alive, allowed, spent_low, nothing=-1)
        high, spent_high = _reach(sorted(alive, reverse=True), alive, allowed, spent_high, nothing=n + 1)
        looks.append(Look(n, low, high))
        alive = {slow: chance for slow, chance in alive.items() if low < slow < high}
        before = n
    return tuple(looks)


def _reach(
    order: Sequence[int], alive: Mapping[int, float], allowed: float, spent: float, *, nothing: int
) -> tuple[int, float]:
    """How far into `order` the allowed error reaches, and what is spent of it then; `nothing` if not even one step."""
    reached, total = nothing, 0.0
    for slow in order:
        if total + alive[slow] > allowed - spent:
            break
        reached, total = slow, total + alive[slow]
    return reached, spent + total


def _after(alive: Mapping[int, float], calls: int, share: float) -> dict[int, float]:
    """The distribution of slow calls after `calls` more, each of which is slow with probability `share`."""
    more = binomial_pmf(calls, share)
    sums: dict[int, float] = {}
    for slow, chance in alive.items():
        for extra, likely in enumerate(more):
            sums[slow + extra] = sums.get(slow + extra, 0.0) + chance * likely
    return sums


def rates(plan: Sequence[Look], share: float) -> Rates:
    """Exactly how a plan answers when this share of all calls is slow."""
    alive = {0: 1.0}
    proved = refuted = mean = 0.0
    before = 0
    for look in plan:
        mean += sum(alive.values()) * (look.n - before)
        alive = _after(alive, look.n - before, share)
        proved += sum(chance for slow, chance in alive.items() if look.find(slow) is Finding.PROVED)
        refuted += sum(chance for slow, chance in alive.items() if look.find(slow) is Finding.REFUTED)
        alive = {slow: chance for slow, chance in alive.items() if look.find(slow) is Finding.OPEN}
        before = look.n
    return Rates(proved, refuted, mean)
