"""The survivors that are known (docs/survivors.toml): each with one sentence on why nothing notices it."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.standing import ROOT

TABLE = ROOT / "docs/survivors.toml"
EQUIVALENT, UNOBSERVABLE, OWED = "equivalent", "not observable", "owed"
KINDS = (EQUIVALENT, UNOBSERVABLE, OWED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A mutant that is known to survive, found again by its module, function and line of code before and after."""

    module: str
    function: str
    before: str
    after: str
    kind: str
    why: str


def load(table: Path = TABLE) -> list[Survivor]:
    """The survivors of the table.

    Raises:
        ValueError: A kind that is none, or no sentence.
    """
    found = [Survivor(**row) for row in tomllib.loads(table.read_text(encoding="utf-8")).get("survivors", [])]
    for one in found:
        if one.kind not in KINDS or not one.why.endswith("."):
            raise ValueError(f"{table.name}: {one.module}: kind is one of {', '.join(KINDS)}, and why is a sentence")
    return found


def find(listed: Sequence[Survivor], module: str, before: str, after: str) -> Survivor | None:
    """The survivor of the table that a mutant is, if it is one."""
    return next((one for one in listed if (one.module, one.before, one.after) == (module, before, after)), None)
