"""Each phase of the Makefile refuses the variables of the others, which it would pass over in silence."""

import re
import shlex
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


ODD = """it's "odd", `so` $(to) $say; a* \\ ~"""  # what a shell and make would both have made something else of
TEXTS = {
    "verify-staging": ["TARGET", "REPORTS", "EVIDENCE", "KNOWN", "CHECK"],
    "verify-local": ["STATE", "FAULT", "CHECK", "REPORTS"],
    "candidate": ["TARGET", "TAG", "SHARE"],
    "candidate-local": ["FAULT", "BOTH", "BESIDE"],
    "soak-local": ["CUT", "FAULT", "DURATION", "RESUME"],
    "day-local": ["AGE"],
    "rollout": ["STEPS"],
    "gate": ["TARGET", "REVISION", "REJUDGE", "EXPLAIN", "DISCARD", "BECAUSE"],
    "history": ["EVIDENCE"],
    "report": ["REPORTS"],
    "target": ["NAME", "BACKEND", "AUTH", "DIR", "DOCUMENT"],
    "reap": ["TARGET", "OLDER_THAN"],
    "preflight": ["ALEMBIC", "SINCE", "INI", "URL_VARIABLE"],
    "errors": ["EXPORT", "SERVICE", "REVISION"],
    "road": ["CHECK"],
    "hostile": ["AGAIN"],
}
NEEDED = {"TAG": "verify", "EXPORT": "log.json", "CHECK": "threads.order"}


@pytest.mark.parametrize("target, name", [(target, name) for target, names in TEXTS.items() for name in names])
def test_a_value_reaches_the_program_as_it_was_given(target: str, name: str) -> None:
    needed = [f"{one}={value}" for one, value in NEEDED.items() if one != name and one in MAKEFILE.reads(target)]
    done = subprocess.run(
        [MAKE, "-n", target, *needed, f"{name}={ODD}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    words = shlex.split(done.stdout.replace("\\\n", " "))
    assert any(word.endswith(ODD) for word in words), done.stdout
    assert not any("odd" in word and ODD not in word for word in words if "NETRA_RERUN" not in word), words


def test_the_rerun_command_has_the_values_as_they_were_given() -> None:
    done = subprocess.run(
        [MAKE, "-n", "verify-staging", f"TARGET={ODD}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    rerun = next(word for word in shlex.split(done.stdout) if word.startswith("NETRA_RERUN="))
    assert shlex.split(rerun.partition("=")[2]) == ["make", "verify-staging", f"TARGET={ODD}", "CHECK="]
