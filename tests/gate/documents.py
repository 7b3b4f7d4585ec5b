"""Verdict documents for the tests of the renderers, built by the gate itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from gate.check import Check, Phase
from gate.document import build
from gate.evidence import Recorder
from gate.figures import ServerLine
from gate.outcomes import EXIT_CODES, Outcome
from gate.plan import Plan
from gate.plots import LatencyPlot
from gate.run import Result, Run
from gate.verdict import decide
from gate.verdict_document import Document
from probes.secret import Secret

NASTY = 'a <script>alert("x")</script> & \x00\x1b[31m ]]> \ud800 Grüße 🚀'


class PlanOptions(TypedDict, total=False):
    """What a plan says where it matters to a test."""

    target: str
    profile: str
    phase: Phase
    secrets: tuple[Secret, ...]
    quick: bool


def make_plan(folder: Path, required: Mapping[str, tuple[str, ...]], **options: Unpack[PlanOptions]) -> Plan:
    """A plan of the target `mini` that asks for these checks and cases, and needs nothing."""
    usual: PlanOptions = {"target": "mini", "profile": "full", "phase": "smoke", "secrets": (), "quick": False}
    return Plan(
        environment="local",
        offers=frozenset(),
        lacking={},
        required=required,
        report_dir=folder,
        deadline_s=60,
        **(usual | options),
    )


def make_check(
    check_id: str, *, phase: Phase = "smoke", requirement: str = "it holds", remedy: str = "Fix 1", looking: str = ""
) -> Check:
    """A declared check that needs nothing."""
    return Check(
        id=check_id,
        requirement=requirement,
        needs=frozenset(),
        phase=phase,
        remedy=remedy,
        looking=looking,
        claim="It holds.",
        place="test_x.py:1",
    )


def make_document(folder: Path, outcomes: dict[str, Outcome], *, secrets: tuple[str, ...] = ()) -> Document:
    """The document of a run whose checks (by id) came to these outcomes; each carries all kinds of evidence."""
    plan = make_plan(folder, dict.fromkeys(outcomes, ()), secrets=tuple(map(Secret, secrets)))
    run = Run(plan=plan, revision="service-00001-abc", release={"rollback": ["gcloud run services update-traffic …"]})
    for check_id, outcome in outcomes.items():
        result = _result(check_id, outcome)
        run.results[result.key] = result
    decision = decide({key: one.outcome for key, one in run.results.items()}, plan.required_cases())
    return build(run, decision, EXIT_CODES[decision.verdict], {})


def _result(check_id: str, outcome: Outcome) -> Result:
    declared = make_check(check_id, looking="`curl -i $BACKEND/health`")
    recorder = Recorder()
    recorder.figures(rule="p95", n=500, value=41.5, unit="ms", limit=100.0, confidence=0.95, window="10 s")
    recorder.attach("seen", {"body": NASTY, "list": [1, None]})
    recorder.trace("0af7651916cd43dd8448eb211c80319c", "GET /api/threads")
    recorder.curl("curl -i -H 'Authorization: Bearer $TOKEN' https://example.invalid/api/threads")
    recorder.server_lines([ServerLine("2026-01-07T00:00:00Z", "ERROR", "0af7", NASTY)])
    recorder.plot(LatencyPlot(ms=[1.0, 2.0, 3.0, 150.0], limit_ms=100.0, clock="server"))
    result = Result(check=declared, case="", outcome=outcome, recorder=recorder, duration_s=0.1, remedy="Fix 1")
    if outcome is not Outcome.PASSED:
        result.expected, result.actual, result.reason = "one", NASTY, NASTY
    return result
