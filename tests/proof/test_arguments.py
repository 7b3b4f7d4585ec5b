"""What the long proofs are asked for is checked before they begin: a pattern that fits nothing proves nothing."""

import argparse
import subprocess
import sys

import pytest

from tests.proof.arguments import at_least_one, nothing_of, share
from tests.system.running import LONG_S, ROOT


def test_numbers_and_shares_are_what_they_seem() -> None:
    assert (at_least_one("12"), share("2/4"), share("")) == (12, "2/4", "")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "a", "", "²"])
def test_no_other_number_is_taken(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number from 1 on"):
        at_least_one(text)


def test_no_other_share_is_taken() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write it as 1/4"):
        share("9/4")


def test_each_pattern_must_name_something() -> None:
    assert not nothing_of(["a.*", "b"], ["a.one", "b"], "fault")
    assert nothing_of(["a.*", "nope", "c.*"], ["a.one", "b"], "fault") == "ONLY=nope c.* names no fault."


@pytest.mark.parametrize("proof", ["prove", "prove.struck", "sidebyside"])
def test_a_proof_of_nothing_does_not_begin(proof: str) -> None:
    asked = [sys.executable, "-m", f"tests.{proof}", "--only", "nope"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert (done.returncode, "ONLY=nope names no " in done.stdout + done.stderr) == (4, True), done.stderr
