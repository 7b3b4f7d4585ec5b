"""Where a case ended, and what judged: also a judgement that a finding says again in other words."""

from pathlib import Path

import pytest

from fixtures.both_revisions import said_by
from gate.failures import CheckFailure
from tests.prove.raised import judged, places
from tests.standing import ROOT

HERE = f"tests/prove/{Path(__file__).name}"


def _judge(*, late: bool) -> None:
    if late:
        raise CheckFailure(expected="in time", actual="late")


def _observe() -> None:
    try:
        int("no answer")
    except ValueError as error:
        raise CheckFailure(expected="an answer", actual=str(error)) from error


def test_a_finding_that_names_the_revision_leads_to_the_judgement_behind_it() -> None:
    with pytest.raises(CheckFailure) as caught, said_by("a revision"):
        _judge(late=True)
    said, first = judged(caught.value)
    assert "fixtures/both_revisions.py:" in places(said, ROOT)[0]
    assert f"{HERE}:" in places(first, ROOT)[0]


def test_what_was_only_observed_judged_nothing() -> None:
    with pytest.raises(CheckFailure) as caught:
        _observe()
    assert list(judged(caught.value)) == [caught.value]


def test_of_a_group_the_first_error_counts() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        raise ExceptionGroup("several", [CheckFailure(expected="one", actual="none"), ValueError("two")])
    assert [type(one) for one in judged(caught.value)] == [CheckFailure]
