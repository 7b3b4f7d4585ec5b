"""From what pytest reports of a case to its outcome, phase by phase and attempt by attempt."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gate.failures import Broken, CheckFailure, Judgement, MissingRoute, Pending
from gate.outcomes import Outcome
from gate.run import Result, Run
from gate.session.case_outcome import begin_attempt, judge, settle
from tests.gate.documents import make_check, make_plan

P, F, B = Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN
REFUTED = CheckFailure(expected="one", actual="two")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(plan=make_plan(tmp_path, {}))


def result(name: str = "a.b", outcome: Outcome = B, case: str = "") -> Result:
    return Result(check=make_check(name), case=case, outcome=outcome, reason="not run", remedy="Fix 1")


def phase(
    when: str, error: BaseException | None = None, outcome: str = ""
) -> tuple[pytest.TestReport, pytest.CallInfo[None]]:
    """What pytest has of one phase: its report, and what was raised."""

    def do() -> None:
        if error:
            raise error

    call = pytest.CallInfo[None].from_call(do, when=when)  # type: ignore[arg-type]  # a phase's name
    call.duration = 0.5
    said = outcome or ("failed" if error else "passed")
    report = pytest.TestReport("n", ("f", 1, "t"), {}, said, None, when)  # type: ignore[arg-type]  # same
    return report, call


def nothing_known(**_given: object) -> Judgement | None:
    return None


def judged(run: Run, one: Result, when: str, error: BaseException | None = None, outcome: str = "") -> Result:
    report, call = phase(when, error, outcome)
    judge(one, report, call, nothing_known, run)
    return one


def test_a_case_that_passed_in_all_phases_has_passed(run: Run) -> None:
    one = result()
    judged(run, one, "setup")
    assert (one.outcome, one.reason) == (B, "not run")
    judged(run, judged(run, one, "call"), "teardown")
    assert (one.outcome, one.reason, one.duration_s, one.recorder.failed) == (P, "", 1.5, False)


@pytest.mark.parametrize(
    "error, outcome, reason, remedy",
    [
        (REFUTED, F, "expected one, got two", "Fix 1"),
        (Pending("later"), Outcome.PENDING, "later", "Fix 1"),
        (Broken("no log"), B, "no log", ""),
        (Broken("no log", remedy="give access"), B, "no log", "give access"),
        (ValueError("odd"), B, "unexpected ValueError: odd", ""),
        (ExceptionGroup("g", [ExceptionGroup("h", [Pending("later")])]), Outcome.PENDING, "later", "Fix 1"),
        (ExceptionGroup("g", [Pending("x"), Pending("y")]), B, "unexpected ExceptionGroup: g (2 sub-exceptions)", ""),
    ],
)
def test_what_a_call_raises_is_its_outcome(
    run: Run, error: BaseException, outcome: Outcome, reason: str, remedy: str
) -> None:
    one = judged(run, result(), "call", error)
    assert (one.outcome, one.remedy) == (outcome, remedy)
    assert one.reason in {reason, "two"}
    assert one.recorder.failed


def test_a_setup_that_breaks_says_where_and_a_teardown_makes_it_broken(run: Run) -> None:
    assert judged(run, result(), "setup", Broken("no user")).reason == "in setup: no user"
    passed = judged(run, result(), "call")
    undone = judged(run, passed, "teardown", REFUTED)
    assert (undone.outcome, undone.reason) == (B, "in teardown: two")
    pending = judged(run, judged(run, result(), "call", Pending("later")), "teardown", Broken("no undo"))
    assert (pending.outcome, pending.reason) == (B, "in teardown: no undo")


def test_a_failure_stays_one_if_its_undo_breaks(run: Run) -> None:
    one = judged(run, judged(run, result(), "call", REFUTED), "teardown", Broken("no undo"))
    assert one.outcome is F
    assert one.reason.endswith("two (and the undo broke: no undo)")
    assert (one.expected, one.actual) == ("one", "two")


def test_what_skips_itself_or_fails_without_an_error_is_broken(run: Run) -> None:
    skipped = judged(run, result(), "call", pytest.skip.Exception("not today"), "skipped")
    assert skipped.reason == "skipped itself (not today): declare what a check needs instead of skipping"
    silent = judged(run, result(), "call", None, "failed")
    assert (silent.outcome, silent.reason) == (B, "pytest reports failed without an exception")


def test_without_a_report_what_was_raised_decides(run: Run) -> None:
    one = result()
    judge(one, None, phase("call", KeyboardInterrupt())[1], nothing_known, run)
    assert (one.outcome, one.reason) == (B, "unexpected KeyboardInterrupt: ")
    quiet = result()
    judge(quiet, None, phase("call")[1], nothing_known, run)
    assert quiet.outcome is P


def test_an_error_that_a_probe_knows_is_what_it_says(run: Run) -> None:
    one, (report, call) = result(), phase("call", OSError("x"))
    judge(one, report, call, lambda *, error: Pending(f"known: {error}"), run)
    assert (one.outcome, one.reason) == (Outcome.PENDING, "known: x")


def missing() -> MissingRoute:
    return MissingRoute("threads", "GET /x answered 404")


def test_a_finding_that_another_case_has_made_is_not_a_second_one(run: Run) -> None:
    first = judged(run, result("a.first"), "call", missing())
    again = judged(run, result("a.first"), "call", missing())
    second = judged(run, result("a.second", case="x"), "call", missing())
    assert (first.outcome, again.outcome, second.outcome) == (F, F, B)
    assert "a.first, which says: " in second.reason
    assert run.found_once == {missing().key: "a.first"}


def test_a_shared_fixture_breaks_once_and_the_others_wait_for_it(run: Run) -> None:
    error, other = Broken("no database"), Broken("no database")
    first, second = (judged(run, result(name), "setup", error) for name in ("a.first", "a.second"))
    assert (first.reason, first.outcome) == ("in setup: no database", B)
    assert "a.first, which says: no database" in second.reason
    assert "which says" not in judged(run, result("a.third"), "setup", other).reason, "an error of its own"
    assert "which says" not in judged(run, result("a.fourth"), "call", error).reason, "only set-up is shared"
    assert "which says" not in judged(run, result("a.first"), "setup", error).reason, "its own, once more"
    late = Pending("later")
    assert [judged(run, result(name), "setup", late).outcome for name in ("a.e", "a.f")] == [Outcome.PENDING] * 2
    assert [judged(run, result(name), "setup", REFUTED).outcome for name in ("a.g", "a.h")] == [F, F]


def test_the_worst_of_all_attempts_counts_and_says_so(run: Run) -> None:
    one = result()
    for error in (None, Broken("no log"), None):
        begin_attempt(run, one)
        one.began = datetime.now(UTC)
        judged(run, one, "call", error)
        settle(run, one)
    settled = run.results[one.key]
    assert (settled.outcome, settled.reason) == (B, "no log (it ran 3 times: PASSED, BROKEN, PASSED)")
    assert [attempt.outcome for attempt in run.ended[one.key]] == [P, B]


def test_a_first_attempt_is_none_of_several(run: Run) -> None:
    one = result()
    run.results[one.key] = result()  # collected, and never begun
    begin_attempt(run, one)
    settle(run, judged(run, one, "call", REFUTED))
    assert run.ended == {}
    assert "times" not in run.results[one.key].reason


def test_an_attempt_forgets_the_outcome_of_the_one_before(run: Run) -> None:
    one = result()
    one.began = datetime.now(UTC)
    settle(run, judged(run, one, "call", REFUTED))
    begin_attempt(run, one)
    assert (one.outcome, one.reason, one.expected, one.actual) == (B, "not run", "", "")
