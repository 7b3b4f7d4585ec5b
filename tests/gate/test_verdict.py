"""The verdict is a pure function, and worse or less evidence never improves it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.outcomes import EXIT_CODES, Outcome, Verdict
from gate.verdict import Key, decide, name

GOODNESS = {Verdict.NO_GO: 0, Verdict.INCONCLUSIVE: 1, Verdict.GO: 2}
KEYS = st.sampled_from([(f"family.check{n}", case) for n in range(4) for case in ("", "a")])
OUTCOMES = st.dictionaries(KEYS, st.sampled_from(list(Outcome)), max_size=8)
ONE: Key = ("threads.lists-own", "")


def test_everything_required_passed_is_go() -> None:
    decision = decide({ONE: Outcome.PASSED}, [ONE])
    assert (decision.verdict, EXIT_CODES[decision.verdict]) == (Verdict.GO, 0)


def test_any_failure_is_no_go_even_where_it_is_not_required() -> None:
    decision = decide({ONE: Outcome.PASSED, ("data.owner", ""): Outcome.FAILED}, [ONE])
    assert decision.verdict is Verdict.NO_GO
    assert "data.owner" in decision.reason


@pytest.mark.parametrize("outcome", [Outcome.BROKEN, Outcome.PENDING, Outcome.NOT_APPLICABLE])
def test_a_required_case_that_is_not_proved_is_inconclusive(outcome: Outcome) -> None:
    decision = decide({ONE: outcome}, [ONE])
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert name(ONE) in decision.reason


@pytest.mark.parametrize("outcome", [Outcome.BROKEN, Outcome.PENDING, Outcome.NOT_APPLICABLE])
def test_what_is_not_required_may_stay_open(outcome: Outcome) -> None:
    assert decide({ONE: Outcome.PASSED, ("x.y", ""): outcome}, [ONE]).verdict is Verdict.GO


def test_nothing_ran_is_inconclusive() -> None:
    assert decide({}, [ONE]).verdict is Verdict.INCONCLUSIVE
    assert decide({}, []).verdict is Verdict.INCONCLUSIVE


def test_a_missing_case_is_named() -> None:
    decision = decide({ONE: Outcome.PASSED}, [ONE, ("health.checks", "")])
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.missing == (("health.checks", ""),)


@pytest.mark.parametrize("how", [{"residue": 1}, {"residue": None}, {"interrupted": "SIGTERM"}, {"known": [name(ONE)]}])
def test_doubts_keep_a_run_from_go(how: dict[str, object]) -> None:
    assert decide({ONE: Outcome.PASSED}, [ONE], **how).verdict is Verdict.INCONCLUSIVE  # type: ignore[arg-type]  # any option


def test_a_value_that_is_no_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="not an outcome"):
        decide({ONE: "PASSED!"}, [ONE])  # type: ignore[dict-item]  # the point of the test


@given(outcomes=OUTCOMES, required=st.sets(KEYS), gone=KEYS)
def test_less_evidence_never_improves_the_verdict_beyond_inconclusive(
    outcomes: dict[Key, Outcome], required: set[Key], gone: Key
) -> None:
    """Losing a failure may hide it, but then the run is not GO: what was required is missing."""
    before = decide(outcomes, required | outcomes.keys()).verdict
    after = decide({key: it for key, it in outcomes.items() if key != gone}, required | outcomes.keys()).verdict
    assert after is not Verdict.GO or before is Verdict.GO


@given(outcomes=OUTCOMES, required=st.sets(KEYS), worse=KEYS)
def test_a_worse_outcome_never_improves_the_verdict(
    outcomes: dict[Key, Outcome], required: set[Key], worse: Key
) -> None:
    before = decide(outcomes, required).verdict
    for outcome in (Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING):
        if outcomes.get(worse) in {Outcome.FAILED, outcome} and outcome is not Outcome.FAILED:
            continue  # a failure that becomes unknown is not worse
        after = decide({**outcomes, worse: outcome}, required | {worse}).verdict
        assert GOODNESS[after] <= max(GOODNESS[before], GOODNESS[Verdict.INCONCLUSIVE])
        assert after is not Verdict.GO


@given(outcomes=OUTCOMES, required=st.sets(KEYS), more=st.sets(KEYS))
def test_requiring_more_never_improves_the_verdict(
    outcomes: dict[Key, Outcome], required: set[Key], more: set[Key]
) -> None:
    if required or not more:
        before = GOODNESS[decide(outcomes, required).verdict]
        assert GOODNESS[decide(outcomes, required | more).verdict] <= before


P, F, B, PENDING = Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING
A = [("a.a", ""), ("a.b", "x"), ("b.c", ""), ("b.d", ""), ("b.e", "")]


@pytest.mark.parametrize(
    "outcomes, required, how, verdict, reason",
    [
        ([P], 1, {}, Verdict.GO, "all 1 required cases passed"),
        ([P, P], 1, {}, Verdict.GO, "all 1 required cases passed"),
        ([F, F, F], 1, {}, Verdict.NO_GO, "a.a, a.b[x], b.c failed"),
        ([F, F, F, F, F], 1, {}, Verdict.NO_GO, "5 cases failed: b 3, a 2"),
        ([], 5, {}, Verdict.INCONCLUSIVE, "none of the required cases ran"),
        ([P], 5, {}, Verdict.INCONCLUSIVE, "a.b[x], b.c, b.d and 1 more did not run"),
        ([P], 4, {}, Verdict.INCONCLUSIVE, "a.b[x], b.c, b.d did not run"),
        ([B], 1, {}, Verdict.INCONCLUSIVE, "1 required case is BROKEN: a.a"),
        (
            [B, B, PENDING, P, P],
            5,
            {},
            Verdict.INCONCLUSIVE,
            "2 required cases are BROKEN: a.a, a.b[x]; 1 required case is PENDING: b.c",
        ),
        ([], 0, {}, Verdict.INCONCLUSIVE, "the profile requires nothing in this phase"),
        ([B], 1, {"blocked": "no way there"}, Verdict.INCONCLUSIVE, "no way there"),
        ([F], 1, {"blocked": "no way there"}, Verdict.NO_GO, "a.a failed"),
        ([P], 1, {"residue": None}, Verdict.INCONCLUSIVE, "the seeded rows could not be counted after the run"),
        ([P], 1, {"residue": 2}, Verdict.INCONCLUSIVE, "2 seeded rows are left in the database"),
        (
            [P],
            1,
            {"interrupted": "SIGTERM", "doubts": ["a doubt"]},
            Verdict.INCONCLUSIVE,
            "a doubt; the run was cut short: SIGTERM",
        ),
        ([F, P], 2, {"known": ["a.a"]}, Verdict.GO, "all 1 required cases passed; accepted as known failures: a.a"),
        ([F, F], 2, {"known": ["a.a"]}, Verdict.NO_GO, "a.b[x] failed; accepted as known failures: a.a"),
        (
            [F, P],
            2,
            {"known": ["a.b[x]"]},
            Verdict.NO_GO,
            "a.a failed",
        ),
        (
            [F, P],
            2,
            {"known": ["a.a", "a.b[x]"]},
            Verdict.INCONCLUSIVE,
            "the known failure a.b[x] no longer fails: remove it from the list; accepted as known failures: a.a",
        ),
    ],
)
def test_the_reason_of_a_verdict_has_its_figures(
    outcomes: list[Outcome], required: int, how: dict[str, Any], verdict: Verdict, reason: str
) -> None:
    decision = decide(dict(zip(A, outcomes, strict=False)), A[:required], **how)
    assert (decision.verdict, decision.reason) == (verdict, reason)
