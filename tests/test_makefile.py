"""Each phase of the Makefile refuses the variables of the others, which it would pass over in silence."""

import re
import shutil
import subprocess

import pytest

from tests.pages import Makefile
from tests.standing import ROOT

MAKEFILE = Makefile()
MAKE = shutil.which("make") or "make"
TEXT = (ROOT / "Makefile").read_text(encoding="utf-8")
OF_PHASES = frozenset(re.findall(r"^OF_PHASES := (.*)$", TEXT, re.MULTILINE)[0].split())
RULE = re.compile(r"^([a-z-]+):.*##.*\n((?:\t.*\n)+)", re.MULTILINE)
TAKES = re.compile(r"\$\(call takes(?:,(.*))?\)")
TAKEN = {
    target: frozenset((found[1] or "").split())
    for target, recipe in RULE.findall(TEXT)
    for found in TAKES.finditer(recipe)
}


def refusal(*words: str) -> str:
    """The first command of a target that ends with an error of its own; empty for none. Nothing is run."""
    done = subprocess.run([MAKE, "-n", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return next((line for line in done.stdout.splitlines() if line.endswith("exit 4")), "")


@pytest.mark.parametrize("target", sorted(TAKEN))
def test_a_phase_takes_what_it_reads(target: str) -> None:
    assert TAKEN[target] == MAKEFILE.reads(target) & OF_PHASES


def test_every_phase_says_what_it_takes() -> None:
    phases = {"verify", "candidate", "rollout", "soak", "day"}
    assert TAKEN.keys() == {target for target in MAKEFILE.targets if target.partition("-")[0] in phases}


@pytest.mark.parametrize("target", sorted(TAKEN))
def test_a_variable_of_another_phase_is_refused_in_one_sentence(target: str) -> None:
    needed = ["TAG=verify"] if "TAG" in TAKEN[target] else []
    assert not refusal(target, *needed, *(f"{name}=1" for name in TAKEN[target] - {"TAG"}))
    for name in OF_PHASES - TAKEN[target]:
        assert f"make {target} does not use {name}; " in refusal(target, *needed, f"{name}=1")
