"""The release gate: all evidence of one revision, from a store to one verdict document (phase "gate")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from gate.causes import find_causes
from gate.document import clean, missing_row, with_standing
from gate.moments import rfc3339
from gate.outcomes import EXIT_CODES, Outcome
from gate.plots import WindowsPlot
from gate.redaction import Redactor
from gate.release.accruals import Accrued
from gate.release.merge import Merged, merge, newest_revision, stint
from gate.release.seal import digest
from gate.release.store import Discard, Store, StoreError
from gate.release.stored_run import StoredRun, Unusable, read
from gate.release.terms import Need, Terms
from gate.verdict import Key, decide, name
from gate.verdict_document import (
    SCHEMA_VERSION,
    Discarded,
    Document,
    ExitCode,
    GateInput,
    GatePart,
    KnownFailure,
    KnownState,
    Row,
    RowInput,
    count_outcomes,
)

OWED = {
    "soak": "no soak of this revision yet: make soak-staging",
    "day": "no day phase of this revision yet: make day-staging",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a gate is asked: the target, and what its profile requires, by phase."""

    target: str
    environment: str
    profile: str
    required: Mapping[str, frozenset[Key]]  # phase -> cases
    revision: str = ""  # empty: the newest one seen
    needs: Mapping[str, Need] = field(default_factory=dict)  # what claims take that are longer than a run, by check id
    profiles: frozenset[str] = frozenset()  # all of the target's; `profile` is among them in any case

    @property
    def terms(self) -> Terms:
        """What evidence is held against."""
        return Terms(self.profiles | {self.profile}, self.needs)

    def cases(self) -> dict[Key, str]:
        """Every required case and its phase."""
        return {key: phase for phase, keys in self.required.items() for key in keys}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a store holds of a target."""

    where: str
    runs: tuple[StoredRun, ...]
    gates: tuple[StoredRun, ...]  # verdicts of earlier gates: no evidence, but they remember what they saw
    unusable: tuple[Unusable, ...]
    discards: Mapping[str, Discard]
    unfinished: tuple[str, ...]
    problems: tuple[str, ...] = ()
    selected: tuple[StoredRun, ...] = ()  # runs of a selection: no evidence, in neither direction
    digests: Mapping[str, str] = field(default_factory=dict)  # of every stored file, byte for byte, by run
    redactor: Redactor = field(default_factory=Redactor)


def gather(store: Store, target: str) -> Evidence:
    """Read everything that the store holds of a target; what can't be read is named, never skipped."""
    try:
        bodies = store.runs(target)
        found = [read(run_id, body, target, store.key) for run_id, body in bodies.items()]
        discards, unfinished = store.discards(target), store.unfinished(target)
    except StoreError as error:
        return Evidence(
            where=store.where,
            runs=(),
            gates=(),
            unusable=(),
            discards={},
            unfinished=(),
            problems=(str(error),),
            redactor=store.redactor,
        )
    usable = [one for one in found if isinstance(one, StoredRun)]
    whole = [run for run in usable if not run.document.selection]
    return Evidence(
        where=store.where,
        runs=tuple(one for one in whole if one.document.phase != "gate"),
        gates=tuple(one for one in whole if one.document.phase == "gate"),
        unusable=tuple(one for one in found if isinstance(one, Unusable)),
        discards=discards,
        unfinished=tuple(unfinished),
        selected=tuple(run for run in usable if run.document.selection),
        digests={run_id: digest(body) for run_id, body in bodies.items() if isinstance(body, bytes)},
        redactor=store.redactor,
    )


