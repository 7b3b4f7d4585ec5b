"""From pytest's reports on a case to its outcome. A crashed checker means unknown, never failed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gate.failures import Broken, CheckFailure, Judgement, OneFinding, waiting_for
from gate.outcomes import Outcome
from gate.run import Result, Run
from gate.verdict import name

RESULT = pytest.StashKey[Result]()
Classify = Callable[..., Judgement | None]
WORST_FIRST = (Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING, Outcome.NOT_APPLICABLE, Outcome.PASSED)


def judge(
    result: Result,
    report: pytest.TestReport | None,
    call: pytest.CallInfo[None],
    classify: Classify,
    run: Run,
) -> None:
    """Set the result's outcome from one phase (setup, call or teardown) of its case.

    The phases come in order: a call that passed gives PASSED, anything else what `classify` or its type
    says. A teardown can only make it worse: an undo that failed is BROKEN, a failure stays a failure.
    Without a report (it was interrupted), what the phase raised decides. `run` remembers which case first raised a
    `OneFinding` or met a broken shared fixture: every other case that meets the same is blocked by that one.
    """
    result.duration_s += call.duration
    error = call.excinfo.value if call.excinfo else None
    outcome = report.outcome if report else "failed" if error else "passed"
    if error is None and outcome == "passed":
        if call.when == "call":
            result.outcome, result.reason = Outcome.PASSED, ""
        return
    verdict = _waiting(_judgement(error, outcome, classify), result, run.found_once)
    verdict = _sharing(verdict, error if call.when == "setup" else None, result, run)
    if call.when == "teardown" and result.outcome is Outcome.FAILED:
        result.reason += f" (and the undo broke: {verdict.actual})"
        return
    _take(result, verdict, call.when)


def _take(result: Result, verdict: Judgement, when: str) -> None:
    """Give the result what a phase of its case was judged to be, other than passed."""
    result.recorder.failed = True
    result.recorder.note_judgement(verdict.evidence)
    result.outcome = Outcome.BROKEN if when == "teardown" else verdict.outcome
    result.expected, result.actual = verdict.expected, verdict.actual
    result.reason = f"in {when}: {verdict.actual}" if when != "call" else verdict.actual
    # The product's remedy does not help if the problem is on our side or on the way.
    result.remedy = verdict.remedy or ("" if result.outcome is Outcome.BROKEN else result.remedy)


def begin_attempt(run: Run, result: Result) -> None:
    """A case begins, perhaps again: its earlier outcome is kept but does not affect this attempt."""
    before = run.results.get(result.key)
    if before is not None and before.began is not None:
        run.ended.setdefault(result.key, []).append(replace(before))
        result.outcome, result.reason, result.expected, result.actual = Outcome.BROKEN, "not run", "", ""


def settle(run: Run, result: Result) -> None:
    """Record the case in the run, with the worst outcome of all attempts."""
    attempts = [*run.ended.get(result.key, []), result]
    worst = min(attempts, key=lambda one: WORST_FIRST.index(one.outcome))
    if len(attempts) > 1:
        came_to = ", ".join(str(one.outcome) for one in attempts)
        reason = worst.reason.partition(" (it ran ")[0]
        worst = replace(worst, reason=f"{reason} (it ran {len(attempts)} times: {came_to})")
    run.results[result.key] = worst


def _waiting(judgement: Judgement, result: Result, found: dict[str, str]) -> Judgement:
    """A missing route or a closed door that another case has already found is not a second finding."""
    if not isinstance(judgement, OneFinding):
        return judgement
    finder = found.setdefault(judgement.key, name(result.key))
    if finder == name(result.key):
        return judgement
    return waiting_for(finder, judgement)


def _sharing(judgement: Judgement, error: BaseException | None, result: Result, run: Run) -> Judgement:
    """A shared fixture is set up once, and pytest raises its error again in each case."""
    if error is None or isinstance(judgement, CheckFailure):
        return judgement
    finder = next((finder for raised, finder in run.broken_setups if raised is error), "")
    if not finder:
        run.broken_setups.append((error, name(result.key)))
    if finder in {"", name(result.key)} or judgement.outcome is not Outcome.BROKEN:
        return judgement
    return waiting_for(finder, judgement)


def _judgement(error: BaseException | None, outcome: str, classify: Classify) -> Judgement:
    if error is None:
        return Broken(f"pytest reports {outcome} without an exception")
    if isinstance(error, Judgement):
        return error
    if isinstance(error, pytest.skip.Exception):
        return Broken(f"skipped itself ({error}): declare what a check needs instead of skipping")
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return _judgement(error.exceptions[0], outcome, classify)
    known = classify(error=error)
    return known or Broken(f"unexpected {type(error).__name__}: {error}")
