"""What a run is about: the frame that the fixtures give to the gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate.known import Known
from gate.redaction import Concealed
from gate.verdict_document import Override


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The run's frame: the target, what it offers, what must pass, and where results go."""

    target: str
    environment: str
    profile: str
    phase: str
    offers: frozenset[str]
    lacking: Mapping[str, str]  # need -> why the target does not offer it
    required: Mapping[str, tuple[str, ...]]  # check id -> case ids; () for a check without cases
    secrets: tuple[Concealed, ...]  # values that must not reach any file
    report_dir: Path
    quick: bool
    deadline_s: float
    log_export: str | None = None
    verdict_only: bool = False
    silent: bool = False  # only the exit code
    known_failures: Path | None = None
    overrides: tuple[Override, ...] = ()  # settings that differ from the target and its profile
    accepted: Mapping[str, Known] = field(default_factory=dict)  # known failures that the target itself lists
    notes: tuple[str, ...] = ()  # what the report says first: what the target lacks or accepts
    promises: str = ""  # SHA-256 of what the target's file promises
    rerun: str = ""  # a command to which the quoted name of the case to rerun is appended
    evidence: str = ""  # a store besides the report folder; see gate.release.store
    evidence_key: Concealed | None = None  # the key for signing stored runs; None: only digests

    def required_cases(self) -> frozenset[tuple[str, str]]:
        """Every (check id, case id) that must pass; the case is empty for a check without cases."""
        return frozenset((check, case) for check, cases in self.required.items() for case in cases or ("",))
