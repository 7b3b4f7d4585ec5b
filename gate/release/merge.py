"""All evidence of one revision, merged. Pure. Worse or less evidence never improves the result.

* A FAILED in any run of the revision counts until somebody discards that run: running again does not help.
* Otherwise a case is PASSED if a finished run of this stint says so; else it has the outcome of its last run.
* A stint is the time since another revision was last verified: a rollback starts over, but removes no failure.
* Claims that take longer than one run come from their accruals (`gate.release.accruals`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

from gate.check import BEFORE_TRAFFIC
from gate.known import in_force
from gate.outcomes import Outcome
from gate.release.accruals import Accrued, accrue, unknown_need
from gate.release.stored_run import StoredRun
from gate.release.terms import Terms
from gate.verdict import Key, name
from gate.verdict_document import Row

BEFORE = "was before another revision was verified: a rollback starts over"


@dataclass(frozen=True, slots=True)
class CaseInRun:
    """One run's result for a case."""

    run: StoredRun
    row: Row
    objection: str  # why a pass of this run does not count here; empty if it does

    @property
    def counts(self) -> bool:
        """Whether a pass of this run counts here."""
        return not self.objection


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One case over all runs: the outcome, the run whose row shows it, and each run's result."""

    outcome: Outcome
    shown: CaseInRun
    reason: str = ""  # if it is not the shown row's own
    accrued: Accrued | None = None
    accepted: bool = False  # a known failure, not yet expired
    stale: bool = False  # a known failure that no longer fails
    results: tuple[CaseInRun, ...] = field(default=())


def newest_revision(runs: Sequence[StoredRun]) -> str:
    """The revision of the latest run that knows its revision; empty if there is none."""
    known = [run for run in runs if run.document.revision]
    known = [run for run in known if _served(run)] or known  # until it has traffic, a candidate is judged on request
    return max(known, key=lambda run: (run.document.started, run.id)).document.revision if known else ""


def stint(runs: Sequence[StoredRun], revision: str) -> tuple[list[StoredRun], list[StoredRun]]:
    """The revision's runs: those of its present stint, and those from before another revision was verified.

    A candidate does not replace a revision: judging another one before it has traffic ends no stint, and evidence
    about this one from before its traffic holds until it has served and another one served after it.
    """
    ordered = sorted((run for run in runs if run.document.revision), key=lambda run: (run.document.started, run.id))
    present: list[StoredRun] = []
    before: list[StoredRun] = []
    broken = False  # another revision was verified since this one's last run
    for run in ordered:
        if run.document.revision != revision:
            broken = broken or (_served(run) and any(map(_served, present)))
            continue
        if broken:
            before += present
            present = []
        broken = False
        present.append(run)
    return present, before


def _served(run: StoredRun) -> bool:
    return run.document.phase != BEFORE_TRAFFIC


def merge(
    present: Sequence[StoredRun],
    before: Sequence[StoredRun],
    terms: Terms,
    now: datetime,
    discarded: frozenset[str] = frozenset(),
) -> dict[Key, Merged]:
    """Every case in any run of the revision, and its combined outcome.

    `discarded` names groups of shards that do not count; discarded runs are not among those given.
    """
    by_case: dict[Key, list[CaseInRun]] = {}
    earlier = [(run, terms.objection(run.document, now) or BEFORE) for run in before]
    for run, objection in [*earlier, *((run, terms.objection(run.document, now)) for run in present)]:
        for row in run.document.checks:
            if name(row.key) not in run.document.missing:
                by_case.setdefault(row.key, []).append(CaseInRun(run, row, objection))
    return {key: _settle(results, terms, now.date(), discarded) for key, results in by_case.items()}


def _settle(results: Sequence[CaseInRun], terms: Terms, today: date, discarded: frozenset[str]) -> Merged:
    known = {one.run.id: _is_known(one, today) for one in results}
    failed = [one for one in results if one.row.outcome is Outcome.FAILED]
    counted = [one for one in failed if not known[one.run.id]]
    passed = [one for one in results if one.row.outcome is Outcome.PASSED and one.counts]
    accrued = _accrued(results, terms, discarded)
    every = tuple(results)
    if accrued and accrued.outcome is Outcome.FAILED and not failed:
        worst = max((one for one in results if any(it.events for it in one.row.accruals)), key=_when)
        return Merged(outcome=Outcome.FAILED, shown=worst, reason=accrued.reason, accrued=accrued, results=every)
    if failed:
        shown = max(counted or failed, key=_when)
        return Merged(
            outcome=Outcome.FAILED, shown=shown, reason="", accrued=accrued, accepted=not counted, results=every
        )
    if accrued:
        return Merged(
            outcome=accrued.outcome,
            shown=max(results, key=_when),
            reason=accrued.reason,
            accrued=accrued,
            results=every,
        )
    if passed:
        shown = max(passed, key=_when)
        return Merged(outcome=Outcome.PASSED, shown=shown, stale=any(known.values()), results=every)
    return _unproved(max(results, key=_when), every)


def _unproved(last: CaseInRun, every: tuple[CaseInRun, ...]) -> Merged:
    if last.row.outcome is not Outcome.PASSED:
        return Merged(outcome=last.row.outcome, shown=last, results=every)
    return Merged(
        outcome=Outcome.PENDING,
        shown=last,
        reason=f"passed in run {last.run.id}, which {last.objection}",
        results=every,
    )


def _accrued(results: Sequence[CaseInRun], terms: Terms, discarded: frozenset[str]) -> Accrued | None:
    """Events count from every run; coverage only from runs that count, for claims with a length in the contract."""
    accruals = [
        one if result.counts else msgspec.structs.replace(one, proved=False)
        for result in results
        for one in result.row.accruals
        if not one.group or one.group not in discarded
    ]
    need = terms.needs.get(results[0].row.id)
    if not accruals:
        return None
    return accrue(accruals, need) if need else unknown_need(accruals)


def _is_known(result: CaseInRun, today: date) -> bool:
    listed = date.fromisoformat(result.run.document.started[:10])
    return any(
        one.name == result.row.name and in_force(date.fromisoformat(one.expires), listed=listed, today=today)
        for one in result.run.document.known_failures
    )


def _when(result: CaseInRun) -> tuple[bool, str, str]:
    return result.counts, result.run.document.started, result.run.id
