"""What is known of causes beforehand: `causes.toml`, read once."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from gate.strict_json import JSON
from gate.verdict_document import Row

MOST_NAMES = 4096  # that are remembered between two looks


@dataclass(frozen=True, slots=True)
class KnownCause:
    """A cause that is known beforehand."""

    key: str
    sentence: str
    remedy: str
    patterns: tuple[re.Pattern[str], ...]
    apart: bool  # other words are another cause of the same kind

    def words_in(self, text: str) -> str:
        """The words of a text that show it; empty where none do."""
        return next((found[0] for pattern in self.patterns if (found := pattern.search(text))), "")


@dataclass(frozen=True, slots=True)
class Consequence:
    """Cases that fail because another one does, whatever is wrong: what the other one found is their cause, too."""

    cases: re.Pattern[str]
    of: re.Pattern[str]
    says: re.Pattern[str] | None  # in what the server wrote for such a case; where it wrote nothing, in what it saw
    because: re.Pattern[str]  # in what the other one saw, or the server wrote for it

    def holds_for(self, row: Row, error: str, others: Iterable[Row], their_error: str) -> bool:
        """Whether one of its cases is a consequence of the others'; an error is what the server wrote, or empty."""
        if error and not self.says:
            return False
        if self.says and not self.says.search(error or row.actual or row.reason):
            return False
        return any(
            self.of.fullmatch(one.name) and self.because.search(f"{one.actual or one.reason}\n{their_error}")
            for one in others
        )


@cache
def _table() -> dict[str, JSON]:
    return tomllib.loads((Path(__file__).parent / "causes.toml").read_text(encoding="utf-8"))


@cache
def known_causes() -> tuple[KnownCause, ...]:
    """The table of known causes."""
    return tuple(
        KnownCause(
            key=cause["key"],
            sentence=cause["sentence"],
            remedy=cause["remedy"],
            patterns=tuple(map(re.compile, cause["patterns"])),
            apart=cause.get("apart", False),
        )
        for cause in _table()["causes"]
    )


@cache
def sights() -> tuple[re.Pattern[str], ...]:
    """What is the same in other words: each pattern is one sight."""
    return tuple(re.compile(sight["pattern"]) for sight in _table()["sights"])


@cache
def echoes() -> tuple[re.Pattern[str], ...]:
    """Errors of the server's that say of another one that it was there, and nothing more."""
    return tuple(re.compile(echo["pattern"]) for echo in _table()["echoes"])


@cache
def kinds() -> tuple[re.Pattern[str], ...]:
    """Names of cases that ask one thing in many ways: what they find is one finding, whatever the server says."""
    return tuple(re.compile(kind["cases"]) for kind in _table()["kinds"])


@lru_cache(MOST_NAMES)
def consequences_for(name: str) -> tuple[Consequence, ...]:
    """The consequences whose case has this name, in the table's order."""
    return tuple(one for one in consequences() if one.cases.fullmatch(name))


@cache
def consequences() -> tuple[Consequence, ...]:
    """Which cases fail because another one does, in the table's order."""
    return tuple(
        Consequence(
            cases=re.compile(one["cases"]),
            of=re.compile(one["of"]),
            says=re.compile(one["says"]) if "says" in one else None,
            because=re.compile(one.get("because", "")),
        )
        for one in _table()["consequences"]
    )
