"""One run: its id, what it learns about the release, and the results so far."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate.check import Check
from gate.evidence import Recorder
from gate.known import Known
from gate.outcomes import Outcome
from gate.plan import Plan
from gate.redaction import Redactor
from gate.verdict import Key, name
from gate.verdict_document import Left

PARTS = 16**3  # of a second, in three hexadecimal digits


def new_run_id(now: datetime | None = None) -> str:
    """A unique run id such as `20261123T202400Z-ab12cd`.

    Ids sort in the order of their moments, to a 4096th of a second: of the hexadecimal digits the first three are that
    part of the second, the others random.
    """
    moment = now or datetime.now(UTC)
    part = moment.microsecond * PARTS // 1_000_000
    return f"{moment:%Y%m%dT%H%M%SZ}-{part:03x}{secrets.randbelow(PARTS):03x}"


@dataclass(slots=True, kw_only=True)
class Result:
    """The result of one case of one check."""

    check: Check
    case: str
    outcome: Outcome
    expected: str = ""
    actual: str = ""
    reason: str = ""
    remedy: str = ""
    duration_s: float = 0.0
    began: datetime | None = None  # None: it never did
    recorder: Recorder = field(default_factory=Recorder)

    @property
    def key(self) -> Key:
        """The case's place in the verdict."""
        return self.check.id, self.case


@dataclass(slots=True, kw_only=True)
class Run:
    """The session's state. Fixtures record what they learn: the revision, the release, the residue, notes."""

    plan: Plan
    id: str = field(default_factory=new_run_id)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    revision: str = ""
    release: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    residue: int | None = 0
    left: list[Left] = field(default_factory=list)  # rows that the service created for our users, by table
    doubts: list[str] = field(default_factory=list)  # sentences about the evidence itself that prevent GO
    provoked: set[str] = field(default_factory=set)  # trace ids of requests whose 5xx we caused on purpose
    found_once: dict[str, str] = field(default_factory=dict)  # key of a `OneFinding` -> the case that found it
    broken_setups: list[tuple[BaseException, str]] = field(default_factory=list)  # an error, and its first case
    selection: str = ""  # how cases were selected; empty: everything runs, and the verdict is on the release
    listed: dict[str, Known] = field(default_factory=dict)  # known failures, by case, as read when the run began
    before: str = ""  # where `latest` pointed before this run
    unasked: bool = False  # a selection names nothing that there is: no run was intended
    collected: int = 0  # how many cases the phase has, before any was left out
    selected: list[Key] = field(default_factory=list)  # the cases that are to have a result
    copies: dict[str, Path] = field(default_factory=dict)  # a report in the run's folder -> where to copy it
    interrupted: str = ""
    late: bool = False  # the deadline has passed or is near: nothing slow is started
    blocked: str = ""  # why nothing of the target can be reached from here: the rest of the run is left out
    results: dict[Key, Result] = field(default_factory=dict)
    ended: dict[Key, list[Result]] = field(default_factory=dict)  # earlier outcomes of cases that ran again
    redactor: Redactor = field(init=False)  # the only one of a run: what it learns applies everywhere

    def __post_init__(self) -> None:
        """The plan's own notes come first, and its secrets are hidden from the start."""
        self.redactor = Redactor(self.plan.secrets)
        self.redactor.spare([self.plan.target, *(name(key) for key in self.plan.required_cases())])
        self.notes.extend(self.plan.notes)

    def __repr__(self) -> str:
        """Not its results: with `--showlocals` it stands in the locals of most failures, and all would be in each."""
        return f"Run({self.id!r})"

    def required_cases(self) -> frozenset[Key]:
        """Every case that must pass: the profile's, or in a run of a selection the selected ones."""
        return frozenset(self.selected) if self.selection else self.plan.required_cases()

    @property
    def folder(self) -> Path:
        """Where this run writes."""
        return self.plan.report_dir / self.plan.target / self.id
