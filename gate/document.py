"""The verdict as a document: `verdict.json`, from which every other report is rendered."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate.known import Known
from gate.outcomes import Outcome, Verdict
from gate.redaction import Redactor
from gate.run import Result, Run
from gate.verdict import Decision, Key, name

SCHEMA_VERSION = 2
SCHEMA = Path(__file__).parent / "schema" / "verdict.schema.json"


def build(
    run: Run, decision: Decision, exit_code: int, known: Mapping[str, Known], doubts: Sequence[str] = ()
) -> dict[str, Any]:
    """The whole verdict as JSON values, without secrets.

    Rows come in the order in which they ran; required cases without a result follow as BROKEN "did not run", so
    that no reader has to compare two lists.
    """
    required = run.plan.required_cases()
    rows = [_row(result, required=key in required, known=known) for key, result in run.results.items()]
    rows += [missing_row(key) for key in decision.missing]
    document = {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.id,
        "target": run.plan.target,
        "environment": run.plan.environment,
        "profile": run.plan.profile,
        "revision": run.revision,
        "phase": run.plan.phase,
        "quick": run.plan.quick,
        "verdict": str(decision.verdict),
        "exit_code": exit_code,
        "reason": decision.reason,
        "started": rfc3339(run.started),
        "ended": rfc3339(datetime.now(UTC)),
        "release": run.release,
        "counts": dict(sorted(Counter(row["outcome"] for row in rows).items())),
        "missing": [name(key) for key in decision.missing],
        "residue": run.residue,
        "interrupted": run.interrupted,
        "notes": run.notes,
        "doubts": list(doubts),
        "known_failures": [_known(one, run.results) for one in known.values()],
        "changes": None,
        "gate": None,
        "checks": rows,
    }
    clean: dict[str, Any] = Redactor(run.plan.secrets).json(json.loads(json.dumps(document, default=str)))
    return clean


def provisional(run: Run) -> dict[str, Any]:
    """What stands on disk until the run has finished: nothing is proved yet."""
    reason = "the run has not finished; if nothing is running any more, it was killed"
    return build(run, Decision(Verdict.INCONCLUSIVE, reason, ()), 10, {})


def _row(result: Result, *, required: bool, known: Mapping[str, Known]) -> dict[str, Any]:
    listed = known.get(name(result.key))
    accepted = listed if listed and not listed.expired else None
    passed = result.outcome is Outcome.PASSED
    return {
        "id": result.check.id,
        "case": result.case,
        "name": name(result.key),
        "family": result.check.family,
        "outcome": str(result.outcome),
        "required": required,
        "claim": result.check.claim,
        "requirement": result.check.requirement,
        "expected": result.expected,
        "actual": result.actual,
        "reason": result.reason,
        "remedy": "" if passed else result.remedy,
        "known_failure": f"{accepted.owner}, until {accepted.expires}: {accepted.reason}" if accepted else "",
        "duration_s": round(result.duration_s, 4),
        "inputs": [],
        **result.recorder.as_json(),
    }


def _known(known: Known, results: Mapping[Key, Result]) -> dict[str, str]:
    outcomes = {name(key): result.outcome for key, result in results.items()}
    states = {Outcome.FAILED: "still fails", Outcome.PASSED: "no longer fails"}
    told = {"name": known.name, "owner": known.owner, "reason": known.reason, "expires": known.expires.isoformat()}
    state = "expired" if known.expired else states.get(outcomes.get(known.name, Outcome.BROKEN), "not seen")
    return told | {"state": state}


def missing_row(key: Key, outcome: Outcome = Outcome.BROKEN, reason: str = "") -> dict[str, Any]:
    """The row of a required case without a result."""
    return {
        "id": key[0], "case": key[1], "name": name(key), "family": key[0].partition(".")[0],
        "outcome": str(outcome), "required": True, "claim": "", "requirement": "",
        "expected": "", "actual": "", "reason": reason or "required by the profile, but it did not run", "remedy": "",
        "known_failure": "", "duration_s": 0.0, "figures": [], "evidence": {}, "accruals": [], "traces": [], "curl": [],
        "server_lines": [], "plots": [], "inputs": [],
    }  # fmt: skip


def rfc3339(moment: datetime) -> str:
    """A moment as documents write it: RFC 3339, UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
