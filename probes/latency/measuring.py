"""Measuring until the plan can decide, from calls that a fit client made.

Calls leave in one uninterrupted stream: a pause between parts would let a stall at the end of one part go unseen.
Our own fitness is judged block by block; a block in which our side lagged is taken again, unseen. As the judgement
looks at our side alone, what is kept is a fair sample and the plan's error rates hold for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from probes.client_health.event_loop import LAG_SHARE
from probes.errors import ClientUnfit
from probes.latency.open_loop import Exchange, LatencySample, Stream, open_loop
from probes.latency.sequential_plan import Look
from probes.statistics.exact import Finding

BLOCK = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """At what rate calls leave, how long each may take, and how much of our own lag is put up with."""

    rate: float  # calls per second
    deadline_s: float  # for one call
    limit_ms: float  # what makes a call slow; a tenth of it is what our own side may be late
    repeat_s: float  # how many seconds of calls may be measured again because of our own lag, in all

    @property
    def most_void(self) -> int:
        """How many blocks may be voided."""
        return int(self.repeat_s * self.rate / BLOCK)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the plan came to: the calls that count, the look that ended it, and what was measured again and why."""

    sample: LatencySample
    look: Look
    finding: Finding
    void: tuple[str, ...]


class TooManyVoid(ClientUnfit):
    """Our own side lagged for so long that there was nothing to judge; `void` says how."""

    def __init__(self, void: Sequence[str], wanted: int) -> None:
        super().__init__(
            "latency measurement",
            f"our own client lagged in {len(void)} blocks of {BLOCK} calls while {wanted} fit calls were wanted: this "
            f"machine is too busy to measure; the last: {void[-1]}",
        )
        self.void = tuple(void)


async def measure_by_plan(
    exchange: Exchange, plan: Sequence[Look], count_slow: Callable[[LatencySample], int], conditions: Conditions
) -> Measurement:
    """Measure up to the first look that decides, or to the last one. `count_slow`: how many calls of a sample are slow.

    Raises:
        TooManyVoid: Our own side lagged for longer than the conditions allow.
        RateLimited: A limiter answered instead of the service.
    """
    sample, void = LatencySample((), conditions.rate, conditions.deadline_s), list[str]()
    async with open_loop(exchange, rate=conditions.rate, deadline_s=conditions.deadline_s) as stream:
        for look in plan:
            more = await _take_fit(stream, look.n - len(sample.calls), conditions, void)
            sample = sample.followed_by(more)
            finding = look.find(count_slow(sample))
            if finding is not Finding.OPEN:
                return Measurement(sample, look, finding, tuple(void))
    return Measurement(sample, plan[-1], Finding.OPEN, tuple(void))


async def measure_fit(exchange: Exchange, calls: int, conditions: Conditions) -> tuple[LatencySample, tuple[str, ...]]:
    """`calls` calls of a fit client, to be judged later; and what was measured again and why.

    Raises what `measure_by_plan` raises.
    """
    void: list[str] = []
    async with open_loop(exchange, rate=conditions.rate, deadline_s=conditions.deadline_s) as stream:
        sample = await _take_fit(stream, calls, conditions, void)
    return sample, tuple(void)


async def _take_fit(stream: Stream, calls: int, conditions: Conditions, void: list[str]) -> LatencySample:
    kept: LatencySample | None = None
    while (have := len(kept.calls) if kept else 0) < calls:
        block = await _fit_block(stream, min(BLOCK, calls - have), conditions.limit_ms, void)
        if block is None and len(void) >= max(1, conditions.most_void):
            raise TooManyVoid(void, calls)
        kept = kept.followed_by(block) if kept and block else kept or block
    if kept is None:
        raise ValueError("no calls were asked for")
    return kept


async def _fit_block(stream: Stream, number: int, limit_ms: float, void: list[str]) -> LatencySample | None:
    """The next block, or None and a reason in `void` when our own side lagged in it."""
    block = await stream.take(number)
    lag = block.client_lag_ms()
    if lag <= LAG_SHARE * limit_ms:
        return block
    first, last = block.calls[0].due_s, block.calls[-1].due_s
    void.append(f"{number} calls due at {first:.1f} to {last:.1f} s: our own side was {lag:.1f} ms late")
    return None
