"""Claims that take longer than one run: the sum of the windows of a log, or of the shards of a soak. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from gate.figures import Accrual, Figure, make_figure
from gate.moments import rfc3339
from gate.outcomes import Outcome
from gate.release.terms import Need

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Accrued:
    """The sum of the accruals of one claim."""

    outcome: Outcome  # PASSED, FAILED or PENDING
    reason: str
    owed_until: str  # RFC 3339; empty if nothing is owed, or the time is unknown
    figure: Figure


@dataclass(frozen=True, slots=True)
class _Piece:
    """Windows joined without a gap."""

    start: datetime
    end: datetime
    n: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def accrue(accruals: Sequence[Accrual], need: Need) -> Accrued:
    """The sum of all accruals of one claim, compared with what the contract in force requires.

    An accrual of another kind proves nothing, but its events count like all others.
    """
    events = sum(one.events for one in accruals)
    judge = _windows if need.kind == "window" else _exposures
    accrued = judge([one for one in accruals if one.kind == need.kind], need)
    if not events:
        return accrued
    when = ", ".join(f"{one.events} in {one.start} to {one.end}" for one in accruals if one.events)
    return Accrued(Outcome.FAILED, f"expected none, got {events}: {when}", "", accrued.figure)


def unknown_need(accruals: Sequence[Accrual]) -> Accrued:
    """The sum of accruals for a claim whose length the contract does not state: only events count."""
    events = sum(one.events for one in accruals)
    reason = f"expected none, got {events}" if events else "the contract in force does not say how long this takes"
    figure = make_figure("events contributed by earlier runs", n=len(accruals), value=events, unit="events", limit=0.0)
    return Accrued(Outcome.FAILED if events else Outcome.PENDING, reason, "", figure)


def _windows(accruals: Sequence[Accrual], what: Need) -> Accrued:
    """Proved windows must cover the required time without a gap, with traffic; any gap starts over."""
    need = what.seconds
    pieces = _join(one for one in accruals if one.proved and what.length(one))
    longest = max(pieces, key=lambda piece: piece.seconds, default=None)
    covered = longest.seconds if longest else 0.0
    shown = f"{covered / 3600:.3g} of {need / 3600:.3g} hours without a gap"
    figure = make_figure(
        "events in windows of a proved log, joined without a gap",
        n=longest.n if longest else 0,
        value=float(sum(one.events for one in accruals)),
        unit="events",
        limit=0.0,
        window=f"{_text(longest.start)} to {_text(longest.end)}" if longest else "no proved window",
        covered_s=covered,
        need_s=need,
    )
    if longest and covered >= need:
        if longest.n:
            return Accrued(Outcome.PASSED, "", "", figure)
        return Accrued(Outcome.PENDING, f"{shown}, but without a single request", "", figure)
    gaps = [f"{_text(a.end)} to {_text(b.start)}" for a, b in pairwise(pieces)]
    broken = f"; not covered: {', '.join(gaps)}" if gaps else ""
    unproved = sum(not one.proved for one in accruals)
    broken += f"; {unproved} windows of a source that was not proved alive do not count" if unproved else ""
    until = _text(pieces[-1].start + timedelta(seconds=need)) if pieces else ""
    return Accrued(Outcome.PENDING, shown + broken, until, figure)


def _join(windows: Iterable[Accrual]) -> list[_Piece]:
    pieces: list[_Piece] = []
    spans = sorted((datetime.fromisoformat(one.start), datetime.fromisoformat(one.end), one.n) for one in windows)
    for start, end, n in spans:
        if pieces and start <= pieces[-1].end:
            last = pieces[-1]
            # Overlapping windows may contain the same requests: the larger count is a lower bound.
            both = last.n + n if start == last.end else max(last.n, n)
            pieces[-1] = _Piece(last.start, max(last.end, end), both)
        elif end > start:
            pieces.append(_Piece(start, end, n))
    return pieces


def _exposures(accruals: Sequence[Accrual], what: Need) -> Accrued:
    """Every shard of every group must be present, proved and long enough: a missing one may have failed."""
    need = what.seconds
    best: dict[tuple[str, int], Accrual] = {}
    for one in accruals:
        key = one.group, one.shard
        if key not in best or (one.proved, one.hours) > (best[key].proved, best[key].hours):
            best[key] = one
    proved = [one for one in best.values() if one.proved]
    hours, events = sum(one.hours for one in proved), sum(one.events for one in accruals)
    figure = make_figure(
        "unplanned closes over all shards; hazard an hour, upper bound",
        n=sum(one.n for one in proved),
        value=float(events),
        unit="closes",
        limit=0.0,
        confidence=CONFIDENCE,
        window=f"{hours:.3g} connection-hours in {len(proved)} shards",
        hazard_per_hour=hazard_bound(events, hours),
        need_s=need,
        hours=hours,
    )
    groups = sorted({one.group for one in accruals})
    problems = [_incomplete(group, [one for one in best.values() if one.group == group], what) for group in groups]
    reason = "; ".join(problem for problem in problems if problem) or ("" if proved else "no share of a soak")
    return Accrued(Outcome.PENDING if reason else Outcome.PASSED, reason, "", figure)


def _incomplete(group: str, shards: Sequence[Accrual], need: Need) -> str:
    """Why a soak's group proves nothing yet; empty for a complete one."""
    wanted = max(one.shards for one in shards)
    there = {one.shard: one for one in shards}
    missing = [str(number) for number in range(wanted) if number not in there]
    unproved = [str(number) for number, one in sorted(there.items()) if not one.proved]
    short = [str(number) for number, one in sorted(there.items()) if one.proved and need.length(one) < need.seconds]
    problems = [
        f"{what} {', '.join(numbers)} of {wanted}"
        for what, numbers in (("missing shard", missing), ("unproved shard", unproved), ("too short shard", short))
        if numbers
    ]
    return f"soak {group or 'without a group'}: {'; '.join(problems)}" if problems else ""


def hazard_bound(events: int, hours: float) -> float | None:
    """Upper 95 % bound on events an hour after `hours` of exposure (exact Poisson); None without exposure."""
    if hours <= 0:
        return None
    if not events:
        return -math.log(1 - CONFIDENCE) / hours
    low, high = 0.0, 20.0 + events + 12 * math.sqrt(events + 1)
    while low < (middle := (low + high) / 2) < high:
        logs = (k * math.log(middle) - middle - math.lgamma(k + 1) for k in range(events + 1))
        low, high = (middle, high) if math.fsum(map(math.exp, logs)) > 1 - CONFIDENCE else (low, middle)
    return high / hours


def _text(moment: datetime) -> str:
    return rfc3339(moment, "seconds")
