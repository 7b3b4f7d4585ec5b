"""The verdict as a document: `verdict.json`, from which every other report is rendered."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import msgspec

from gate.causes import find_causes
from gate.known import Known
from gate.moments import rfc3339
from gate.outcomes import EXIT_CODES, Outcome, Verdict
from gate.plain_text import neutralise_json
from gate.redaction import Redactor
from gate.run import Result, Run
from gate.strict_json import JSON, plain
from gate.verdict import Decision, Key, name
from gate.verdict_document import SCHEMA_VERSION, Document, ExitCode, Left, Override, Phase, Row, count_outcomes

# Words of our own, which stay even if a password is one of them: readers find a case, a run and its folder by them.
OWN_WORDS = ("verdict", "phase", "run_id", "target", "environment", "profile", "missing", "counts")
OF_A_ROW = ("id", "case", "name", "family", "outcome")
SCHEMA = Path(__file__).parent / "schema" / "verdict.schema.json"


class RunParts(TypedDict):
    """The parts of the document that a run has even before it is judged."""

    run_id: str
    target: str
    environment: str
    profile: str
    revision: str
    phase: Phase
    quick: bool
    overrides: list[Override]
    started: str
    release: dict[str, JSON]
    residue: int | None
    left: list[Left]
    interrupted: str
    notes: list[str]
    selection: str
    promises: str | msgspec.UnsetType
    rerun: str


def build(
    run: Run, decision: Decision, exit_code: int, known: Mapping[str, Known], doubts: Sequence[str] = ()
) -> Document:
    """The whole verdict, without secrets.

    Rows come in the order in which they ran; required cases without a result follow as BROKEN "did not run", so
    that readers need not compare two lists.
    """
    required = run.plan.required_cases()
    rows = [_row(result, required=key in required, known=known) for key, result in run.results.items()]
    rows += [missing_row(key) for key in decision.missing]
    outcomes = {name(key): result.outcome for key, result in run.results.items()}
    document = Document(
        schema_version=SCHEMA_VERSION,
        verdict=decision.verdict,
        exit_code=msgspec.convert(exit_code, ExitCode),
        reason=with_standing(decision.reason, run.release),
        ended=rfc3339(datetime.now(UTC)),
        counts=count_outcomes(rows),
        missing=[name(key) for key in decision.missing],
        doubts=list(doubts),
        known_failures=[one.in_document(outcomes.get(one.name)) for one in known.values()],
        changes=None,
        gate=None,
        seal=None,
        causes=[],
        checks=rows,
        **_parts(run),
    )
    return with_causes(clean(document, run.redactor))


def _parts(run: Run) -> RunParts:
    return {
        "run_id": run.id,
        "target": run.plan.target,
        "environment": run.plan.environment,
        "profile": run.plan.profile,
        "revision": run.revision,
        "phase": msgspec.convert(run.plan.phase, Phase),
        "quick": run.plan.quick,
        "overrides": list(run.plan.overrides),
        "started": rfc3339(run.started),
        "release": plain(run.release),
        "residue": run.residue,
        "left": list(run.left),
        "interrupted": run.interrupted,
        "notes": list(run.notes),
        "selection": run.selection,
        "promises": run.plan.promises or msgspec.UNSET,
        "rerun": run.plan.rerun,
    }


def with_standing(reason: str, release: Mapping[str, JSON]) -> str:
    """The verdict's sentence; it begins with the revision's share of the traffic if that is not 100 %."""
    standing = release.get("standing", "")
    return f"{standing}: {reason}" if standing else reason


def with_causes(document: Document) -> Document:
    """The document with the causes of what did not pass."""
    return msgspec.structs.replace(document, causes=find_causes(document.checks, document.missing))


def clean(document: Document, redactor: Redactor) -> Document:
    """The document ready to be written: every text redacted and neutralised, and every value of its type.

    Raises:
        msgspec.ValidationError: It does not match the schema.
    """
    redactor.spare([document.revision, *names_in(document)])
    whole = msgspec.to_builtins(document)
    values = neutralise_json(redactor.json(whole))
    for row, own in zip(values["checks"], whole["checks"], strict=True):
        row |= {key: neutralise_json(own[key]) for key in OF_A_ROW}
    for listed, own in zip(values["known_failures"], whole["known_failures"], strict=True):
        listed["name"] = neutralise_json(own["name"])
    values |= {key: neutralise_json(whole[key]) for key in OWN_WORDS}
    return msgspec.convert(values, Document)


def names_in(document: Document) -> list[str]:
    """The names by which readers find a run and its cases: its id and target, and those of checks and cases."""
    names = [word for row in document.checks for word in (row.name, row.id)]
    return [document.run_id, document.target, *names, *document.missing]


def provisional(run: Run) -> Document:
    """The document on disk until the run has finished: nothing is proved yet."""
    reason = "the run has not finished; if nothing is running any more, it was killed"
    return build(run, Decision(Verdict.INCONCLUSIVE, reason, ()), EXIT_CODES[Verdict.INCONCLUSIVE], {})


def _row(result: Result, *, required: bool, known: Mapping[str, Known]) -> Row:
    listed = known.get(name(result.key))
    accepted = listed if listed and not listed.expired else None
    return Row(
        id=result.check.id,
        case=result.case,
        name=name(result.key),
        family=result.check.family,
        outcome=result.outcome,
        required=required,
        claim=result.check.claim,
        requirement=result.check.requirement,
        expected=result.expected,
        actual=result.actual,
        reason=result.reason,
        remedy="" if result.outcome is Outcome.PASSED else result.remedy,
        looking="" if result.outcome is Outcome.PASSED else result.check.looking,
        known_failure=f"{accepted.owner}, until {accepted.expires}: {accepted.reason}" if accepted else "",
        began=rfc3339(result.began) if result.began else "",
        duration_s=round(result.duration_s, 4),
        inputs=[],
        **result.recorder.parts(),
    )


def missing_row(key: Key, outcome: Outcome = Outcome.BROKEN, reason: str = "") -> Row:
    """The row of a required case without a result."""
    return Row(
        id=key[0],
        case=key[1],
        name=name(key),
        family=key[0].partition(".")[0],
        outcome=outcome,
        required=True,
        claim="",
        requirement="",
        expected="",
        actual="",
        reason=reason or "required by the profile, but it did not run",
        remedy="",
        known_failure="",
        began="",
        duration_s=0.0,
        figures=[],
        evidence={},
        accruals=[],
        traces=[],
        curl=[],
        server_lines=[],
        plots=[],
        inputs=[],
    )
