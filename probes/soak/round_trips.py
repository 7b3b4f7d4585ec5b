"""Round-trip times, any number of them in little memory."""

import math
from collections import Counter

STEP = 1.05  # round-trip times are kept by steps of 5 %


class Times:
    """Round-trip times in milliseconds, any number of them in little memory; percentiles are within 5 %."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def add(self, milliseconds: float) -> None:
        """One more."""
        self.counts[math.ceil(math.log(max(milliseconds, 0.01)) / math.log(STEP))] += 1

    @property
    def n(self) -> int:
        """How many."""
        return self.counts.total()

    def percentile(self, q: float) -> float | None:
        """The smallest step that at least a share `q` does not exceed; None without any."""
        left = q * self.n
        for step in sorted(self.counts):
            left -= self.counts[step]
            if left <= 0:
                return float(round(STEP**step, 3))
        return None
