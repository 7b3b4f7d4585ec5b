"""The runs of a target over time: revisions, their figures and causes, what each broke and fixed. Pure.

It decides nothing: only a run or the gate gives a verdict. Read from the store's documents by the few keys that are
shown, so that hundreds of runs are read in a second.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import median

import msgspec

from gate.figures import Number
from gate.outcomes import Outcome

BAD = frozenset({Outcome.FAILED, Outcome.BROKEN})
SHOWN = {
    "p95": ("auth.latency",),
    "errors": ("logs.zero-500-day", "logs.zero-500"),
    "health": ("health.checks",),
    "sessions": ("websocket.one-hour", "websocket.steady"),
}  # a figure of a revision -> the checks that state it, the most informative first


class ShownFigure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The parts of a figure that a history shows."""

    value: Number | None = None
    unit: str = ""
    n: Number | None = None
    limit: Number | None = None
    interval: tuple[Number | None, Number | None] | None = None
    hazard_per_hour: Number | None = None


class ShownRow(msgspec.Struct, frozen=True, gc=False):
    """The parts of a case that a history shows."""

    name: str
    id: str
    outcome: Outcome
    figures: tuple[ShownFigure, ...] = ()


class ShownCause(msgspec.Struct, frozen=True, gc=False):
    """The parts of a cause that a history shows."""

    key: str
    sentence: str
    outcome: Outcome
    cases: list[str]


