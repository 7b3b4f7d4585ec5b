"""The release gate: all evidence of one revision, from a store to one verdict document (phase "gate")."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gate.document import SCHEMA_VERSION, missing_row, rfc3339
from gate.outcomes import EXIT_CODES, Outcome
from gate.release.merge import Merged, Said, merge, newest_revision, stint
from gate.release.store import Discard, Store, StoreError
from gate.release.stored_run import StoredRun, Unusable, read
from gate.verdict import Key, decide, name

OWED = {
    "soak": "no soak of this revision yet: make soak-staging",
    "day": "no day phase of this revision yet: make day-staging",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a gate is asked: the target, and what its profile requires, by phase."""

    target: str
    environment: str
    profile: str
    required: Mapping[str, frozenset[Key]]  # phase -> cases
    revision: str = ""  # empty: the newest one seen

    def cases(self) -> dict[Key, str]:
        """Every required case and its phase."""
        return {key: phase for phase, keys in self.required.items() for key in keys}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a store holds of a target."""

    where: str
    runs: tuple[StoredRun, ...]
    gates: tuple[StoredRun, ...]  # verdicts of earlier gates: no evidence, but they remember what they saw
    unusable: tuple[Unusable, ...]
    discards: Mapping[str, Discard]
    unfinished: tuple[str, ...]
    problems: tuple[str, ...] = ()


def gather(store: Store, target: str) -> Evidence:
    """Read everything that the store holds of a target; what can't be read is named, never skipped."""
    try:
        found = [read(run_id, body, target) for run_id, body in store.runs(target).items()]
        discards, unfinished = store.discards(target), store.unfinished(target)
    except StoreError as error:
        return Evidence(store.where, (), (), (), {}, (), (str(error),))
    usable = [one for one in found if isinstance(one, StoredRun)]
    return Evidence(
        store.where,
        tuple(one for one in usable if one.verdict.phase != "gate"),
        tuple(one for one in usable if one.verdict.phase == "gate"),
        tuple(one for one in found if isinstance(one, Unusable)),
        discards,
        tuple(unfinished),
    )


def conclude(evidence: Evidence, frame: Frame, run_id: str, now: datetime, more: Sequence[str] = ()) -> dict[str, Any]:
    """The gate's verdict as a document. `more`: doubts from outside, such as a store that can't be written."""
    revision = frame.revision or newest_revision(evidence.runs)
    present, before = stint([one for one in evidence.runs if one.id not in evidence.discards], revision)
    merged = merge(present, before, now.date(), frozenset(evidence.discards))
    doubts = [*more, *_doubts(evidence, revision, [*present, *before])]
    required = frame.cases()
    accepted = {key for key, one in merged.items() if one.accepted}
    decision = decide(
        {key: one.outcome for key, one in merged.items() if key not in accepted},
        required.keys() - accepted,
        stale_known=[name(key) for key, one in merged.items() if one.stale],
        doubts=doubts,
    )
    rows = [_row(one, required=key in required) for key, one in merged.items()]
    rows += [_owed_row(key, required[key]) for key in decision.missing]
    latest = max([*present, *before], key=lambda run: (bool(run.document["release"]), run.id), default=None)
    return {
        "schema_version": SCHEMA_VERSION, "run_id": run_id, "target": frame.target, "environment": frame.environment,
        "profile": frame.profile, "revision": revision, "phase": "gate", "quick": False,
        "verdict": str(decision.verdict), "exit_code": EXIT_CODES[decision.verdict], "reason": decision.reason,
        "started": rfc3339(now), "ended": rfc3339(datetime.now(UTC)),
        "release": latest.document["release"] if latest else {},
        "counts": dict(sorted(Counter(row["outcome"] for row in rows).items())),
        "missing": [name(key) for key in decision.missing], "residue": 0, "interrupted": "",
        "notes": _notes(evidence, present, before, revision), "doubts": doubts,
        "known_failures": _known(merged, now), "changes": None,
        "gate": {
            "store": evidence.where,
            "inputs": [_input(run, evidence, present) for run in evidence.runs if run.verdict.revision == revision],
            "discarded": [_discard(one) for one in evidence.discards.values()],
        },
        "checks": rows,
    }  # fmt: skip


def _doubts(evidence: Evidence, revision: str, runs: Sequence[StoredRun]) -> list[str]:
    """What is wrong with the evidence itself."""
    said = list(evidence.problems)
    if not revision:
        said.append(f"{evidence.where} holds no run that knows its revision")
    elif not runs:
        said.append(f"{evidence.where} holds no run of {revision} that counts")
    said += [
        f"run {one.run_id} {one.problem}"
        for one in evidence.unusable
        if one.revision in {"", revision} and one.run_id not in evidence.discards
    ]
    for run in runs:
        if run.verdict.residue is None:
            said.append(f"run {run.id} could not count the rows that it had seeded")
        elif run.verdict.residue:
            said.append(f"run {run.id} left {run.verdict.residue} rows of ours in the database")
    first = min((run.verdict.started for run in runs), default="")
    said += [
        f"run {one.id} found failures and does not know of which revision: discard it, with the reason, or verify again"
        for one in evidence.runs
        if not one.verdict.revision and one.verdict.counts.get(Outcome.FAILED) and one.verdict.started >= first
        and one.id not in evidence.discards
    ]  # fmt: skip
    return said + _vanished(evidence, revision)


