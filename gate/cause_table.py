"""What is known of causes beforehand: `causes.toml`, read once."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gate.strict_json import JSON
from gate.verdict_document import Row


@dataclass(frozen=True, slots=True)
class KnownCause:
    """A cause that is known beforehand."""

    key: str
    sentence: str
    remedy: str
    patterns: tuple[re.Pattern[str], ...]

    def shows_in(self, text: str) -> bool:
        """Whether one of its patterns is in the text."""
        return any(pattern.search(text) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Consequence:
    """Cases that fail because another one does, whatever is wrong: what the other one found is their cause, too."""

    cases: re.Pattern[str]
    of: re.Pattern[str]
    says: re.Pattern[str]  # in what such a case saw

    def holds_for(self, row: Row) -> bool:
        """Whether a row may be such a consequence."""
        return bool(self.cases.fullmatch(row.name) and self.says.search(row.actual or row.reason))


@cache
def _table() -> dict[str, JSON]:
    return tomllib.loads((Path(__file__).parent / "causes.toml").read_text(encoding="utf-8"))


@cache
def known_causes() -> tuple[KnownCause, ...]:
    """The table of known causes."""
    return tuple(
        KnownCause(cause["key"], cause["sentence"], cause["remedy"], tuple(map(re.compile, cause["patterns"])))
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
def consequences() -> tuple[Consequence, ...]:
    """Which cases fail because another one does, in the table's order."""
    return tuple(
        Consequence(re.compile(one["cases"]), re.compile(one["of"]), re.compile(one.get("says", "")))
        for one in _table()["consequences"]
    )