class ShownRun(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a run's document that a history shows."""

    run_id: str
    revision: str
    phase: str
    verdict: str
    started: str
    ended: str
    quick: bool = False
    selection: str = ""
    missing: list[str] = []
    causes: list[ShownCause] = []
    checks: list[ShownRow] = []

    def figure(self, wanted: str) -> ShownFigure | None:
        """One of the figures of `SHOWN`; None where the run does not state it."""
        rows = [row for row in self.checks if row.id in SHOWN[wanted] and row.figures]
        stated = {row.id: row.figures[0] for row in rows}
        return next((stated[check] for check in SHOWN[wanted] if check in stated), None)


@dataclass(slots=True, kw_only=True)
class Revision:
    """One revision over its runs, in the order in which they began."""

    name: str
    runs: list[ShownRun] = field(default_factory=list)
    broke: list[str] = field(default_factory=list)  # causes that the revision before did not have
    fixed: list[str] = field(default_factory=list)  # causes of the previous revision that no longer occur
    cases_broken: int = 0
    cases_fixed: int = 0
    failed: set[str] = field(default_factory=set)  # cases that failed in any of the runs
    passed: set[str] = field(default_factory=set)  # cases that passed in any of the runs
    passes: dict[str, Counter[str]] = field(default_factory=dict)  # by phase: how often each case passed
    others: dict[str, Counter[str]] = field(default_factory=dict)  # by phase: how often each was FAILED or BROKEN

    def add(self, run: ShownRun) -> None:
        """Add a run."""
        self.runs.append(run)
        absent = frozenset(run.missing)
        ran = [row for row in run.checks if row.name not in absent] if absent else run.checks
        passed = [row.name for row in ran if row.outcome is Outcome.PASSED]
        self.passed.update(passed)
        self.failed.update([row.name for row in ran if row.outcome is Outcome.FAILED])
        self.passes.setdefault(run.phase, Counter()).update(passed)
        self.others.setdefault(run.phase, Counter()).update([row.name for row in ran if row.outcome in BAD])

    def verdicts(self) -> Mapping[str, Counter[str]]:
        """How often each verdict occurred, by phase."""
        counted: dict[str, Counter[str]] = {}
        for run in self.runs:
            counted.setdefault(run.phase, Counter())[run.verdict] += 1
        return counted

    def figure(self, wanted: str) -> ShownFigure | None:
        """The last one stated."""
        return next((figure for run in reversed(self.runs) if (figure := run.figure(wanted))), None)

    def causes(self) -> dict[str, ShownCause]:
        """Causes of failures in any of the runs, by key; each as it was when it had most cases."""
        found: dict[str, ShownCause] = {}
        for cause in (cause for run in self.runs for cause in run.causes if cause.outcome is Outcome.FAILED):
            if cause.key not in found or len(cause.cases) > len(found[cause.key].cases):
                found[cause.key] = cause
        return found

    def seconds(self) -> float | None:
        """How long a run of the smoke phase takes, as a median; None without one."""
        lasting = [lasted(run) for run in self.runs if run.phase == "smoke" and not run.quick]
        return median(lasting or [lasted(run) for run in self.runs if run.phase == "smoke"] or [0.0]) or None


@dataclass(frozen=True, slots=True)
class Flaky:
    """A case with different outcomes on one revision, in the same phase."""

    name: str
    revision: str
    passed: int
    not_passed: int


@dataclass(frozen=True, slots=True)
class CauseOverTime:
    """A cause, and in how many runs of each revision it was seen."""

    sentence: str
    first: str
    last: str
    seen: tuple[int, ...]  # one number per revision, in their order


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A target over time."""

    target: str
    where: str
    runs: tuple[ShownRun, ...]  # in the order in which they began, without the gate's and without selections
    revisions: tuple[Revision, ...]  # in the order in which they first occurred
    causes: tuple[CauseOverTime, ...]  # the most recent first
    flaky: tuple[Flaky, ...]  # the most unstable first
    left_out: Mapping[str, int]  # why -> how many files


def build_history(
    target: str,
    where: str,
    bodies: Iterable[tuple[str, bytes | Exception]],
    discarded: Iterable[str],
    is_sound: Callable[[str, bytes], bool] = lambda _run_id, _body: True,
) -> History:
    """The history of a store's runs; files that can't be read, or are not sound, are counted, never guessed."""
    taken_out, left_out, runs = frozenset(discarded), Counter[str](), []
    for run_id, body in bodies:
        run = _read(body)
        why = _why_not(run, taken_out, run_id)
        if not why and isinstance(body, bytes) and not is_sound(run_id, body):
            why = "damaged, or of another version (the gate says what is wrong)"
        if run is None or why:
            left_out[why] += 1
        else:
            runs.append(run)
    runs.sort(key=lambda run: (run.started, run.run_id))
    revisions = _revisions(runs)
    return History(
        target=target,
        where=where,
        runs=tuple(runs),
        revisions=tuple(revisions),
        causes=tuple(_causes(revisions)),
        flaky=tuple(_flaky(revisions)),
        left_out=left_out,
    )


def lasted(run: ShownRun) -> float:
    """How long a run took, in seconds."""
    return (datetime.fromisoformat(run.ended) - datetime.fromisoformat(run.started)).total_seconds()


def _read(body: bytes | Exception) -> ShownRun | None:
    try:
        return None if isinstance(body, Exception) else _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _why_not(run: ShownRun | None, discarded: frozenset[str], run_id: str) -> str:
    if run is None:
        return "can't be read"
    if run_id in discarded:
        return "discarded"
    if run.selection:
        return "runs of a selection"
    if run.phase == "gate":
        return "gate verdicts"
    return "" if run.checks else "did not finish"


def _revisions(runs: Sequence[ShownRun]) -> list[Revision]:
    found: dict[str, Revision] = {}
    for run in runs:
        if run.revision:
            found.setdefault(run.revision, Revision(name=run.revision)).add(run)
    revisions = list(found.values())
    for before, now in pairwise(revisions):
        _compare(before, now)
    return revisions


def _compare(before: Revision, now: Revision) -> None:
    """What the later revision broke and fixed. A case that only one of them ran is neither."""
    were, are = before.causes(), now.causes()
    now.cases_broken = len((now.failed - before.failed) & before.passed)
    now.cases_fixed = len((before.failed - now.failed) & now.passed)
    now.broke = [cause.sentence for key, cause in are.items() if key not in were]
    now.fixed = [
        cause.sentence for key, cause in were.items() if key not in are and not now.passed.isdisjoint(cause.cases)
    ]


def _causes(revisions: Sequence[Revision]) -> list[CauseOverTime]:
    sentences: dict[str, str] = {}
    seen: dict[str, list[int]] = {}
    times: dict[str, list[str]] = {}
    for place, revision in enumerate(revisions):
        for run in revision.runs:
            for cause in run.causes:
                if cause.outcome is Outcome.FAILED:
                    sentences[cause.key] = cause.sentence
                    seen.setdefault(cause.key, [0] * len(revisions))[place] += 1
                    times.setdefault(cause.key, []).append(run.started)
    over_time = [CauseOverTime(sentences[key], times[key][0], times[key][-1], tuple(seen[key])) for key in seen]
    return sorted(over_time, key=lambda cause: cause.last, reverse=True)


def _flaky(revisions: Sequence[Revision]) -> list[Flaky]:
    found = [
        Flaky(name, revision.name, revision.passes[phase][name], others)
        for revision in revisions
        for phase, counted in revision.others.items()
        for name, others in counted.items()
        if revision.passes[phase][name]
    ]
    return sorted(found, key=lambda one: (-min(one.passed, one.not_passed), one.name))


_DECODER = msgspec.json.Decoder(ShownRun)
