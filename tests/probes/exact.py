"""The plain rule for one test, by SciPy: what the plan and our own functions are compared with."""

import scipy

from probes.statistics.exact import Finding


def decide_fraction(n: int, slow: int, limit: float = 0.05, confidence: float = 0.95) -> Finding:
    """Decide "less than `limit` of all calls are slow" by the exact binomial distribution, once, on `n` fixed calls.

    Proved: so few slow calls or fewer have at most a probability of 1 - confidence at the limit. Refuted: this many
    or more have. At 5 % and 95 %: 0 of 59 is the least that proves, 16 of 500 still do, 34 of 500 refute.
    """
    few = float(scipy.special.bdtr(slow, n, limit))
    many = float(scipy.special.bdtrc(slow - 1, n, limit)) if slow else 1.0
    alpha = 1 - confidence
    return Finding.PROVED if few <= alpha else Finding.REFUTED if many <= alpha else Finding.OPEN
