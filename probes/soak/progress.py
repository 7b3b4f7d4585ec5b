"""Where a soak has got to, in numbers and in words."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The state now; as text, one line for a terminal."""

    open: int
    total: int
    youngest_s: float
    oldest_s: float
    closes: Counter[str]
    breaches: int
    back: int
    rtt_p50_ms: float | None
    rtt_p95_ms: float | None
    left_s: float

    def __str__(self) -> str:
        closes = ", ".join(f"{count} {kind}" for kind, count in self.closes.most_common()) or "none"
        rtt = f"{self.rtt_p50_ms:.1f}/{self.rtt_p95_ms:.1f} ms" if self.rtt_p50_ms and self.rtt_p95_ms else "-"
        wrong = f", {self.breaches} broken promises" if self.breaches else ""
        return (
            f"{self.open}/{self.total} sessions, ages {clock(self.youngest_s)} to {clock(self.oldest_s)}, "
            f"closes: {closes}, {self.back} back{wrong}, rtt p50/p95 {rtt}, {clock(self.left_s)} left"
        )


def clock(seconds: float) -> str:
    """Seconds as `1:02:03` or `2:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
