"""What each fault must turn red and what else it may: the table `expectations.toml`, read and applied."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "expectations.toml"
EVERYTHING = "*"
NO_GO, INCONCLUSIVE = 1, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One fault's row of the table. A name is a case (`id[case]`), a check (`id`), a family (`family.*`) or `*`."""

    fault: str
    turns: tuple[str, ...]
    may: tuple[str, ...]
    phase: str = "smoke"  # in which it is shown
    doubts: tuple[str, ...] = ()  # what must not pass and not fail: evidence is taken away, nothing is refuted
    asks: tuple[str, ...] = ()  # families, or checks, whose requests bring it out, though nothing turns in them
    serving: bool = False  # of a candidate's faults: it is in the other revision, whose code is older

    def selection(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Which of all checks to run to see it; empty for everything.

        The families in which something must turn, less what only waits there and is not named, those of `asks`, and
        `always`. Any other family is left to the whole matrix (`make prove WHOLE=1`), which shows every case.
        """
        named = (*self.turns, *self.doubts)
        if not named or EVERYTHING in named:
            return ()
        families = {one.partition(".")[0] for one in named} | {*self.asks, *_table()["always"]}
        slow = {*_table()["slow"]} - {one.partition("[")[0] for one in named}
        return tuple(one for one in ids if one in self.asks or (one.partition(".")[0] in families and one not in slow))

    def problems(self, red: Mapping[str, str], exit_code: int) -> list[str]:
        """What in a run is not as expected; `red` maps each case that did not pass to its outcome."""
        failed = [name for name, outcome in red.items() if outcome == "FAILED"]
        said = [f"{one} stayed green" for one in self.turns if not any(matches(one, name) for name in failed)]
        doubted = [name for name, outcome in red.items() if outcome != "FAILED"]
        said += [f"{one} was not doubted" for one in self.doubts if not any(matches(one, name) for name in doubted)]
        allowed = (*self.turns, *self.doubts, *self.may)
        said += [f"{name} turned {red[name]}" for name in red if not any(matches(one, name) for one in allowed)]
        wanted = NO_GO if self.turns else INCONCLUSIVE
        return said + ([f"exit code {exit_code} instead of {wanted}"] if exit_code != wanted else [])


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern of the table names this case."""
    if pattern in {EVERYTHING, name}:
        return True
    if pattern.endswith(".*"):
        return name.startswith(pattern[:-1])
    return name.startswith(f"{pattern}[")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def load() -> dict[str, Expectation]:
    """Every expectation by its fault. A name `@group` stands for the names of `[groups]`."""
    groups = _table().get("groups", {})
    return {fault: _expectation(fault, row, groups) for fault, row in _table()["faults"].items()}


def _expectation(fault: str, row: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Expectation:
    turns, may, doubts = (tuple(_expand(row.get(key, ()), groups)) for key in ("turns", "may", "doubts"))
    return Expectation(
        fault=fault,
        turns=turns,
        may=may,
        phase=row.get("phase", "smoke"),
        doubts=doubts,
        asks=tuple(row.get("asks", ())),
        serving=row.get("serving", False),
    )


def _expand(names: Iterable[str], groups: Mapping[str, list[str]]) -> Iterable[str]:
    for one in names:
        yield from groups[one[1:]] if one.startswith("@") else (one,)


def elsewhere() -> dict[str, dict[str, Any]]:
    """The checks that a self-test of their own proves, each with that `test` and the faults that it is `turned_by`."""
    table: dict[str, dict[str, Any]] = _table()["elsewhere"]
    return table


def awaiting() -> dict[str, str]:
    """The faults whose check is still to come, each with the id that it will have."""
    table: dict[str, str] = _table().get("awaiting", {})
    return table


def unproved(expectations: Iterable[Expectation], cases: Iterable[str]) -> list[str]:
    """The cases that no fault must turn red: by name, or by their check where the table names it as a whole."""
    named = {one for expectation in expectations for one in (*expectation.turns, *expectation.doubts)}
    return [name for name in cases if name not in named and name.partition("[")[0] not in named]


def without_fault(expectations: Iterable[Expectation], checks: Iterable[str]) -> list[str]:
    """The checks of which no case is turned by any fault."""
    named = {one.partition("[")[0] for expectation in expectations for one in (*expectation.turns, *expectation.doubts)}
    families = {one[:-1] for one in named if one.endswith(".*")}
    return [check for check in checks if check not in named and not check.startswith(tuple(families))]
