"""The runs: under two races that mix up one answer in twenty, and on the sound twin; what each came to, counted."""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.counts import keep
from tests.prove.worker import run_proof, staged
from tests.races.repeating import REPEATED, TIMES

# The race that mixes up one answer in twenty = the check that has to see it. Their seams differ: one run shows both.
RACES = {
    "threads.race-of-one-in-twenty": "threads.together",
    "websocket.one-in-twenty-is-anothers": "websocket.together",
}
EACH_S, MORE_S = 90.0, 300.0  # far from what one attempt of both checks takes, and a run's start and end
UNDECIDED = 10


@dataclass(frozen=True, slots=True)
class Attempts:
    """What all attempts at one check came to."""

    check: str
    outcomes: Counter[str]
    ratios: tuple[float, ...]  # p95 of twenty at once over one at a time, where the check states it
    reasons: tuple[str, ...]  # of those that did not pass, each once

    @property
    def line(self) -> str:
        """In words."""
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())) or "none ran"
        found = sorted(self.ratios)
        spread = f"; twenty at once cost {found[0]:.1f} to {found[-1]:.1f} times one" if found else ""
        return f"{self.check}: {said}{spread}"


def count(document: dict[str, Any]) -> dict[str, Attempts]:
    """The attempts of a verdict, by check."""
    counted = {}
    for check in sorted(REPEATED):
        rows = [row for row in document["checks"] if row["id"] == check and row["duration_s"]]
        figures = [figure for row in rows for figure in row["figures"] if figure.get("unit") == "x"]
        wrong = [row["actual"] or row["reason"] for row in rows if row["outcome"] != "PASSED"]
        counted[check] = Attempts(
            check, Counter(row["outcome"] for row in rows), tuple(one["value"] for one in figures),
            tuple(dict.fromkeys(wrong)),
        )  # fmt: skip
    return counted


async def _attempts(folder: Path, times: int) -> dict[str, Attempts]:
    within_s = times * EACH_S + MORE_S
    checks = (f"--check={one}" for one in sorted(REPEATED))
    more = {TIMES: str(times), "NETRA_RUN_DEADLINE_S": str(within_s - MORE_S / 2)}
    code, output = await run_proof(
        folder, within_s, "-p", "tests.races.repeating", *checks, environment={**os.environ, **more}
    )
    verdict = folder / "reports/latest/verdict.json"
    if not verdict.exists():
        raise RuntimeError(f"the run left no verdict (exit code {code}): {output.decode(errors='replace')[-2000:]}")
    return count(json.loads(verdict.read_text(encoding="utf-8")))


def judge(times: int, racing: dict[str, Attempts], sound: dict[str, Attempts]) -> int:
    """0: every race was caught and nothing else; 1: one was missed, or there was a false alarm; 10: not all decided."""
    caught = [racing[check].outcomes["FAILED"] for check in RACES.values()]
    missed = [racing[check].outcomes["PASSED"] for check in RACES.values()]
    alarms = [one.outcomes["FAILED"] for one in sound.values()]
    if any(missed) or any(alarms):
        return 1
    quiet = [one.outcomes["PASSED"] for one in sound.values()]
    return 0 if all(one == times for one in (*caught, *quiet)) else UNDECIDED


def _say(title: str, attempts: Sequence[Attempts]) -> None:
    sys.stdout.write(f"{title}\n")
    for one in attempts:
        sys.stdout.write(f"   {one.line}\n")
        for reason in one.reasons[:3]:
            sys.stdout.write(f"      {reason[:200]}\n")
    sys.stdout.flush()


async def main(times: int = 40) -> int:
    """Show both races and then none, `attempts` times each; print and keep the counts, return `judge`'s code."""
    async with staged("smoke") as stage:
        async with stage.under(*RACES) as folder:
            racing = await _attempts(folder, times)
        _say(f"{times} attempts under races of one answer in twenty", [racing[one] for one in RACES.values()])
        async with stage.under() as folder:
            sound = await _attempts(folder, times)
        _say(f"{times} attempts on the sound twin", [*sound.values()])
    caught = ", ".join(f"{check} {racing[check].outcomes['FAILED']}" for check in RACES.values())
    alarms = ", ".join(f"{one.check} {one.outcomes['FAILED']}" for one in sound.values())
    odd = sum(one.outcomes["BROKEN"] for one in (*racing.values(), *sound.values()))
    keep(
        "races", f"{times} attempts",
        f"caught of {times} races: {caught}; false alarms in {times} sound ones: {alarms}; {odd} that our own side "
        f"could not decide, on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
    )  # fmt: skip
    return judge(times, racing, sound)
