"""`python -m tests.prove.causes [FOLDER]`: how many faults the reports put down to one cause, and which they don't.

From the verdicts that `make prove` keeps: one fault was in force in each, so one cause is the right answer. Causes are
found again from the rows, by the rules as they are now.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gate.causes import find_causes
from gate.outcomes import Outcome
from gate.verdict_document import Cause, decode

KEPT = Path("reports/prove/verdicts")
WANTED = 0.95
LONGEST = 150


@dataclass(frozen=True, slots=True)
class Causes:
    """What the reports say of one fault."""

    fault: str
    causes: tuple[Cause, ...]

    @property
    def told_apart(self) -> tuple[Cause, ...]:
        """What failed for; where evidence was taken away and nothing failed, what did not pass for."""
        return tuple(one for one in self.causes if one.outcome is Outcome.FAILED) or self.causes


def read_kept(folder: Path) -> list[Causes]:
    """Every fault whose verdict was kept. Raises msgspec.DecodeError for one that is none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        document = decode(path.read_bytes())
        causes = find_causes(document.checks, document.missing)
        if causes and not path.stem.startswith("healthy"):
            found.append(Causes(path.stem, tuple(causes)))
    return found


def share(faults: Sequence[Causes]) -> float:
    """The share of the faults that are one cause; 0 of none."""
    return sum(len(fault.told_apart) == 1 for fault in faults) / len(faults) if faults else 0.0


def print_share(faults: Sequence[Causes], console: Console) -> None:
    """The share, and every fault of more than one cause with all of them."""
    for fault in faults:
        if len(fault.told_apart) > 1:
            console.print(f"{fault.fault}: {len(fault.told_apart)} causes", markup=False)
            for cause in fault.told_apart:
                said = " ".join(cause.sentence.split())[:LONGEST]
                console.print(f"    {cause.outcome} {len(cause.cases)} ({cause.cases[0]}): {said}", markup=False)
    alone = sum(len(fault.told_apart) == 1 for fault in faults)
    console.print(f"{alone} of {len(faults)} faults are one cause: {share(faults):.1%} (wanted: {WANTED:.0%})")


def main(arguments: Sequence[str]) -> int:
    """Print the share of a folder; 0 when it is as wanted."""
    folder = Path(arguments[0]) if arguments else KEPT
    faults = read_kept(folder)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if not faults:
        console.print(f"{folder} holds no verdict of a fault: make prove keeps them there.")
        return 1
    print_share(faults, console)
    return 0 if share(faults) >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
