"""What the pages tell a reader to type, and what the project's own programs understand of it."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.standing import ROOT

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "reports/README.md",
        ROOT / "deploy/observability/README.md",
    ]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
CRON = re.compile(r"^(\S+ +\S+ +\* +\* +\*) +")
MAKE_OPTIONS = frozenset({"-C", "-s"})


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language (none: what is typed into a shell) and its text."""

    language: str
    text: str


def named(page: Path) -> str:
    """A page's path inside the project: a readable id for a case."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page."""
    return [Block(*found.groups()) for found in FENCE.finditer(page.read_text(encoding="utf-8"))]


def commands(page: Path) -> Iterator[list[str]]:
    """Every command line of a page as words: of blocks without a language, and of code in a line of text."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in blocks(page) if not block.language for line in block.text.splitlines()]
    for line in [*lines, *SPAN.findall(FENCE.sub("", text))]:
        for part in CRON.sub("", line).split(" && "):
            words = _words(part)
            if words:
                yield words


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # code in a line of text need not be a command
        return []
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words


def module_run(words: list[str]) -> str:
    """The module that `python -m module` runs; empty for other commands."""
    python = bool(words) and re.fullmatch(r"(.*/)?python3?", words[0])
    return words[2] if python and len(words) > 2 and words[1] == "-m" else ""


def options_in(words: list[str]) -> set[str]:
    """The long options of a command."""
    return {found for word in words for found in OPTION.findall(word.partition("=")[0])}


@cache
def understood(*program: str) -> frozenset[str]:
    """The long options of one of our programs, from its own help."""
    done = subprocess.run(
        [sys.executable, "-m", *program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return frozenset(OPTION.findall(done.stdout))


class Makefile:
    """What the Makefile's targets are, and which variables each of them reads."""

    def __init__(self) -> None:
        text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
        text = re.sub(r"\$\(call takes[^)]*\)", "", text)  # what is allowed is not what is read
        self._variables = dict(re.findall(r"^([A-Z_]+) *[:?]?= *(.*)$", text, re.MULTILINE))
        found = re.findall(r"^([a-z-]+):(.*)\n((?:\t.*\n)*)", text + "\n", re.MULTILINE)
        self._recipes = {name: f"{needs} {recipe}" for name, needs, recipe in found}

    @property
    def targets(self) -> frozenset[str]:
        """Every target by name."""
        return frozenset(self._recipes)

    def reads(self, target: str) -> frozenset[str]:
        """The variables that a target's recipe reads, at whatever remove, and those that set it up."""
        seen: set[str] = set()
        texts = [self._recipes[target], "$(PYTHON)"]
        while texts:
            new = set(re.findall(r"(?<=[( ,])[A-Z_]+(?=[),])", texts.pop())) - seen
            seen |= new
            texts += [self._variables.get(name, "") for name in new]
        return frozenset(seen)