def _vanished(evidence: Evidence, revision: str) -> list[str]:
    """Evidence that an earlier gate was given for this revision, and that is not there any more."""
    there = {one.id for one in evidence.runs} | {one.run_id for one in evidence.unusable} | evidence.discards.keys()
    seen = {
        one["run_id"]: gate.id
        for gate in evidence.gates
        if gate.verdict.revision == revision
        for one in gate.document["gate"]["inputs"]
    }
    return [
        f"run {run_id}, which gate {gate} was given, is gone" for run_id, gate in seen.items() if run_id not in there
    ]


def _notes(evidence: Evidence, present: Sequence[StoredRun], before: Sequence[StoredRun], revision: str) -> list[str]:
    notes = [f"run {one} began and left no verdict" for one in evidence.unfinished]
    first = min((run.verdict.started for run in present), default="")
    notes += [
        f"run {one.id} has not come to its end, or was killed"
        for one in evidence.runs
        if not one.verdict.revision and not one.verdict.checks and one.verdict.started >= first
    ]
    others = {one.id for one in evidence.runs if one.verdict.revision != revision}
    notes += [
        f"{one.id} does not count: discarded by {one.owner} at {one.at}: {one.because}"
        for one in evidence.discards.values()
        if one.id not in others
    ]
    if before:
        notes.append(
            f"{len(before)} runs of this revision are from before another one was verified: their failures count, "
            "what passed in them does not"
        )
    quick = [run.id for run in present if run.verdict.quick]
    if quick:
        notes.append(f"quick runs, with smaller samples: {', '.join(quick)}")
    return notes


def _row(merged: Merged, *, required: bool) -> dict[str, Any]:
    row: dict[str, Any] = merged.shown.raw | {
        "outcome": str(merged.outcome),
        "required": required,
        "reason": merged.reason or ("" if merged.outcome is Outcome.PASSED else merged.shown.raw["reason"]),
        "inputs": [_what_was_said(one) for one in merged.said],
    }
    if merged.reason:
        row |= {"expected": "", "actual": merged.reason}
    if merged.accrued:
        row["figures"] = [dict(merged.accrued.figure), *row["figures"]]
        row["accruals"] = [one for said in merged.said for one in _raw(said)]
        if merged.accrued.owed_until:
            row["evidence"] = row["evidence"] | {"owed_until": merged.accrued.owed_until}
        spans = [one for one in row["accruals"] if one["kind"] == "window"]
        if spans:
            row["plots"] = [*row["plots"], {"kind": "windows", "data": {"spans": spans}}]
    if merged.outcome is Outcome.PASSED:
        row |= {"expected": "", "actual": "", "remedy": ""}
    return row


def _raw(said: Said) -> list[dict[str, Any]]:
    return [dict(one) for one in said.raw["accruals"]]


def _what_was_said(said: Said) -> dict[str, Any]:
    return {"run_id": said.run.id, "outcome": str(said.row.outcome), "counts": said.counts}


def _owed_row(key: Key, phase: str) -> dict[str, Any]:
    return missing_row(key, Outcome.PENDING, OWED[phase]) if phase in OWED else missing_row(key)


def _known(merged: Mapping[Key, Merged], now: datetime) -> list[dict[str, str]]:
    """The known failures of the runs that are shown, each once."""
    listed = {one.name: one for it in merged.values() for said in it.said for one in said.run.verdict.known_failures}
    settled = {name(key): one for key, one in merged.items()}
    return [
        {
            "name": one.name, "owner": one.owner, "reason": one.reason, "expires": one.expires.isoformat(),
            "state": "expired" if one.expires < now.date() else _state(settled.get(one.name)),
        }
        for one in listed.values()
    ]  # fmt: skip


def _state(merged: Merged | None) -> str:
    if merged is None:
        return "not seen"
    return "still fails" if merged.accepted else "no longer fails" if merged.stale else "not seen"


def _input(run: StoredRun, evidence: Evidence, present: Sequence[StoredRun]) -> dict[str, Any]:
    verdict, discard = run.verdict, evidence.discards.get(run.id)
    note = f"discarded by {discard.owner}: {discard.because}" if discard else verdict.interrupted
    return {
        "run_id": run.id, "phase": verdict.phase, "verdict": str(verdict.verdict), "started": verdict.started,
        "ended": verdict.ended, "counts": any(run is one for one in present) and not verdict.interrupted, "note": note,
    }  # fmt: skip


def _discard(one: Discard) -> dict[str, str]:
    return {"id": one.id, "owner": one.owner, "because": one.because, "at": one.at}
