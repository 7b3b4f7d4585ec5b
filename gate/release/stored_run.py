"""A verdict as it lies in a store: read with suspicion, and judged again from its own rows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import msgspec

from gate.document import SCHEMA_VERSION
from gate.evidence import Accrual
from gate.outcomes import EXIT_CODES, Outcome, Verdict
from gate.release.store import StoreError
from gate.verdict import Decision, Key, decide, name

Phase = Literal["smoke", "soak", "day", "gate"]
PYTESTS_OWN = frozenset({2, 3, 4})


class StoredKnown(msgspec.Struct, frozen=True):
    """A known failure that was on the list when the run was judged."""

    name: str
    owner: str
    reason: str
    expires: date
    state: Literal["still fails", "no longer fails", "not seen", "expired"]


class StoredRow(msgspec.Struct, frozen=True):
    """What merging and judging need of a row; renderers read the whole document."""

    id: str
    case: str
    outcome: Outcome
    required: bool
    known_failure: str
    accruals: tuple[Accrual, ...]

    @property
    def key(self) -> Key:
        """The case's place in a verdict."""
        return self.id, self.case


class StoredVerdict(msgspec.Struct, frozen=True):
    """What merging and judging need of a verdict."""

    run_id: str
    target: str
    profile: str
    revision: str
    phase: Phase
    quick: bool
    verdict: Verdict
    exit_code: int
    started: str
    ended: str
    counts: dict[Outcome, int]
    missing: tuple[str, ...]
    residue: int | None
    interrupted: str
    checks: tuple[StoredRow, ...]
    known_failures: tuple[StoredKnown, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One stored run: its typed part, and the whole document for the renderers."""

    verdict: StoredVerdict
    document: Mapping[str, Any]
    rows: Mapping[Key, dict[str, Any]]

    @property
    def id(self) -> str:
        """The run's id; ids sort by time."""
        return self.verdict.run_id


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something in the store that can't be used as evidence, and what is known of it all the same."""

    run_id: str
    problem: str
    revision: str  # empty where it can't be told


def read(run_id: str, body: bytes | StoreError, target: str) -> StoredRun | Unusable:
    """Read one stored verdict, or say in one sentence why it can't be used."""
    if isinstance(body, StoreError):
        return Unusable(run_id, str(body), "")
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unusable(run_id, f"is corrupt or half written ({error})", "")
    if not isinstance(document, dict):
        return Unusable(run_id, "is no verdict: not a JSON object", "")
    revision = str(document.get("revision", ""))
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        what = f"has schema version {version!r}, and this gate reads {SCHEMA_VERSION}"
        return Unusable(run_id, f"{what}: verify again, or use the gate of that version", revision)
    try:
        verdict = msgspec.convert(document, StoredVerdict, str_keys=True)
    except msgspec.ValidationError as error:
        return Unusable(run_id, f"does not fit the schema ({error})", revision)
    problem = _contradiction(verdict, run_id, target)
    rows = {(row["id"], row["case"]): row for row in document["checks"]}
    return Unusable(run_id, problem, revision) if problem else StoredRun(verdict, document, rows)


def _contradiction(verdict: StoredVerdict, run_id: str, target: str) -> str:
    if verdict.target != target:
        return f"is evidence of another target, {verdict.target!r}"
    if verdict.run_id != run_id:
        return f"calls itself run {verdict.run_id!r}: it was copied or renamed"
    if Counter(row.outcome for row in verdict.checks) != Counter(verdict.counts):
        return "has other counts than rows: it was cut or changed"
    judged = rejudge(verdict).verdict
    if judged is not verdict.verdict and verdict.phase != "gate":
        return f"says {verdict.verdict}, and its own rows say {judged}: it was changed"
    return ""


def rejudge(verdict: StoredVerdict) -> Decision:
    """Judge a stored run again, from its rows alone, by the rules of `gate.verdict`."""
    did_run = {row.key: row for row in verdict.checks if name(row.key) not in verdict.missing}
    known = {one.name for one in verdict.known_failures if one.state != "expired"}
    accepted = {key for key, row in did_run.items() if row.outcome is Outcome.FAILED and name(key) in known}
    return decide(
        {key: row.outcome for key, row in did_run.items() if key not in accepted},
        {row.key for row in verdict.checks if row.required and row.key not in accepted},
        residue=verdict.residue,
        interrupted=verdict.interrupted,
        stale_known=[name(key) for key, row in did_run.items() if row.outcome is Outcome.PASSED and name(key) in known],
        doubts=verdict.doubts,
    )


def exit_code(verdict: StoredVerdict, decision: Decision) -> int:
    """The exit code of a run that is judged again: pytest's own codes are kept."""
    return verdict.exit_code if verdict.exit_code in PYTESTS_OWN else EXIT_CODES[decision.verdict]
