"""The known causes: `causes.toml`, read once."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from gate.strict_json import JSON
from gate.verdict_document import Row

MOST_NAMES = 4096  # of cases whose consequences are cached


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCause:
    """A known cause."""

    key: str
    sentence: str
    remedy: str
    patterns: tuple[re.Pattern[str], ...]
    apart: bool  # whether different matches are different causes

    def words_in(self, text: str) -> str:
        """The part of a text that matches it; empty if none does."""
        return next((found[0] for pattern in self.patterns if (found := pattern.search(text))), "")


@dataclass(frozen=True, slots=True)
class Consequence:
    """Cases that fail because another one does: whatever that one found is their cause as well."""

    cases: re.Pattern[str]
    of: re.Pattern[str]
    says: re.Pattern[str] | None  # in the server's error for such a case, else in what it observed
    because: re.Pattern[str]  # in what the other one observed, or in the server's error for it

    def holds_for(self, row: Row, error: str, others: Iterable[Row], their_error: str) -> bool:
        """Whether one of its cases is a consequence of the others; the errors are the server's, or empty."""
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
    """Different wordings of the same observation: each pattern is one sight."""
    return tuple(re.compile(sight["pattern"]) for sight in _table()["sights"])


@cache
def echoes() -> tuple[re.Pattern[str], ...]:
    """Server errors that only report that another error occurred."""
    return tuple(re.compile(echo["pattern"]) for echo in _table()["echoes"])


@cache
def kinds() -> tuple[re.Pattern[str], ...]:
    """Patterns for cases that test one thing in many ways: together they are one finding, whatever the server says."""
    return tuple(re.compile(kind["cases"]) for kind in _table()["kinds"])


@lru_cache(MOST_NAMES)
def consequences_for(name: str) -> tuple[Consequence, ...]:
    """The consequences for a case's name, in the table's order."""
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
