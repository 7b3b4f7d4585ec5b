"""`python -m tests.prove.causes [FOLDER]`: how many faults the reports put down to one cause, and with the right fix.

From the verdicts that `make prove` keeps: one fault was in force in each, so one cause is the right answer, and its
remedy has to name what `fixes.toml` says of the fault. Causes are found again from the rows, by the rules as they are
now. Against merging too much, two verdicts at a time are put together: two faults must stay two causes.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import pairwise
from pathlib import Path

from rich.console import Console

from gate.causes import find_causes
from gate.outcomes import Outcome
from gate.verdict_document import Cause, Row, decode

KEPT = Path("reports/prove/verdicts")
FIXES = Path(__file__).with_name("fixes.toml")
WANTED = 0.95
LONGEST = 150


@dataclass(frozen=True, slots=True)
class Causes:
    """What the reports say of one fault."""

    fault: str
    causes: tuple[Cause, ...]
    rows: tuple[Row, ...] = ()  # that did not pass

    @property
    def told_apart(self) -> tuple[Cause, ...]:
        """What failed for; where evidence was taken away and nothing failed, what did not pass for."""
        return tuple(one for one in self.causes if one.outcome is Outcome.FAILED) or self.causes

    @property
    def names_the_fix(self) -> bool:
        """Whether the remedy of the largest cause is the fault's own fix."""
        return re.search(fix_of(self.fault), self.told_apart[0].remedy) is not None


@cache
def _fixes() -> dict[str, str]:
    fixes: dict[str, str] = tomllib.loads(FIXES.read_text(encoding="utf-8"))["fixes"]
    return fixes


def fix_of(fault: str) -> str:
    """By what words (a regular expression) a remedy names the fault's own fix. Raises KeyError for an unknown fault."""
    found = next((fix for pattern, fix in _fixes().items() if fnmatchcase(fault, pattern)), None)
    if found is None:
        raise KeyError(fault)
    return found


def read_kept(folder: Path) -> list[Causes]:
    """Every fault whose verdict was kept. Raises msgspec.DecodeError for one that is none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        document = decode(path.read_bytes())
        causes = find_causes(document.checks, document.missing)
        if causes and not path.stem.startswith("healthy"):
            red = [row for row in document.checks if row.name in {name for cause in causes for name in cause.cases}]
            found.append(Causes(path.stem, tuple(causes), tuple(red)))
    return found


def share(faults: Sequence[Causes]) -> float:
    """The share of the faults that are one cause; 0 of none."""
    return sum(len(fault.told_apart) == 1 for fault in faults) / len(faults) if faults else 0.0


def fixed_share(faults: Sequence[Causes]) -> float:
    """The share of the faults whose largest cause names the fault's own fix; 0 of none."""
    return sum(fault.names_the_fix for fault in faults) / len(faults) if faults else 0.0


def pairs(faults: Sequence[Causes]) -> list[tuple[Causes, Causes]]:
    """Faults of one cause that two causes are right for: each with the next in the list, and with one far away.

    Not those with one remedy, and not where one turns all that the other does: rows can't tell these apart.
    """
    alone = [fault for fault in faults if len(fault.told_apart) == 1]
    far = zip(alone, alone[len(alone) // 2 :], strict=False)
    return [(one, other) for one, other in (*pairwise(alone), *far) if _are_two(one, other)]


def _are_two(one: Causes, other: Causes) -> bool:
    names, others = ({row.name for row in fault.rows} for fault in (one, other))
    cause, its = one.told_apart[0], other.told_apart[0]
    return cause.outcome is its.outcome and cause.remedy != its.remedy and bool(names - others and others - names)


def lost_in_another(together: Iterable[tuple[Causes, Causes]]) -> Iterator[tuple[str, str]]:
    """Pairs of faults that would be one cause if both were in force."""
    for one, other in together:
        names = {row.name for row in one.rows}
        both = [*one.rows, *(row for row in other.rows if row.name not in names)]
        found = [cause for cause in find_causes(both) if cause.outcome is one.told_apart[0].outcome]
        if len(found) == 1:
            yield one.fault, other.fault


def as_wanted(faults: Sequence[Causes]) -> bool:
    """Whether enough of the faults are one cause, and enough of the remedies their own fix."""
    return min(share(faults), fixed_share(faults)) >= WANTED


def print_share(faults: Sequence[Causes], console: Console) -> None:
    """The shares, every fault of more than one cause with all of them, and every remedy that is not the fault's."""
    for fault in faults:
        if len(fault.told_apart) > 1:
            console.print(f"{fault.fault}: {len(fault.told_apart)} causes", markup=False)
            for cause in fault.told_apart:
                said = " ".join(cause.sentence.split())[:LONGEST]
                console.print(f"    {cause.outcome} {len(cause.cases)} ({cause.cases[0]}): {said}", markup=False)
        if not fault.names_the_fix:
            remedy = fault.told_apart[0].remedy
            console.print(f"{fault.fault}: the remedy lacks {fix_of(fault.fault)!r}: {remedy[:LONGEST]}", markup=False)
    alone = sum(len(fault.told_apart) == 1 for fault in faults)
    fixed = sum(fault.names_the_fix for fault in faults)
    console.print(f"{alone} of {len(faults)} faults are one cause: {share(faults):.1%} (wanted: {WANTED:.0%})")
    console.print(f"{fixed} of {len(faults)} remedies are the fault's own fix: {fixed_share(faults):.1%}")
    _print_pairs(faults, console)


def _print_pairs(faults: Sequence[Causes], console: Console) -> None:
    together = pairs(faults)
    lost = list(lost_in_another(together))
    for one, other in lost:
        console.print(f"{one} and {other}, both at once, would be one cause", markup=False)
    kept = len(together) - len(lost)
    console.print(f"{kept} of {len(together)} pairs of faults stay two causes: {kept / max(len(together), 1):.1%}")


def main(arguments: Sequence[str]) -> int:
    """Print the shares of a folder; 0 when both are as wanted."""
    folder = Path(arguments[0]) if arguments else KEPT
    faults = read_kept(folder)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if not faults:
        console.print(f"{folder} holds no verdict of a fault: make prove keeps them there.")
        return 1
    print_share(faults, console)
    return 0 if as_wanted(faults) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
