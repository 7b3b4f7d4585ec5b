"""The runs, one after another or some at once, what each came to, and the worst of them as exit code."""

import asyncio
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from bench.smokes import from_afar
from tests.counts import keep
from tests.proof.record import Figures, Record, command_text, leave
from tests.prove.deployed import AS_DEPLOYED, problems, read_table
from tests.standing import busy_processors, own_folder, run_within, standing_twin

RUN_S = 900.0  # far from an idle machine's 40 s
ONE_TWIN = 12  # runs; each reads the whole log of the revision, which after a deploy holds one run's at most
GO, NO_GO = 0, 1
AS_TABLE = "AS TABLE"  # in the place of a verdict: the run is as the table of its state
MOST_NAMED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoke:
    """What one run came to."""

    number: int
    code: int
    verdict: str
    seconds: float
    red: tuple[str, ...]  # required cases that did not pass, with outcomes; or how it differs from its state's table
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


async def _run(target: str, addresses: Path, reports: Path) -> tuple[int, dict[str, Any]]:
    """One quick smoke: its exit code, and its verdict, which has no cases where there is none."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NETRA_", "PYTEST_"))}
    words = ("-m", "gate.session", "-c", "pytest.ini", f"--target={target}", "--quick", f"--report-dir={reports}")
    environment |= {"NETRA_ADDRESSES": str(addresses)}
    code, output = await run_within(RUN_S, sys.executable, *words, environment=environment)
    path = reports / "latest/verdict.json"
    if not path.exists():
        last = output.decode(errors="replace").strip().rpartition("\n")[2]
        return code, {"verdict": "none", "reason": last, "checks": []}
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return code, document


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How the runs are made."""

    runs: int = 30
    at_once: int = 1
    round_trip_ms: int = 0  # between the suite and both services
    busy: bool = False  # whether something else takes all of every processor
    state: str = ""  # of the service as deployed, which a table of tests/prove judges; else the twin is sound

    @property
    def variables(self) -> dict[str, str | int]:
        """What `make smokes` needs for the same again, without the number of runs."""
        at_once = self.at_once if self.at_once > 1 else ""
        return {
            "STATE": self.state,
            "AT_ONCE": at_once,
            "AFAR": self.round_trip_ms or "",
            "BUSY": "1" if self.busy else "",
        }

    @property
    def kind(self) -> str:
        """Its name among the records: `plain`, a state, `busy`, `80ms`, `2-at-once` or several of these."""
        parts = (self.state, "busy" if self.busy else "", f"{self.round_trip_ms}ms" if self.round_trip_ms else "")
        together = f"{self.at_once}-at-once" if self.at_once > 1 else ""
        return "-".join(part for part in (*parts, together) if part) or "plain"


async def main(wanted: Round) -> int:
    """Run the smoke phase as often as wanted; print each run and return the worst one's exit code.

    The reports of runs that were not as they should be stay in a folder that is named at the end. A series that is
    interrupted is one of as many runs as have ended.
    """
    series = _Series(wanted=wanted)
    sys.stdout.write("   #  verdict    exit    took   passed\n")
    try:
        await series.run_all()
    finally:
        if series.came:
            _keep(series.came, wanted)
        if any(smoke.code for smoke in series.came):
            sys.stdout.write(f"reports of the runs that are not as they should be: {series.folder}\n")
        else:
            shutil.rmtree(series.folder)
    return worst(smoke.code for smoke in series.came)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """The runs of a round, and what has come of them."""

    wanted: Round
    folder: Path = field(default_factory=lambda: own_folder("netra-smokes-"))
    came: list[Smoke] = field(default_factory=list)

    async def run_all(self) -> None:
        async with AsyncExitStack() as stack:
            if self.wanted.busy:
                await stack.enter_async_context(busy_processors())
            numbers = iter(range(1, self.wanted.runs + 1))
            if self.wanted.state:  # each on its own twin: one that is as broken as this does not stay as it was
                await self._take_turns(numbers, self._on_own_twin)
                return
            while some := list(islice(numbers, ONE_TWIN)):
                async with self._twin("addresses.json") as path:
                    await self._take_turns(iter(some), partial(self._smoke, path))

    async def _take_turns(self, numbers: Iterator[int], run: Callable[[int], Awaitable[Smoke]]) -> None:
        async def one_after_another() -> None:
            for number in numbers:
                self.came.append(await run(number))
                sys.stdout.write(f"{self.came[-1].line}\n")
                sys.stdout.flush()

        async with asyncio.TaskGroup() as group:
            for _ in range(self.wanted.at_once):
                group.create_task(one_after_another())

    @asynccontextmanager
    async def _twin(self, name: str) -> AsyncIterator[Path]:
        """A standing twin; yields the file with its addresses, as far away as wanted."""
        async with AsyncExitStack() as stack:
            path, state = self.folder / name, self.wanted.state
            addresses = await stack.enter_async_context(standing_twin(path, *(("--state", state) if state else ())))
            if self.wanted.round_trip_ms:
                path = await stack.enter_async_context(
                    from_afar(addresses, path.parent, self.wanted.round_trip_ms / 1e3)
                )
            yield path

    async def _on_own_twin(self, number: int) -> Smoke:
        async with self._twin(f"addresses-{number}.json") as path:
            return await self._smoke(path, number)

    async def _smoke(self, addresses: Path, number: int) -> Smoke:
        """One run, held to the table of its state, or to a GO."""
        state, reports, begun = self.wanted.state, self.folder / f"reports-{number}", time.monotonic()
        code, document = await _run(AS_DEPLOYED if state else "local", addresses, reports)
        cases, verdict, seconds = document["checks"], document["verdict"], time.monotonic() - begun
        if state:
            red = problems(read_table()[state], code, cases)
            code, verdict = (NO_GO, verdict) if red else (GO, AS_TABLE)
        else:
            lacking = (case for case in cases if case["required"] and case["outcome"] != "PASSED")
            red = [f"{case['name']} {case['outcome']}" for case in lacking]
        if code == GO:
            shutil.rmtree(reports)
        return Smoke(
            number=number,
            code=code,
            verdict=verdict,
            seconds=seconds,
            red=tuple(red),
            passed=sum(case["outcome"] == "PASSED" for case in cases),
            reason=document["reason"],
        )


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
    of = f"of {wanted.state} against its table" if wanted.state else "of the sound twin"
    record = Record(
        proof=f"smokes.{wanted.kind}",
        command=command_text("smokes", N=len(came), **wanted.variables),
        short=f"{short} of {len(came)} smokes {of} ({wanted.kind})",
        figures=figures | {"seconds each": f"{times[0]:.0f} to {times[-1]:.0f}"},
        said=[f"did not pass: `{case}` {count} x" for case, count in red],
    )
    leave(record)
    sys.stdout.write(f"{text}\n")
