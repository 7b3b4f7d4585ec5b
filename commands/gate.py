"""`make gate`: merge the evidence of one revision, judge it, and write the gate's own report."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

import msgspec

from commands.console import say, say_verdict
from gate.changes import changes
from gate.document import clean
from gate.local_files import read_regular
from gate.redaction import Redactor
from gate.release.conclusion import Frame, conclude
from gate.release.gathering import Evidence, gather
from gate.release.merge import newest_revision
from gate.release.store import Store, StoreError
from gate.release.stored_run import Unusable, exit_code, read, rejudge
from gate.release.terms import Need
from gate.report.explain import explain
from gate.report.terminal import console_for
from gate.run import new_run_id
from gate.session.publishing import notify_people, other_store, publish_gate
from gate.telling.notify import is_configured
from gate.verdict_document import Document
from targets.credentials import evidence_key, secrets_of_environment, wrong_evidence_key
from targets.loading import ConfigurationError, describe_target
from targets.model import Target
from targets.profiles import required_of
from targets.promises import digest_of_promises

PHASES = ("smoke", "soak", "day")
INCONCLUSIVE = 10
MOST_SHOWN = 12  # ids that a refused discard names


class _Named(msgspec.Struct, frozen=True):
    """The ids in a verdict, whatever else is wrong with it."""

    run_id: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The gate's question: a target, its evidence and where to report."""

    target: str
    targets_dir: Path | None
    report_dir: Path
    evidence: str = ""
    revision: str = ""
    silent: bool = False


def gate(question: Question) -> int:
    """Judge a revision by all its evidence; print and write the verdict; return its exit code."""
    store = _store(question)
    evidence = gather(store, question.target)
    frame = _frame(question, evidence)
    run_id, now = new_run_id(), datetime.now(UTC)
    elsewhere = other_store(question.evidence, question.report_dir, store.key, store.redactor)
    document = conclude(evidence, frame, run_id, now)
    document = msgspec.structs.replace(document, changes=changes(document, _last_gate(evidence, run_id)))
    if elsewhere:
        try:
            elsewhere.put(document)
        except StoreError as error:
            document = msgspec.structs.replace(
                conclude(evidence, frame, run_id, now, [str(error)]), changes=document.changes
            )
    if not question.silent and is_configured():
        notes = notify_people(document, store)
        document = msgspec.structs.replace(document, notes=[*document.notes, *notes])
    try:
        publish_gate(document, question.report_dir, console_for(sys.stdout), key=store.key, silent=question.silent)
    except OSError as error:
        raise ConfigurationError(
            f"--report-dir {question.report_dir} can't be written to ({error.strerror}): give another folder."
        ) from error
    return document.exit_code


def explain_check(question: Question, check_id: str) -> int:
    """Print everything that the evidence says about one check; nothing is written."""
    evidence = gather(_store(question), question.target)
    document = conclude(evidence, _frame(question, evidence), new_run_id(), datetime.now(UTC))
    return _explain(document, check_id)


def _explain(document: Document, check_id: str) -> int:
    try:
        say(explain(document, check_id))
    except KeyError as error:
        raise ConfigurationError(f"There is no check {check_id!r} in this evidence: it has {error.args[0]}.") from error
    return 0


def _last_gate(evidence: Evidence, run_id: str) -> Document | None:
    last = max((one for one in evidence.gates if one.id < run_id), key=lambda one: one.id, default=None)
    return clean(last.document, evidence.redactor) if last else None


def discard(question: Question, what: Sequence[str], because: str, owner: str) -> int:
    """Record that runs do not count; they stay in the store, and the gate's report says who discarded them."""
    if not because.strip():
        raise ConfigurationError(
            f'A discard of {what[0]} needs a reason: give --because "why" (make gate … BECAUSE="why").'
        )
    store = _store(question)
    _refuse_unknown(gather(store, question.target), question.target, what)
    for one in what:
        try:
            record = store.discard(question.target, one, owner=owner, because=because.strip())
        except StoreError as error:
            raise ConfigurationError(str(error)) from error
        say(f"{record.id} of {question.target} is discarded by {record.owner}, {record.at}: {record.because}")
    return 0


