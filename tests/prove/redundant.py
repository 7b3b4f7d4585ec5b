"""Judgements that no fault of the twin proves by itself, each with the sentence that says why: `redundant.toml`."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("redundant.toml")
KINDS = {
    "words": "another judgement notices the same; this one says better what it is",
    "elsewhere": "a self-test proves it",
    "owed": "nothing proves it yet",
}


@dataclass(frozen=True, slots=True)
class Redundant:
    """Why no fault proves a judgement: a key of KINDS, and a sentence, or for `elsewhere` the self-test's path."""

    kind: str
    why: str


@cache
def listed() -> dict[str, Redundant]:
    """By the id of its site, why a judgement is not proved by a fault. Raises KeyError for a kind that there is not."""
    tables: dict[str, dict[str, str]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    unknown = tables.keys() - KINDS.keys()
    if unknown:
        raise KeyError(f"{TABLE.name}: {min(unknown)} is none of {', '.join(KINDS)}")
    return {site: Redundant(kind, why) for kind, rows in tables.items() for site, why in rows.items()}


def stale(sites: Iterable[str], proved: Iterable[str]) -> list[str]:
    """What is listed and should not be: sites that are not there any more, and those that a fault proves now."""
    return sorted((listed().keys() - {*sites}) | (listed().keys() & {*proved}))
