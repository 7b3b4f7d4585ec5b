"""`python -m tests.prove.reproduce`: the report's story on one twin, fix by fix, and which checks turn at each step.

It ends with what is said of the service as its public code is, compared with `as_deployed.toml`.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.prove.deployed import hold
from tests.prove.expectations import matches
from tests.prove.worker import Shown, staged
from tests.standing import run_to_its_end

STORY = Path(__file__).parent / "story.toml"
MOST_NAMED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the story: the faults in force, and what they must show."""

    title: str
    says: str
    faults: tuple[str, ...]
    red: tuple[str, ...]
    green: tuple[str, ...]

    def problems(self, shown: Shown) -> list[str]:
        """What in a run is not as the story tells it."""
        failed = [name for name, outcome in shown.red.items() if outcome == "FAILED"]
        said = [f"{one} is not red" for one in self.red if not any(matches(one, name) for name in failed)]
        said += [f"{name} is not green" for name in shown.red if any(matches(one, name) for one in self.green)]
        wanted = 1 if self.faults else 0
        return said + ([f"exit code {shown.exit_code} instead of {wanted}"] if shown.exit_code != wanted else [])


def read_story() -> list[Step]:
    """The steps in their order."""
    return [_step(told) for told in tomllib.loads(STORY.read_text(encoding="utf-8"))["steps"]]


def _step(told: Mapping[str, Any]) -> Step:
    lists = {key: tuple(told[key]) for key in ("faults", "red", "green")}
    return Step(title=told["title"], says=told["says"], **lists)


async def tell(console: Console) -> int:
    """Walk through the story; return how many steps differ from it."""
    wrong, before = 0, dict[str, str]()
    async with staged() as stage:
        for number, step in enumerate(read_story()):
            shown = await stage.show(*step.faults)
            problems = step.problems(shown)
            if problems:  # a busy machine can blur one run; a second that agrees with the first is the answer
                shown = await stage.show(*step.faults)
                problems = step.problems(shown)
            wrong += bool(problems)
            _print(number, step, shown, before, problems, console)
            before = shown.red
    console.print("every step is as the story says" if not wrong else f"{wrong} steps differ from the story")
    return wrong


def _print(
    number: int, step: Step, shown: Shown, before: Mapping[str, str], problems: Sequence[str], console: Console
) -> None:
    verdict = {0: "GO", 1: "NO-GO"}.get(shown.exit_code, "INCONCLUSIVE")
    console.print(f"\n{number}. {step.title}: {verdict}, {len(shown.red)} cases red", markup=False, style="bold")
    console.print(f"   {step.says}", markup=False)
    if number:
        console.print(f"   turned green: {_some(sorted(before.keys() - shown.red.keys()))}", markup=False)
    console.print(f"   turned red:   {_some(sorted(shown.red.keys() - before.keys()))}", markup=False)
    for problem in problems:
        console.print(f"   NOT AS THE STORY SAYS: {problem}", markup=False)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED]) or "nothing"
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown


if __name__ == "__main__":
    plain = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    wrong = run_to_its_end(tell(plain)) + hold(plain)
    sys.exit(1 if wrong else 0)