def conclude(evidence: Evidence, frame: Frame, run_id: str, now: datetime, more: Sequence[str] = ()) -> Document:
    """The gate's verdict as a document. `more`: doubts from outside, such as a store that can't be written."""
    revision = frame.revision or newest_revision(evidence.runs)
    present, before = stint([one for one in evidence.runs if one.id not in evidence.discards], revision)
    merged = merge(present, before, frame.terms, now, frozenset(evidence.discards))
    doubts = [*more, *_doubts(evidence, revision, [*present, *before])]
    objections = [
        f"what passed in run {run.id} does not count: it {why}"
        for run in present
        if (why := frame.terms.objection(run.document, now))
    ]
    required = frame.cases()
    decision = decide(
        {key: one.outcome for key, one in merged.items()},
        required,
        known=frozenset(name(key) for key, one in merged.items() if one.accepted or one.stale),
        doubts=doubts,
    )
    rows = [_row(one, required=key in required) for key, one in merged.items()]
    rows += [_owed_row(key, required[key]) for key in decision.missing]
    latest = max([*present, *before], key=lambda run: (bool(run.document.release), run.id), default=None)
    document = Document(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        target=frame.target,
        environment=frame.environment,
        profile=frame.profile,
        revision=revision,
        phase="gate",
        quick=False,
        overrides=[],
        verdict=decision.verdict,
        exit_code=msgspec.convert(EXIT_CODES[decision.verdict], ExitCode),
        reason=with_standing(decision.reason, latest.document.release if latest else {}),
        started=rfc3339(now),
        ended=rfc3339(datetime.now(UTC)),
        release=latest.document.release if latest else {},
        counts=count_outcomes(rows),
        missing=[name(key) for key in decision.missing],
        residue=0,
        interrupted="",
        notes=_notes(evidence, present, before, revision, objections),
        doubts=doubts,
        known_failures=_known(merged, now),
        changes=None,
        gate=GatePart(
            evidence.where,
            [
                _input(run, evidence, present, frame.terms.objection(run.document, now))
                for run in evidence.runs
                if run.document.revision == revision
            ],
            [Discarded(one.id, one.owner, one.because, one.at) for one in evidence.discards.values()],
        ),
        seal=None,
        causes=find_causes(rows, [name(key) for key in decision.missing]),
        checks=rows,
    )
    return clean(document, evidence.redactor)  # whoever may write into a store chooses its texts, folders' names too


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
        if run.document.residue is None:
            said.append(f"run {run.id} could not count the rows that it had seeded")
        elif run.document.residue:
            said.append(f"run {run.id} left {run.document.residue} rows of ours in the database")
    first = min((run.document.started for run in runs), default="")
    said += [
        f"run {one.id} found failures and does not know of which revision: discard it, with the reason, or verify again"
        for one in evidence.runs
        if not one.document.revision and one.document.counts.get(Outcome.FAILED) and one.document.started >= first
        and one.id not in evidence.discards
    ]  # fmt: skip
    return said + _vanished(evidence, revision) + _broken_chain(evidence, revision, first)


def _vanished(evidence: Evidence, revision: str) -> list[str]:
    """Evidence that an earlier gate was given for this revision, and that is not there any more."""
    there = {one.id for one in evidence.runs} | {one.run_id for one in evidence.unusable} | evidence.discards.keys()
    seen = {
        one.run_id: gate.id
        for gate in evidence.gates
        if gate.document.revision == revision
        for one in (gate.document.gate.inputs if gate.document.gate else ())
    }
    return [
        f"run {run_id}, which gate {gate} was given, is gone" for run_id, gate in seen.items() if run_id not in there
    ]


def _broken_chain(evidence: Evidence, revision: str, first: str) -> list[str]:
    """Runs that lay in the store before another one was put there, and that are gone or others now.

    What is older than the revision's first run may be tidied away, unless it was of this revision itself.
    """
    there = {one.id for one in [*evidence.runs, *evidence.gates]} | {one.run_id for one in evidence.unusable}
    oldest = min((run.id for run in evidence.runs if run.document.revision == revision), default="")
    said = []
    for run in [*evidence.runs, *evidence.gates]:
        before = run.document.seal.before if run.document.seal else None
        if before is None or run.document.started < first or before.run_id in evidence.discards:
            continue
        if before.run_id not in there:
            if before.revision == revision or before.run_id >= oldest:
                said.append(f"run {before.run_id}, which lay in the store before run {run.id}, is gone")
        elif evidence.digests.get(before.run_id, before.digest) != before.digest:
            said.append(
                f"run {before.run_id} is not what lay in the store before run {run.id}: it was replaced or changed"
            )
    return sorted(set(said))


