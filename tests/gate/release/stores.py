"""Stored verdicts for the tests of the gate: built by the gate itself, from outcomes and accruals."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gate.check import Phase
from gate.document import build
from gate.evidence import Recorder
from gate.known import Known
from gate.outcomes import EXIT_CODES, Outcome
from gate.release.terms import Need
from gate.run import Result, Run
from gate.verdict import Key, decide
from gate.verdict_document import Document
from tests.gate.documents import make_check, make_plan

START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEEDS = {"websocket.one-hour": Need("exposure", 3600.0), "logs.zero-500-day": Need("window", 86_400.0)}


def window(start_h: float, end_h: float, *, events: int = 0, proved: bool = True, n: int = 10) -> dict[str, Any]:
    """A day window, in hours since `START`; 24 hours are needed."""
    return {
        "kind": "window",
        "start": START + start_h * HOUR,
        "end": START + end_h * HOUR,
        "need_s": 86_400.0,
        "proved": proved,
        "events": events,
        "n": n,
    }


def shard(number: int, of: int, *, events: int = 0, proved: bool = True, group: str = "soak-1") -> dict[str, Any]:
    """A soak's shard of one hour with ten sessions."""
    return {
        "kind": "exposure",
        "start": START,
        "end": START + HOUR,
        "need_s": 3600.0,
        "proved": proved,
        "events": events,
        "n": 10,
        "hours": 10.0,
        "group": group,
        "shard": number,
        "shards": of,
    }


def stored(  # noqa: PLR0913 - whatever a test wants to be different
    outcomes: Mapping[Key, Outcome],
    *,
    phase: Phase = "smoke",
    revision: str = "rev-1",
    at_h: float = 0.0,
    accruals: Mapping[Key, Iterable[dict[str, Any]]] | None = None,
    known: Iterable[str] = (),
    target: str = "mini",
    residue: int | None = 0,
    interrupted: str = "",
    profile: str = "full",
    quick: bool = False,
) -> Document:
    """A run's verdict as it lies in a store, begun `at_h` hours after `START`."""
    required: dict[str, tuple[str, ...]] = {}
    for check_id, case in outcomes:
        required[check_id] = (*required.get(check_id, ()), *([case] if case else []))
    run = Run(
        plan=make_plan(Path("reports"), required, target=target, profile=profile, phase=phase, quick=quick),
        started=START + at_h * HOUR,
        revision=revision,
        residue=residue,
        interrupted=interrupted,
        release={"service": "netra", "rollback": ["gcloud run services update-traffic …"]},
    )
    run.id = f"{run.started:%Y%m%dT%H%M%SZ}-{abs(hash((phase, at_h, revision, str(accruals)))) % 0xFFFFFF:06x}"
    for key, outcome in outcomes.items():
        run.results[key] = _result(key, outcome, phase, (accruals or {}).get(key, ()))
    return _decided(run, known)


def _decided(run: Run, known: Iterable[str]) -> Document:
    """The run's document, with these cases accepted as known failures."""
    expires = (START + timedelta(days=9)).date()
    listed = {name: Known(name=name, owner="backend", reason="accepted", expires=expires) for name in known}
    outcomes = {key: result.outcome for key, result in run.results.items()}
    required = run.plan.required_cases()
    decision = decide(outcomes, required, residue=run.residue, interrupted=run.interrupted, known=listed)
    return build(run, decision, EXIT_CODES[decision.verdict], listed)


def _result(key: Key, outcome: Outcome, phase: Phase, accruals: Iterable[Any]) -> Result:
    recorder = Recorder()
    for one in accruals:
        recorder.accrue(**one)
    declared = make_check(key[0], phase=phase, requirement=f"{key[0]} holds")
    reason = "" if outcome is Outcome.PASSED else f"expected it to hold, got {outcome}"
    return Result(
        check=declared, case=key[1], outcome=outcome, reason=reason, actual=reason, remedy="Fix 1", recorder=recorder
    )
