"""The runs, one after another or some at once, what each came to, and the worst of them as exit code."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.smokes import from_afar
from tests.counts import keep
from tests.proof.record import Figures, Record, command_text, leave
from tests.standing import busy_processors, own_folder, run_within, standing_twin

RUN_S = 900.0  # far from an idle machine's 40 s
ONE_TWIN = 12  # runs; each reads the whole log of the revision, which after a deploy holds one run's at most
GO, NO_GO = 0, 1
MOST_NAMED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoke:
    """What one run came to."""

    number: int
    code: int
    verdict: str
    seconds: float
    red: tuple[str, ...]  # required cases that did not pass, each with its outcome
    passed: int
    reason: str

    @property
    def line(self) -> str:
        """Its row of the table."""
        more = f" and {len(self.red) - MOST_NAMED} more" if len(self.red) > MOST_NAMED else ""
        said = ", ".join(self.red[:MOST_NAMED]) + more or (self.reason if self.code else "")
        return f"{self.number:>4}  {self.verdict:<12} {self.code:>2}  {self.seconds:5.1f} s  {self.passed:>4}  {said}"


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs: NO-GO's before all others, GO's only when there is no other."""
    found = set(codes)
    return NO_GO if NO_GO in found else max(found, default=GO)


async def _smoke(number: int, addresses: Path, folder: Path) -> Smoke:
    reports, begun = folder / f"reports-{number}", time.monotonic()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NETRA_", "PYTEST_"))}
    words = ("-m", "gate.session", "-c", "pytest.ini", "--target=local", "--quick", f"--report-dir={reports}")
    environment |= {"NETRA_ADDRESSES": str(addresses)}
    code, output = await run_within(RUN_S, sys.executable, *words, environment=environment)
    seconds = time.monotonic() - begun
    path = reports / "latest/verdict.json"
    if not path.exists():
        last = output.decode(errors="replace").strip().rpartition("\n")[2]
        return Smoke(number=number, code=code, verdict="none", seconds=seconds, red=(), passed=0, reason=last)
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = document["checks"]
    red = tuple(f"{row['name']} {row['outcome']}" for row in rows if row["required"] and row["outcome"] != "PASSED")
    passed = sum(row["outcome"] == "PASSED" for row in rows)
    if code == GO:
        shutil.rmtree(reports)
    return Smoke(
        number=number,
        code=code,
        verdict=document["verdict"],
        seconds=seconds,
        red=red,
        passed=passed,
        reason=document["reason"],
    )


async def _all(numbers: Iterator[int], at_once: int, addresses: Path, folder: Path, came: list[Smoke]) -> None:
    async def one_after_another() -> None:
        for number in numbers:
            came.append(await _smoke(number, addresses, folder))
            sys.stdout.write(f"{came[-1].line}\n")
            sys.stdout.flush()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_another())


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How the runs are made."""

    runs: int = 30
    at_once: int = 1
    round_trip_ms: int = 0  # between the suite and both services
    busy: bool = False  # whether something else takes all of every processor

    @property
    def variables(self) -> dict[str, str | int]:
        """What `make smokes` needs for the same again, without the number of runs."""
        at_once = self.at_once if self.at_once > 1 else ""
        return {"AT_ONCE": at_once, "AFAR": self.round_trip_ms or "", "BUSY": "1" if self.busy else ""}

    @property
    def kind(self) -> str:
        """Its name among the records: `plain`, `busy`, `80ms`, `2-at-once` or several of these."""
        parts = ("busy" if self.busy else "", f"{self.round_trip_ms}ms" if self.round_trip_ms else "")
        together = f"{self.at_once}-at-once" if self.at_once > 1 else ""
        return "-".join(part for part in (*parts, together) if part) or "plain"


async def main(wanted: Round) -> int:
    """Run the smoke phase as often as wanted; print each run and return the worst one's exit code.

    The reports of runs that were not GO stay in a folder that is named at the end. A series that is interrupted is
    one of as many runs as have ended.
    """
    folder, came = own_folder("netra-smokes-"), list[Smoke]()
    sys.stdout.write("   #  verdict    exit    took   passed\n")
    try:
        for first in range(1, wanted.runs + 1, ONE_TWIN):
            numbers = range(first, min(first + ONE_TWIN, wanted.runs + 1))
            await _on_one_twin(numbers, wanted, folder, came)
    finally:
        if came:
            _keep(came, wanted)
    code = worst(one.code for one in came)
    if code == GO:
        shutil.rmtree(folder)
    else:
        sys.stdout.write(f"reports of the runs that are not GO: {folder}\n")
    return code


async def _on_one_twin(numbers: Iterable[int], wanted: Round, folder: Path, came: list[Smoke]) -> None:
    async with AsyncExitStack() as stack:
        path = folder / "addresses.json"
        addresses = await stack.enter_async_context(standing_twin(path))
        if wanted.round_trip_ms:
            path = await stack.enter_async_context(from_afar(addresses, folder, wanted.round_trip_ms / 1e3))
        if wanted.busy:
            await stack.enter_async_context(busy_processors())
        await _all(iter(numbers), wanted.at_once, path, folder, came)


def _keep(came: list[Smoke], wanted: Round) -> None:
    """Print what the runs came to, and keep it: a line among the counts, and a record for docs/proof.md."""
    verdicts = Counter(one.verdict for one in came)
    times = sorted(one.seconds for one in came)
    short = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    red = Counter(case for one in came for case in one.red).most_common()
    text = (
        f"{short} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {times[0]:.0f} to {times[-1]:.0f} s each. "
        f"Did not pass: {', '.join(f'{case} {count} x' for case, count in red) or 'nothing'}."
    )
    keep("smokes", f"{len(came)} {wanted.kind}", text)
    figures: Figures = {"runs": len(came), "how": wanted.kind, **verdicts}
    record = Record(
        proof=f"smokes.{wanted.kind}",
        command=command_text("smokes", N=len(came), **wanted.variables),
        short=f"{short} of {len(came)} smokes of the sound twin ({wanted.kind})",
        figures=figures | {"seconds each": f"{times[0]:.0f} to {times[-1]:.0f}"},
        said=[f"did not pass: `{case}` {count} x" for case, count in red],
    )
    leave(record)
    sys.stdout.write(f"{text}\n")
