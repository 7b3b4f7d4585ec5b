"""A stored verdict: not trusted, but judged again from its own rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from gate.figures import Accrual
from gate.moments import moment
from gate.outcomes import EXIT_CODES, Outcome
from gate.redaction import Concealed
from gate.release.seal import broken_seal
from gate.release.store import StoreError
from gate.verdict import Decision, Key, decide, name
from gate.verdict_document import SCHEMA_VERSION, Document, Row, decode

PYTESTS_OWN = frozenset({2, 3, 4})
SKEW = timedelta(minutes=5)  # allowed between the clocks of the writer and the reader of evidence


class _About(msgspec.Struct, frozen=True):
    """What is known about a document that does not match the schema."""

    schema_version: int | str | float | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One stored run."""

    document: Document
    rows: Mapping[Key, Row]

    @property
    def id(self) -> str:
        """The run's id; ids sort by time."""
        return self.document.run_id


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something in the store that can't be used as evidence, and what is known about it."""

    run_id: str
    problem: str
    revision: str  # empty if unknown


def read(
    run_id: str, body: bytes | StoreError, target: str, key: Concealed | None = None, now: datetime | None = None
) -> StoredRun | Unusable:
    """Read one stored verdict, or say in one sentence why it can't be used. `key`: the key it must be signed with."""
    if isinstance(body, StoreError):
        return Unusable(run_id, str(body), "")
    try:
        document = decode(body)
    except msgspec.ValidationError as error:
        return _unfit(run_id, body, error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unusable(run_id, f"is corrupt or half written ({error})", "")
    problem = _contradiction(document, run_id, target) or _impossible(document, now or datetime.now(UTC))
    if document.checks:  # without it, the document is the provisional one
        problem = problem or broken_seal(document, key)
    rows = {row.key: row for row in document.checks}
    return Unusable(run_id, problem, document.revision) if problem else StoredRun(document, rows)


def _unfit(run_id: str, body: bytes, error: msgspec.ValidationError) -> Unusable:
    """Why a document that does not match the schema (and may not be strict JSON) is not a verdict of this version."""
    try:
        about = msgspec.json.decode(body, type=_About)
    except msgspec.ValidationError:
        return Unusable(run_id, f"is not a verdict ({error})", "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as worse:  # beyond the first error
        return Unusable(run_id, f"is corrupt or half written ({worse})", "")
    if about.schema_version != SCHEMA_VERSION:
        what = f"has schema version {about.schema_version!r}, and this gate reads {SCHEMA_VERSION}"
        return Unusable(run_id, f"{what}: verify again, or use the gate of that version", about.revision)
    return Unusable(run_id, f"does not match the schema ({error})", about.revision)


def _contradiction(document: Document, run_id: str, target: str) -> str:
    if document.target != target:
        return f"is evidence of another target, {document.target!r}"
    if document.run_id != run_id:
        return f"calls itself run {document.run_id!r}: it was copied or renamed"
    if len({row.key for row in document.checks}) < len(document.checks):
        return "has two rows for one case: it was changed"
    if Counter(row.outcome for row in document.checks) != Counter(document.counts):
        return "has counts that do not match its rows: it was cut or changed"
    judged = rejudge(document).verdict
    if judged is not document.verdict and document.phase != "gate":
        return f"says {document.verdict}, but its own rows say {judged}: it was changed"
    return ""


def _impossible(document: Document, now: datetime) -> str:
    """Claims that no run of this suite can make; empty if there are none."""
    started, ended = moment(document.started), moment(document.ended)
    if not document.started.endswith("Z"):  # times are compared as text
        return f"began at {document.started}, which is not written in UTC"
    if max(started, ended) > now + SKEW:
        return f"began or ended in the future ({document.ended})"
    if ended < started:
        return f"ended ({document.ended}) before it began ({document.started})"
    if (document.phase == "gate") != (document.gate is not None):
        return f"has the phase {document.phase}, which does not match its content: it was changed"
    if document.gate is not None:
        return _unfounded(document.checks, {one.run_id for one in document.gate.inputs})
    return next((why for row in document.checks for one in row.accruals if (why := _misplaced(one, row, ended))), "")


def _unfounded(rows: Sequence[Row], given: set[str]) -> str:
    """Why a gate's failures can't be genuine: each must come from a run that the gate lists."""
    failed = [row for row in rows if row.outcome is Outcome.FAILED]
    if all(given & {one.run_id for one in row.inputs} for row in failed):
        return ""
    return "has the phase gate, but failures that come from none of its listed runs: it was changed"


def _misplaced(accrual: Accrual, row: Row, ended: datetime) -> str:
    start, end = moment(accrual.start), moment(accrual.end)
    if end > ended + SKEW:
        return f"adds to {row.name} a {accrual.kind} that ends after the run itself ({accrual.end})"
    if end < start:
        return f"adds to {row.name} a {accrual.kind} that ends before it starts ({accrual.end})"
    return ""


def rejudge(document: Document) -> Decision:
    """Judge a stored run again, only from its rows, by the rules of `gate.verdict`."""
    missing = frozenset(document.missing)
    return decide(
        {row.key: row.outcome for row in document.checks if name(row.key) not in missing},
        {row.key for row in document.checks if row.required},
        residue=document.residue,
        interrupted=document.interrupted,
        known=frozenset(one.name for one in document.known_failures if one.state != "expired"),
        doubts=document.doubts,
    )


def exit_code(document: Document, decision: Decision) -> int:
    """The exit code of a run that is judged again: pytest's own codes are kept."""
    return document.exit_code if document.exit_code in PYTESTS_OWN else EXIT_CODES[decision.verdict]