def _refuse_unknown(evidence: Evidence, target: str, what: Sequence[str]) -> None:
    """Refuse a discard of what is not there, before any is recorded: the run that was meant would still count."""
    if evidence.problems:
        raise ConfigurationError(f"Nothing is discarded: {evidence.problems[0]}")
    known = evidence.known_ids
    unknown = [one for one in what if one not in known]
    if unknown:
        near = [name for one in unknown for name in get_close_matches(one, known, n=1)]
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        shown = known[-MOST_SHOWN:]
        left_out = f" and {len(known) - len(shown)} earlier" if len(known) > len(shown) else ""
        raise ConfigurationError(
            f"Nothing is discarded: {evidence.where} has no run and no soak {', '.join(unknown)} of {target} "
            f"(--discard){hint}. It has {', '.join(shown) or 'none at all'}{left_out}."
        )


def judge_again(path: Path, explained: str = "") -> int:
    """Judge one stored verdict again from its rows, offline, and print the result next to the run's own."""
    file = path / "verdict.json" if path.is_dir() else path
    try:
        body = read_regular(file)
        named = msgspec.json.decode(body, type=_Named)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{file} can't be read as a verdict ({error}): give a run's folder.") from error
    run_id, target = named.run_id, named.target
    stored = read(run_id, body, target)
    if isinstance(stored, Unusable):
        say(f"Run {run_id} {stored.problem}.", file=sys.stderr)
        say_verdict("INCONCLUSIVE", file=sys.stderr)
        return INCONCLUSIVE
    document = clean(stored.document, Redactor(secrets_of_environment(os.environ)))
    if explained:
        return _explain(document, explained)
    decision = rejudge(document)
    code = exit_code(document, decision)
    say(f"{decision.reason}.")
    say(f"Judged again from {len(document.checks)} rows; the run itself said {document.verdict}.")
    say_verdict(f"{decision.verdict} revision={document.revision} target={document.target} exit_code={code}")
    return code


def who(environ: Mapping[str, str] = os.environ) -> str:
    """The default owner of a discard: the CI's or the system's user."""
    return next((environ[key] for key in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER") if environ.get(key)), "unknown")


def _store(question: Question) -> Store:
    wrong = wrong_evidence_key(os.environ)
    if wrong:
        raise ConfigurationError(wrong[0])
    redactor = Redactor(secrets_of_environment(os.environ))
    try:
        return Store(question.evidence or str(question.report_dir), evidence_key(os.environ), redactor)
    except StoreError as error:
        raise ConfigurationError(str(error)) from error


def _frame(question: Question, evidence: Evidence) -> Frame:
    """What the target's profile requires, over all phases.

    It is the profile that this environment may use, or the one with writing if a run of the revision had it.
    """
    target = describe_target(question.target, question.targets_dir)
    revision = question.revision or newest_revision(evidence.runs)
    wrote = target.profile_when_writing in {
        run.document.profile for run in evidence.runs if run.document.revision == revision
    }
    profile = target.profile_when_writing if wrote else target.full_profile
    offers, _ = target.offers()
    required = {phase: required_of(target, phase, question.targets_dir, offers, profile) for phase in PHASES}
    cases = {phase: _cases(checks) for phase, checks in required.items()}
    profiles = frozenset({target.required_profile, target.profile_when_writing} - {""})
    return Frame(
        target=target.name,
        environment=target.environment,
        profile=profile,
        required=cases,
        revision=question.revision,
        needs=_needs(target),
        promises=digest_of_promises(question.target, question.targets_dir),
        profiles=profiles,
    )


def _needs(target: Target) -> dict[str, Need]:
    """How long the claims take that are longer than a run, according to the contract in force."""
    contract = target.contract
    return {
        "websocket.one-hour": Need(
            "exposure", contract.websocket.session_seconds, compressed=target.environment == "local"
        ),
        "logs.zero-500-day": Need("window", contract.logs.day_s),
    }


def _cases(checks: Mapping[str, tuple[str, ...]]) -> frozenset[tuple[str, str]]:
    return frozenset((check, case) for check, cases in checks.items() for case in cases or ("",))
