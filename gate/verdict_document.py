"""The verdict's document, typed: what `verdict.json` holds. Its JSON Schema is generated from these structs."""

from collections import Counter
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gate.figures import Accrual, Count, Figure, ServerLine, Trace
from gate.moments import moment
from gate.outcomes import Outcome, Verdict
from gate.plots import Plot
from gate.strict_json import JSON, is_deeper

SCHEMA_VERSION: Literal[4] = 4
MOST_DEPTH = 250  # of attachments: what a server sends is refused above 200
TOO_DEEP = f"nested over {MOST_DEPTH} deep"
Phase = Literal["smoke", "soak", "day", "candidate", "gate"]
ExitCode = Literal[0, 1, 2, 3, 4, 10]
KnownState = Literal["still fails", "no longer fails", "not seen", "expired"]
RunId = Annotated[str, Meta(pattern="^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$")]
CheckId = Annotated[str, Meta(pattern=r"^[a-z]+\.[a-z0-9-]+$")]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", extra_json_schema={"format": "date-time"}
    ),
]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", extra_json_schema={"format": "date"})]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the document: frozen, and unknown keys are refused."""


class Override(_Part, frozen=True):
    """A setting of this run that differs from the target's file and profile."""

    name: str  # "NETRA_PROFILE", "--quick"
    origin: str  # "environment", "command line"
    weakens: bool  # a run with such an override proves less; the gate does not accept it as a full run


class KnownFailure(_Part, frozen=True, kw_only=True):
    """A known failure, and whether it still fails."""

    name: str
    owner: str
    reason: str
    expires: Day
    state: KnownState

    def __post_init__(self) -> None:
        """Refuse a date that no calendar has. Raises ValueError."""
        date.fromisoformat(self.expires)


class Estimate(_Part, frozen=True):
    """A value with its confidence interval."""

    value: float
    low: float
    high: float


class Moved(_Part, frozen=True, kw_only=True):
    """A figure whose interval no longer touches the one of the last run."""

    name: str
    rule: str
    unit: str
    before: Estimate
    now: Estimate


class Changes(_Part, frozen=True, kw_only=True):
    """Against the last run of this target and phase."""

    since: str
    revision: str
    newly_failing: list[str]
    newly_passing: list[str]
    moved: list[Moved]
    new_causes: list[str] = []  # one sentence each
    gone_causes: list[str] = []


class GateInput(_Part, frozen=True, kw_only=True):
    """A run in a gate's input."""

    run_id: str
    phase: str
    verdict: str
    started: str
    ended: str
    counts: bool  # whether its passes count here; its failures always do
    note: str


class Discarded(_Part, frozen=True):
    """A run, or a soak's group, that does not count, and who discarded it."""

    id: str
    owner: str
    because: str
    at: str


class GatePart(_Part, frozen=True):
    """A gate's input."""

    store: str
    inputs: list[GateInput]
    discarded: list[Discarded]


class RowInput(_Part, frozen=True):
    """In a gate's verdict: one run's result for the case."""

    run_id: str
    outcome: Outcome
    counts: bool


class Row(_Part, frozen=True, kw_only=True):
    """One case of one check."""

    id: CheckId
    case: str
    name: str
    family: str
    outcome: Outcome
    required: bool
    claim: str
    requirement: str
    expected: str
    actual: str
    reason: str
    remedy: str
    known_failure: str
    began: str  # RFC 3339; empty: it never did
    duration_s: Annotated[float, Meta(ge=0)]
    figures: list[Figure]
    evidence: dict[str, JSON]
    accruals: list[Accrual]
    traces: list[Trace]
    curl: list[str]
    server_lines: list[ServerLine]
    plots: list[Plot]
    inputs: list[RowInput]
    looking: str = ""  # where to look when it fails, as the check says it

    @property
    def key(self) -> tuple[str, str]:
        """The case's place in a verdict: check id and case id."""
        return self.id, self.case


class Left(_Part, frozen=True, kw_only=True):
    """Our users' rows in a table that the service writes by itself: see a target's `[residue.tables]`."""

    table: str
    before: Count | None  # the run; null: they could not be counted
    after: Count | None
    because: str  # what creates them, or why they could not be counted
    removable: bool  # whether `make reap` may delete them


class Cause(_Part, frozen=True, kw_only=True):
    """What a group of cases that did not pass have in common; see `gate.causes`."""

    key: str  # stable: derived only from the signature
    signature: str  # without ports, ids, numbers
    outcome: Outcome
    sentence: str
    remedy: str
    frame: str  # in the service's own code; empty without a traceback
    traceback: str  # the server's own message
    first: str  # RFC 3339
    last: str
    cases: list[str]
    lines: list[ServerLine]  # in order of time


