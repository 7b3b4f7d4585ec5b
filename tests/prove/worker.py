"""One twin, kept up, on which faults are shown one after another."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.proof.warm_runs import StartLost, WarmRuns, warm_runs
from tests.standing import ROOT, run_within, standing_twin
from twin.switching.registry import declared

TARGETS = Path(__file__).parent / "targets"
RUN_S, SWITCH_S = 300.0, 90.0
HEALTHY = ""
DAY = {"hours": 25, "requests_per_hour": 20}
# By phase, what the twin is started with and what pytest is. An hour of the soak takes five seconds.
PHASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "smoke": ((), ()),
    "soak": (("--cut", "5s"), ("--phase=soak", "--duration=16s")),
    "day": ((), ("--phase=day",)),
    "candidate": (("--candidate",), ("--phase=candidate", "--tag=verify")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one run under one fault came to."""

    fault: str
    exit_code: int
    red: dict[str, str]  # case -> outcome, of everything that did not pass
    cases: tuple[str, ...]
    seconds: float
    reason: str
    phase: str = "smoke"


class StageLost(Exception):
    """The twin did not do what was asked, or a run left no verdict: what stands there is fit for no further fault."""


class Stage:
    """A running twin and the folder for its runs.

    `tree` is the copy of the project whose suite is run, with further words (`options`) of its command line.
    """

    tree = ROOT
    options: tuple[str, ...] = ()

    def __init__(self, folder: Path, client: httpx.AsyncClient, runs: WarmRuns, phase: str, keep: Path | None) -> None:
        self.folder = folder
        self._client = client
        self._runs = runs
        self._phase = phase
        self.fit = True
        self._keep = keep

    async def show(self, *faults: str, checks: Sequence[str] = (), serving: bool = False) -> Shown:
        """Run the stage's phase, or some of its checks, under faults; leave the twin healthy, its log empty.

        In the candidate phase a fault of the code is the candidate's alone, or with `serving` the other revision's.
        """
        begun, fault = time.monotonic(), ",".join(faults)
        try:
            async with self.under(*faults, serving=serving):
                exit_code = await self._pytest(checks)
        except TimeoutError as error:
            raise self._lost(f"the run under {fault or 'no fault'} took over {RUN_S:.0f} s") from error
        except StartLost as error:
            raise self._lost(f"no run under {fault or 'no fault'}: what forks runs is lost: {error}") from error
        document = self._read_verdict(fault, exit_code)
        # What this target lacks and its profile does not ask for is proved elsewhere: see expectations.toml.
        rows = [row for row in document["checks"] if row["required"] or row["outcome"] != "NOT_APPLICABLE"]
        red = {row["name"]: row["outcome"] for row in rows if row["outcome"] != "PASSED"}
        return Shown(
            fault=fault,
            exit_code=exit_code,
            red=red,
            cases=tuple(row["name"] for row in rows),
            seconds=time.monotonic() - begun,
            reason=document["reason"],
            phase=self._phase,
        )

    def _read_verdict(self, fault: str, exit_code: int) -> dict[str, Any]:
        """The last run's document, kept where verdicts are. Raises StageLost."""
        verdict = self.folder / "reports/latest/verdict.json"
        if not verdict.exists():
            output = (self.folder / "last-output.txt").read_text(errors="replace")
            raise self._lost(f"the run under {fault or 'no fault'} left no verdict (exit code {exit_code}): {output}")
        if self._keep:
            self._keep.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(verdict, self._keep / f"{fault or f'healthy-{self._phase}'}.json")
        document: dict[str, Any] = json.loads(verdict.read_text())
        return document

    @asynccontextmanager
    async def under(self, *faults: str, serving: bool = False) -> AsyncIterator[Path]:
        """Have faults stand while the block does, over an empty log; yields the folder of addresses and reports.

        `serving` is that of `show`.
        """
        shutil.rmtree(self.folder / "reports", ignore_errors=True)  # a day goes on from the last one's windows
        await self._ask("DELETE", "/log")
        if self._phase == "day":
            await self._ask("PUT", "/age", DAY)
        candidates = self._phase == "candidate" and not serving
        alone = [one for one in faults if candidates and declared()[one].place == "backend"]
        for one in faults:
            if one not in alone:
                await self._ask("PUT", f"/faults/{one}")
        if alone:
            await self._ask("PUT", "/candidate/faults", alone)
        try:
            yield self.folder
        finally:
            await self._ask("DELETE", "/faults")

    async def _ask(self, method: str, path: str, body: object = None) -> None:
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise self._lost(f"{method} {path} on the twin's control port: {type(error).__name__}") from error
        if answer.is_error:
            raise self._lost(f"{method} {path} on the twin's control port: {answer.status_code} {answer.text}")

    def _lost(self, why: str) -> StageLost:
        self.fit = False
        return StageLost(why)

    async def _pytest(self, checks: Sequence[str]) -> int:
        selected = (f"--check={one}" for one in checks)
        words = (*_words(self.folder), *PHASES[self._phase][1], *self.options, *selected)
        code, output = await self._runs.run(RUN_S, *words, tree=self.tree, environment=_environment(self.folder))
        (self.folder / "last-output.txt").write_bytes(output)
        return code


async def run_proof(
    folder: Path, within_s: float, *options: str, tree: Path = ROOT, environment: Mapping[str, str] = os.environ
) -> tuple[int, bytes]:
    """One quick run of a tree's suite against the twin of a folder: exit code, output. Raises TimeoutError."""
    command = (sys.executable, "-m", "pytest", *_words(folder), *options)
    return await run_within(within_s, *command, environment=_environment(folder, environment), tree=tree)


def _words(folder: Path) -> tuple[str, ...]:
    """The options of every run against a folder's twin."""
    where = (f"--targets-dir={TARGETS}", f"--report-dir={folder / 'reports'}")
    return ("--target=prove", *where, "--quick", "--verdict-only")


def _environment(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {**environment, "NETRA_ADDRESSES": str(folder / "addresses.json")}


@asynccontextmanager
async def staged(phase: str = "smoke", keep: Path | None = None) -> AsyncIterator[Stage]:
    """A twin of one's own, for runs of one phase; every fault's verdict is kept in `keep`, under the fault's id."""
    with tempfile.TemporaryDirectory(prefix="netra-prove-") as name:
        folder = Path(name)
        async with standing_twin(folder / "addresses.json", *PHASES[phase][0]) as addresses, warm_runs(folder) as runs:
            control = addresses["twin"]["control_url"]
            async with httpx.AsyncClient(base_url=control, timeout=SWITCH_S, trust_env=False) as client:
                yield Stage(folder, client, runs, phase, keep)
