"""From what pytest saw of a case to its outcome. A crashed checker is unknown, never false."""

from collections.abc import Callable

import pytest

from gate.failures import Broken, Judgement, MissingRoute
from gate.outcomes import Outcome
from gate.run import Result
from gate.verdict import name

RESULT = pytest.StashKey[Result]()
Classify = Callable[..., Judgement | None]


def judge(
    result: Result,
    report: pytest.TestReport,
    call: pytest.CallInfo[None],
    classify: Classify,
    missing: dict[str, str],
) -> None:
    """Set the result's outcome from one phase (setup, call or teardown) of its case.

    The phases come in order: a call that passed makes PASSED, anything else what `classify` or its type says. A
    teardown can only take away from that: an undo that failed is BROKEN, a failure stays a failure. `missing` holds,
    by route, the case that found it missing: one finding, for which every other case that meets it waits.
    """
    result.duration_s += report.duration
    error = call.excinfo.value if call.excinfo else None
    if error is None and report.outcome == "passed":
        if report.when == "call":
            result.outcome, result.reason = Outcome.PASSED, ""
        return
    verdict = _waiting(_judgement(error, report, classify), result, missing)
    if report.when == "teardown" and result.outcome is Outcome.FAILED:
        result.reason += f" (and the undo broke: {verdict.actual})"
        return
    result.recorder.failed = True
    result.recorder.note_judgement(verdict.evidence)
    result.outcome = Outcome.BROKEN if report.when == "teardown" else verdict.outcome
    result.expected, result.actual = verdict.expected, verdict.actual
    result.reason = f"in {report.when}: {verdict.actual}" if report.when != "call" else verdict.actual
    result.remedy = verdict.remedy or result.remedy


def _waiting(judgement: Judgement, result: Result, missing: dict[str, str]) -> Judgement:
    """A route that another case has found missing already is no second finding."""
    if not isinstance(judgement, MissingRoute):
        return judgement
    finder = missing.setdefault(judgement.key, name(result.key))
    if finder == name(result.key):
        return judgement
    return Broken(f"waits for {finder}: {judgement.actual}", remedy=judgement.remedy)


def _judgement(error: BaseException | None, report: pytest.TestReport, classify: Classify) -> Judgement:
    if error is None:
        return Broken(f"pytest reports {report.outcome} without an exception")
    if isinstance(error, Judgement):
        return error
    if isinstance(error, pytest.skip.Exception):
        return Broken(f"skipped itself ({error}): a check that can't run is declared so by its needs")
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return _judgement(error.exceptions[0], report, classify)
    known = classify(error=error)
    return known or Broken(f"unexpected {type(error).__name__}: {error}")
