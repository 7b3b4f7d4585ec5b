"""The verdict is a pure function, and worse or less evidence never improves it."""

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
