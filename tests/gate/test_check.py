"""Declaring a check: its parts, its phases, and what is refused while it is declared."""

import pytest

from gate.check import ATTRIBUTE, Check, check
from tests.gate.documents import make_check


def test_a_declared_test_has_its_check() -> None:
    @check("threads.order", requirement="newest first", needs="http token", remedy="Fix 1", looking="the log")
    def body() -> None:
        """The newest thread is first.

        More is not the claim.
        """

    declared: Check = getattr(body, ATTRIBUTE)
    assert (declared.id, declared.family, declared.requirement) == ("threads.order", "threads", "newest first")
    assert (declared.needs, declared.remedy, declared.looking) == (frozenset({"http", "token"}), "Fix 1", "the log")
    assert (declared.phase, declared.claim) == ("smoke", "The newest thread is first.")
    path, _, line = declared.place.rpartition(":")
    assert path.endswith("tests/gate/test_check.py")
    assert int(line) > 1


def test_a_test_without_a_docstring_has_an_empty_claim() -> None:
    @check("a.b", requirement="x", phase="day")
    def body() -> None: ...

    declared: Check = getattr(body, ATTRIBUTE)
    assert (declared.claim, declared.needs, declared.phase) == ("", frozenset(), "day")


@pytest.mark.parametrize(
    "check_id, needs, said",
    [
        ("a.b", "http luck fortune", "check 'a.b': unknown needs ['fortune', 'luck']"),
        ("nofamily", "", "check 'nofamily': no family"),
    ],
)
def test_what_no_target_can_offer_is_refused(check_id: str, needs: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole text is compared
        check(check_id, requirement="x", needs=needs)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "declared, asked, runs",
    [
        ("smoke", "smoke", True),
        ("smoke", "candidate", True),
        ("candidate", "candidate", True),
        ("candidate", "smoke", False),
        ("soak", "candidate", False),
        ("day", "day", True),
        ("smoke", "day", False),
    ],
)
def test_the_candidates_phase_has_all_of_smokes(declared: str, asked: str, runs: bool) -> None:  # noqa: FBT001 - a table
    assert make_check("a.b", phase=declared).runs_in(asked) is runs  # type: ignore[arg-type]  # each is a phase
