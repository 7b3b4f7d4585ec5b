"""Problems with the evidence itself (doubts), and what the reader should know (notes)."""

from collections.abc import Sequence

from gate.outcomes import Outcome
from gate.release.gathering import Evidence
from gate.release.stored_run import StoredRun


def find_doubts(evidence: Evidence, revision: str, runs: Sequence[StoredRun], *, asked: bool) -> list[str]:
    """Problems with the evidence itself. `asked`: this revision was asked for, and not taken for the newest."""
    doubts = list(evidence.problems)
    if not revision:
        doubts.append(f"{evidence.where} has no run that knows its revision")
    elif not runs:
        doubts.append(f"{evidence.where} has no run of {revision} that counts")
    latest = max((run.id for run in runs), default="")
    doubts += [
        f"run {one.run_id} {one.problem}"
        for one in evidence.unusable
        if one.run_id not in evidence.discards
        # A later run that can't be used may be of a newer revision than the one that is taken for the newest.
        and (one.revision in {"", revision} or (not asked and one.run_id > latest))
    ]
    for run in runs:
        if run.document.residue is None:
            doubts.append(f"run {run.id} could not count the rows that it seeded")
        elif run.document.residue:
            doubts.append(f"run {run.id} left {run.document.residue} seeded rows in the database")
    first = min((run.document.started for run in runs), default="")
    doubts += [
        f"run {one.id} found failures but does not know the revision: discard it with a reason, or verify again"
        for one in evidence.runs
        if not one.document.revision
        and one.document.counts.get(Outcome.FAILED)
        and one.document.started >= first
        and one.id not in evidence.discards
    ]
    return doubts + _vanished(evidence, revision) + _broken_chain(evidence, revision, first)


def _vanished(evidence: Evidence, revision: str) -> list[str]:
    """Evidence that an earlier gate saw for this revision and that is now missing."""
    there = {one.id for one in evidence.runs} | {one.run_id for one in evidence.unusable} | evidence.discards.keys()
    seen = {
        one.run_id: gate.id
        for gate in evidence.gates
        if gate.document.revision == revision
        for one in (gate.document.gate.inputs if gate.document.gate else ())
    }
    return [f"run {run_id}, which gate {gate} saw, is gone" for run_id, gate in seen.items() if run_id not in there]


def _broken_chain(evidence: Evidence, revision: str, first: str) -> list[str]:
    """Runs that were stored before another one, and that are now gone or different.

    Runs older than the revision's first run may be deleted, unless they were of this revision itself.
    """
    there = {one.id for one in [*evidence.runs, *evidence.gates]} | {one.run_id for one in evidence.unusable}
    oldest = min((run.id for run in evidence.runs if run.document.revision == revision), default="")
    doubts = []
    for run in [*evidence.runs, *evidence.gates]:
        before = run.document.seal.before if run.document.seal else None
        if before is None or run.document.started < first or before.run_id in evidence.discards:
            continue
        if before.run_id not in there:
            if before.revision == revision or before.run_id >= oldest:
                doubts.append(f"run {before.run_id}, which was in the store before run {run.id}, is gone")
        elif evidence.digests.get(before.run_id, before.digest) != before.digest:
            doubts.append(
                f"run {before.run_id} is not what was in the store before run {run.id}: it was replaced or changed"
            )
    return sorted(set(doubts))


def write_notes(
    evidence: Evidence,
    present: Sequence[StoredRun],
    before: Sequence[StoredRun],
    revision: str,
) -> list[str]:
    """Notes: runs without a verdict, selections, discards, earlier runs."""
    notes = [f"run {one} began but left no verdict" for one in evidence.unfinished]
    notes += _killed(evidence, present) + _failures_of_selections(evidence, revision) + _discards(evidence, revision)
    if before:
        notes.append(
            f"{len(before)} runs of this revision are from before another one was verified: their "
            "failures count, their passes do not"
        )
    return notes


def _killed(evidence: Evidence, present: Sequence[StoredRun]) -> list[str]:
    first = min((run.document.started for run in present), default="")
    return [
        f"run {one.id} has not finished, or was killed"
        for one in evidence.runs
        if not one.document.revision and not one.document.checks and one.document.started >= first
    ]


def _failures_of_selections(evidence: Evidence, revision: str) -> list[str]:
    return [
        f"run {run.id} selected some cases ({run.document.selection}), so it is not evidence, but it found failures; "
        "a full run finds them too if they belong to the release"
        for run in evidence.selected
        if run.document.revision == revision and run.document.counts.get(Outcome.FAILED)
    ]


def _discards(evidence: Evidence, revision: str) -> list[str]:
    others = {one.id for one in evidence.runs if one.document.revision != revision}
    return [
        f"{one.id} does not count: discarded by {one.owner} at {one.at}: {one.because}"
        for one in evidence.discards.values()
        if one.id not in others
    ]