class Before(_Part, frozen=True):
    """The last run in the store when this one was added."""

    run_id: RunId
    revision: str
    digest: Digest  # SHA-256 of its file, byte for byte


class Seal(_Part, frozen=True):
    """How a stored run is verified; see `gate.release.seal`."""

    digest: Digest  # SHA-256 of the document's canonical bytes, without `digest` and `hmac`
    hmac: str  # HMAC-SHA-256 of the same with NETRA_EVIDENCE_KEY; empty without a key
    before: Before | None  # None: the first one


class Document(_Part, frozen=True, kw_only=True):
    """One run's verdict, or a gate's over many runs (phase gate)."""

    schema_version: Literal[4]
    run_id: RunId
    target: str
    environment: str
    profile: str
    revision: str  # empty: not known
    phase: Phase
    quick: bool
    overrides: list[Override]
    verdict: Verdict
    exit_code: ExitCode
    reason: str
    started: Moment
    ended: Moment
    release: dict[str, JSON]
    counts: dict[Outcome, Annotated[int, Meta(ge=1)]]
    missing: list[str]  # required cases that did not run
    residue: Count | None  # seeded rows that are left; null: they could not be counted
    left: list[Left] = []  # rows that the service created for our users, by table; the verdict may still be GO
    interrupted: str
    notes: list[str]
    doubts: list[str]  # sentences about the evidence itself that prevent GO
    known_failures: list[KnownFailure]
    changes: Changes | None  # null: there was no last run
    gate: GatePart | None  # null: this is a run's
    seal: Seal | None  # null: it was not stored
    checks: list[Row]
    causes: list[Cause] = []  # of what did not pass, largest first
    selection: str = ""  # how cases were selected; such a run is not evidence and gives no verdict on the release
    # What the target's file promised: contract, sizes, deadlines. Unset by earlier suites, whose seals must hold.
    promises: Digest | msgspec.UnsetType = msgspec.UNSET
    rerun: str = ""  # a command to which the quoted name of the case to rerun is appended

    def __post_init__(self) -> None:
        """Refuse a document that contradicts itself, or whose times are none. Raises ValueError with the reason."""
        moment(self.started)
        moment(self.ended)
        if (self.verdict is Verdict.GO) != (self.exit_code == 0):
            raise ValueError(f"the verdict {self.verdict} contradicts the exit code {self.exit_code}")
        if self.verdict is Verdict.GO and (self.missing or self.residue != 0 or self.interrupted or self.doubts):
            raise ValueError("GO, although something is missing, left over, cut short or doubted")


def count_outcomes(rows: list[Row]) -> dict[Outcome, int]:
    """How many rows have each outcome, ordered by name."""
    return dict(sorted(Counter(row.outcome for row in rows).items()))


def encode(document: Document) -> bytes:
    """The document as strict JSON, as its file holds it.

    Raises:
        ValueError: It does not match the schema and is not written.
    """
    body = msgspec.json.encode(document)
    msgspec.json.decode(body, type=Document)  # check with the strictest reader before writing
    return msgspec.json.format(body, indent=1) + b"\n"


def decode(body: bytes | str) -> Document:
    """Read a document. Raises msgspec.DecodeError if it is not strict JSON or nested too deep; ValidationError."""
    try:
        document = msgspec.json.decode(body, type=Document)
    except RecursionError as error:
        raise msgspec.DecodeError(TOO_DEEP) from error
    free = [document.release, *(row.evidence for row in document.checks)]
    free += [figure.details for row in document.checks for figure in row.figures]
    if any(is_deeper(one, MOST_DEPTH) for one in free):
        raise msgspec.DecodeError(TOO_DEEP)
    return document


def schema() -> dict[str, JSON]:
    """The JSON Schema of the document."""
    generated = msgspec.json.schema(Document)
    definitions = generated.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netra-verify verdict",
        "description": (
            f"One run's verdict, or a gate's over many runs (phase gate), version {SCHEMA_VERSION}. A reader must "
            "refuse a version that it does not know; new keys come with a new version."
        ),
        **{key: value for key, value in definitions.pop("Document").items() if key not in {"title", "description"}},
        "allOf": [GO_IS_WHOLE, ZERO_IS_GO],
        "$defs": definitions,
    }


GO_IS_WHOLE = {
    "if": {"properties": {"verdict": {"const": "GO"}}},
    "then": {
        "properties": {
            "exit_code": {"const": 0},
            "missing": {"maxItems": 0},
            "residue": {"const": 0},
            "interrupted": {"const": ""},
            "doubts": {"maxItems": 0},
        }
    },
}
ZERO_IS_GO = {
    "if": {"properties": {"exit_code": {"const": 0}}},
    "then": {"properties": {"verdict": {"const": "GO"}}},
}
