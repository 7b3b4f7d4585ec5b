"""The release gate: all evidence of one revision, from a store to one verdict document (phase "gate")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

import msgspec

from gate.document import clean, with_causes, with_standing
from gate.moments import rfc3339
from gate.outcomes import EXIT_CODES
from gate.release.doubts import find_doubts, write_notes
from gate.release.gathering import Evidence
from gate.release.merge import Merged, merge, newest_revision, stint
from gate.release.rows import known_failures, merged_row, owed_row
from gate.release.stored_run import StoredRun
from gate.release.terms import Need, Terms
from gate.strict_json import JSON
from gate.verdict import Decision, Key, decide, name
from gate.verdict_document import (
    SCHEMA_VERSION,
    Discarded,
    Document,
    ExitCode,
    GateInput,
    GatePart,
    Override,
    Row,
    count_outcomes,
)


class _OnlyOfRuns(TypedDict):
    """The parts of the document that a gate has no values for."""

    quick: bool
    overrides: list[Override]
    residue: int | None
    interrupted: str
    changes: None
    seal: None


ONLY_OF_RUNS: _OnlyOfRuns = {
    "quick": False,
    "overrides": [],
    "residue": 0,
    "interrupted": "",
    "changes": None,
    "seal": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A gate's question: the target, and what its profile requires, by phase."""

    target: str
    environment: str
    profile: str
    required: Mapping[str, frozenset[Key]]  # phase -> cases
    revision: str = ""  # empty: the newest one seen
    needs: Mapping[str, Need] = field(default_factory=dict)  # of claims that take longer than a run, by check id
    promises: str = ""  # SHA-256 of what the target's file promises now; empty: runs by any promises count
    profiles: frozenset[str] = frozenset()  # all of the target's; `profile` is among them in any case

    @property
    def terms(self) -> Terms:
        """The terms by which evidence is judged."""
        return Terms(self.profiles | {self.profile}, self.needs, self.promises)

    def cases(self) -> dict[Key, str]:
        """Every required case and its phase."""
        return {key: phase for phase, keys in self.required.items() for key in keys}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """The evidence of one revision, judged: each case's outcome, and doubts about the whole."""

    evidence: Evidence
    frame: Frame
    now: datetime
    revision: str
    present: Sequence[StoredRun]  # the runs since the revision was verified last
    before: Sequence[StoredRun]  # its earlier runs: their failures count, their passes don't
    merged: Mapping[Key, Merged]
    doubts: list[str]

    @property
    def decision(self) -> Decision:
        """The verdict by the rule that every run is judged by."""
        return decide(
            {key: one.outcome for key, one in self.merged.items()},
            self.frame.cases(),
            known=frozenset(name(key) for key, one in self.merged.items() if one.accepted or one.stale),
            doubts=self.doubts,
        )

    @property
    def release(self) -> dict[str, JSON]:
        """The revision's state on the platform, according to the latest run that knows it."""
        runs = [*self.present, *self.before]
        latest = max(runs, key=lambda run: (bool(run.document.release), run.id), default=None)
        return latest.document.release if latest else {}

    def objection(self, run: StoredRun) -> str:
        """Why passes of a run do not count; empty if they do."""
        return self.frame.terms.objection(run.document, self.now)

    def rows(self, missing: Sequence[Key]) -> list[Row]:
        """Every case's row, including cases that no run covered."""
        required = self.frame.cases()
        rows = [merged_row(one, required=key in required) for key, one in self.merged.items()]
        return rows + [owed_row(key, required[key]) for key in missing]

    def notes(self) -> list[str]:
        """Notes: worth mentioning, but not doubts."""
        objections = [
            f"passes of run {run.id} do not count: it {why}" for run in self.present if (why := self.objection(run))
        ]
        remarks = [f"run {run.id} {what}" for run in self.present if (what := self.frame.terms.remark(run.document))]
        return [*write_notes(self.evidence, self.present, self.before, self.revision), *objections, *remarks]

    def given(self) -> GatePart:
        """The gate's input."""
        return GatePart(
            self.evidence.where,
            [self._input(run) for run in self.evidence.runs if run.document.revision == self.revision],
            [Discarded(one.id, one.owner, one.because, one.at) for one in self.evidence.discards.values()],
        )

    def _input(self, run: StoredRun) -> GateInput:
        document, discard, objection = run.document, self.evidence.discards.get(run.id), self.objection(run)
        return GateInput(
            run_id=run.id,
            phase=document.phase,
            verdict=str(document.verdict),
            started=document.started,
            ended=document.ended,
            counts=any(run is one for one in self.present) and not objection,
            note=f"discarded by {discard.owner}: {discard.because}" if discard else objection,
        )


def conclude(evidence: Evidence, frame: Frame, run_id: str, now: datetime, more: Sequence[str] = ()) -> Document:
    """The gate's verdict as a document. `more`: doubts from outside, such as a store that can't be written."""
    revision = frame.revision or newest_revision(evidence.runs)
    present, before = stint([one for one in evidence.runs if one.id not in evidence.discards], revision)
    weighed = _Weighed(
        evidence=evidence,
        frame=frame,
        now=now,
        revision=revision,
        present=present,
        before=before,
        merged=merge(present, before, frame.terms, now, frozenset(evidence.discards)),
        doubts=[*more, *find_doubts(evidence, revision, [*present, *before], asked=bool(frame.revision))],
    )
    # Anybody who can write to a store chooses its texts, including folder names.
    # Its causes are found in clean rows: without its digits, a token is not recognised any more.
    return with_causes(clean(_write(weighed, run_id), evidence.redactor))


def _write(weighed: _Weighed, run_id: str) -> Document:
    frame, decision = weighed.frame, weighed.decision
    missing, rows = [name(key) for key in decision.missing], weighed.rows(decision.missing)
    return Document(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        target=frame.target,
        environment=frame.environment,
        profile=frame.profile,
        revision=weighed.revision,
        phase="gate",
        verdict=decision.verdict,
        exit_code=msgspec.convert(EXIT_CODES[decision.verdict], ExitCode),
        reason=with_standing(decision.reason, weighed.release),
        started=rfc3339(weighed.now),
        ended=rfc3339(datetime.now(UTC)),
        release=weighed.release,
        counts=count_outcomes(rows),
        missing=missing,
        notes=weighed.notes(),
        doubts=weighed.doubts,
        known_failures=known_failures(weighed.merged, weighed.now),
        gate=weighed.given(),
        promises=frame.promises or msgspec.UNSET,
        causes=[],
        checks=rows,
        **ONLY_OF_RUNS,
    )