def _notes(
    evidence: Evidence,
    present: Sequence[StoredRun],
    before: Sequence[StoredRun],
    revision: str,
    objections: Sequence[str],
) -> list[str]:
    notes = [f"run {one} began and left no verdict" for one in evidence.unfinished]
    first = min((run.document.started for run in present), default="")
    notes += [
        f"run {one.id} has not come to its end, or was killed"
        for one in evidence.runs
        if not one.document.revision and not one.document.checks and one.document.started >= first
    ]
    notes += [
        f"run {run.id} selected some cases ({run.document.selection}): no evidence, and it found failures; "
        "a run of everything finds them, too, if they are the release's"
        for run in evidence.selected
        if run.document.revision == revision and run.document.counts.get(Outcome.FAILED)
    ]
    others = {one.id for one in evidence.runs if one.document.revision != revision}
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
    return [*notes, *objections]


def _row(merged: Merged, *, required: bool) -> Row:
    row = msgspec.structs.replace(
        merged.shown.row,
        outcome=merged.outcome,
        required=required,
        reason=merged.reason or ("" if merged.outcome is Outcome.PASSED else merged.shown.row.reason),
        inputs=[RowInput(one.run.id, one.row.outcome, one.counts) for one in merged.said],
    )
    if merged.reason:
        row = msgspec.structs.replace(row, expected="", actual=merged.reason)
    if merged.accrued:
        row = _with_accruals(row, merged, merged.accrued)
    if merged.outcome is Outcome.PASSED:
        row = msgspec.structs.replace(row, expected="", actual="", remedy="")
    return row


def _with_accruals(row: Row, merged: Merged, accrued: Accrued) -> Row:
    """The row of a claim that takes longer than one run: what all runs come to, and each one's share."""
    accruals = [one for said in merged.said for one in said.row.accruals]
    spans = [one for one in accruals if one.kind == "window"]
    return msgspec.structs.replace(
        row,
        figures=[accrued.figure, *row.figures],
        accruals=accruals,
        evidence=row.evidence | ({"owed_until": accrued.owed_until} if accrued.owed_until else {}),
        plots=[*row.plots, *([WindowsPlot(spans=spans)] if spans else [])],
    )


def _owed_row(key: Key, phase: str) -> Row:
    return missing_row(key, Outcome.PENDING, OWED[phase]) if phase in OWED else missing_row(key)


def _known(merged: Mapping[Key, Merged], now: datetime) -> list[KnownFailure]:
    """The known failures of the runs that are shown, each once."""
    listed = {one.name: one for it in merged.values() for said in it.said for one in said.run.document.known_failures}
    settled = {name(key): one for key, one in merged.items()}
    return [
        msgspec.structs.replace(
            one, state="expired" if one.expires < now.date().isoformat() else _state(settled.get(one.name))
        )
        for one in listed.values()
    ]


def _state(merged: Merged | None) -> KnownState:
    if merged is None:
        return "not seen"
    return "still fails" if merged.accepted else "no longer fails" if merged.stale else "not seen"


def _input(run: StoredRun, evidence: Evidence, present: Sequence[StoredRun], objection: str) -> GateInput:
    document, discard = run.document, evidence.discards.get(run.id)
    note = f"discarded by {discard.owner}: {discard.because}" if discard else objection
    counts = any(run is one for one in present) and not objection
    return GateInput(
        run_id=run.id, phase=document.phase, verdict=str(document.verdict), started=document.started,
        ended=document.ended, counts=counts, note=note,
    )  # fmt: skip
