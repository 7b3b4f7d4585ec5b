"""The command line of the proof: which faults, how many twins at once, and the matrix."""

import argparse
import asyncio
import csv
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console

from targets.profiles import load_required
from tests.catalogue import declared_checks
from tests.proof.arguments import USAGE, at_least_one, nothing_of, share
from tests.proof.journal import shard
from tests.proof.record import command_text
from tests.prove.causes import KEPT, as_wanted, print_share, read_kept
from tests.prove.expectations import Expectation, awaiting, elsewhere, load, unproved, without_fault
from tests.prove.matrix import Proof, write
from tests.prove.worker import HEALTHY, Shown, Stage, StageLost, staged
from tests.standing import run_to_its_end
from twin.switching.registry import declared

JOBS = (os.cpu_count() or 1) + 1  # a run waits for a third of its time
LOST = -1  # not an exit code of a run: its twin was lost
CHOSEN_AMONG = {"smoke": (), "candidate": ("alone",)}  # phases with many checks, and what the twin's then offers
# What a target may offer, and the twin does.
CONDITIONAL = ("browser", "document", "guarded", "head", "json", "login-key", "operations", "readiness")


def main(arguments: Sequence[str]) -> int:
    """Show the faults, print the matrix, and return 0 only when every expectation holds."""
    options, begun = _parse(arguments), time.monotonic()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    expectations = load()
    known = {key for key, one in declared().items() if not one.dependency} - awaiting().keys()
    if unknown := nothing_of(options.only, known, "fault; `make faults` lists all"):
        console.print(unknown, markup=False)
        return USAGE
    chosen = sorted(one for one in known if any(fnmatchcase(one, pattern) for pattern in options.only))
    shown, unturned = _show_by_phase(shard(chosen, options.shard), expectations, options, console)
    complaints = [*_table_problems(expectations, known), *unturned]
    wrong = {one.fault: found for one in shown if (found := _problems(one, expectations))}
    _print_summary(shown, wrong, complaints, console)
    now = {one.fault for one in shown}
    proof = Proof(
        command=_command(options),
        seconds=time.monotonic() - begun,
        shown=shown,
        wrong=wrong,
        complaints=complaints,
        kind="prove" if now >= known else "prove.share" if options.only == ["*"] else "",
    )
    write(proof, options.out)
    kept = [fault for fault in read_kept(options.out / KEPT.name) if fault.fault in now]
    print_share(kept, console)
    everything = not options.shard and options.only == ["*"]  # of a few, a share says little
    return 1 if wrong or complaints or (everything and not as_wanted(kept)) else 0


def _show_by_phase(
    chosen: list[str], expectations: dict[str, Expectation], options: argparse.Namespace, console: Console
) -> tuple[list[Shown], list[str]]:
    """What each fault came to, and the cases that none of them must turn; a matrix for each phase is written."""
    shown, complaints = list[Shown](), list[str]()
    phases = _by_phase(chosen, expectations).items()
    works = [
        _Work(phase=phase, faults=[HEALTHY, *faults], expectations=expectations, options=options, console=console)
        for phase, faults in phases
    ]
    run_to_its_end(_show_beside(works, options.jobs))
    for work in works:
        of_phase = work.shown
        healthy = next(one for one in of_phase if one.fault == HEALTHY)
        here = [name for name in healthy.cases if name.partition("[")[0] not in elsewhere()]
        complaints += [f"no fault must turn {name} red" for name in unproved(expectations.values(), here)]
        _write_matrix(of_phase, healthy.cases, options.out, "" if work.phase == "smoke" else f"-{work.phase}")
        shown += of_phase
    return shown, complaints


async def _show_beside(works: Sequence["_Work"], jobs: int) -> None:
    """Show the faults of the largest phase on `jobs` twins, and beside them the others', which mostly wait, on one."""
    largest, *others = sorted(works, key=lambda work: len(work.faults), reverse=True)

    async def one_after_another() -> None:
        for work in others:
            await work.show_all(1)

    async with asyncio.TaskGroup() as group:
        group.create_task(largest.show_all(jobs))
        group.create_task(one_after_another())


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument(
        "--jobs", type=at_least_one, default=JOBS, help="twins of the largest phase; default: one more than processors"
    )
    parser.add_argument("--retries", type=int, default=1, help="how often a run that is not as expected is shown again")
    parser.add_argument("--only", nargs="+", default=["*"], help="patterns of fault ids")
    parser.add_argument(
        "--whole", action="store_true", help="every check under every fault, not the families that it may turn"
    )
    parser.add_argument("--shard", type=share, default="", help="every n-th fault: 1/4, 2/4, ...")
    parser.add_argument("--out", type=Path, default=Path("reports/prove"), help="where the matrix is written")
    return parser.parse_args(arguments)


def _table_problems(expectations: dict[str, Expectation], known: set[str]) -> list[str]:
    absent, stale = sorted(known - expectations.keys()), sorted(expectations.keys() - known)
    said = [f"{one} is declared, but expectations.toml does not know it" for one in absent]
    said += [f"expectations.toml names {one}, which is not declared" for one in stale]
    said += [f"{one.fault} must turn no check" for one in expectations.values() if not (one.turns or one.doubts)]
    checks = [one.id for one in declared_checks() if one.id not in elsewhere()]
    return said + [f"no fault must turn a case of {one}" for one in without_fault(expectations.values(), checks)]


def _command(options: argparse.Namespace) -> str:
    """The command as make has it."""
    only = [] if options.only == ["*"] else options.only
    return command_text("prove", only, SHARD=options.shard, WHOLE="1" if options.whole else "")


def _by_phase(faults: Iterable[str], expectations: dict[str, Expectation]) -> dict[str, list[str]]:
    """The faults by the phase that shows them; the smoke phase where there is none to show."""
    phases: dict[str, list[str]] = {}
    for fault in faults:
        expected = expectations.get(fault)
        phases.setdefault(expected.phase if expected else "smoke", []).append(fault)
    return phases or {"smoke": []}


def _problems(one: Shown, expectations: dict[str, Expectation]) -> list[str]:
    if one.exit_code == LOST:
        return [one.reason]
    if one.fault == HEALTHY:
        return [f"{name} turned {outcome} on the healthy twin" for name, outcome in one.red.items()] + (
            [f"exit code {one.exit_code} on the healthy twin"] if one.exit_code else []
        )
    expected = expectations.get(one.fault)
    return expected.problems(one.red, one.exit_code) if expected else [f"not in the table; red: {one.red}"]


@dataclass(slots=True, kw_only=True)
class _Work:
    """The faults of one phase, shown on several twins at once."""

    phase: str
    faults: Sequence[str]
    expectations: dict[str, Expectation]
    options: argparse.Namespace
    console: Console
    shown: list[Shown] = field(init=False, default_factory=list)

    async def show_all(self, jobs: int) -> None:
        """Show the faults on several twins, each on whichever is free; prints each."""
        waiting = list(self.faults)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, len(waiting))):
                group.create_task(self._on_one_twin_after_another(waiting))

    async def _on_one_twin_after_another(self, waiting: list[str]) -> None:
        while waiting:
            async with staged(self.phase, self.options.out / KEPT.name) as stage:
                while waiting and stage.fit:
                    one = await self._show(stage, waiting.pop(0))
                    self.shown.append(one)
                    progress = f"{len(self.shown)}/{len(self.faults)}"
                    _print_row(one, _problems(one, self.expectations), progress, self.console)

    async def _show(self, stage: Stage, fault: str) -> Shown:
        """What the suite says under a fault, once more while it is not as expected; LOST where the twin was lost."""
        named, expected = [fault] if fault else [], self.expectations.get(fault)
        checks = () if self.options.whole or not fault else _selected(expected, self.phase)
        serving = expected is not None and expected.serving
        try:
            one = await stage.show(*named, checks=checks, serving=serving)
            for _ in range(self.options.retries):
                if _problems(one, self.expectations):
                    one = await stage.show(*named, checks=checks, serving=serving)
        except StageLost as error:  # this fault's twin is of no use to the next one
            why, phase = str(error), self.phase
            return Shown(fault=fault, exit_code=LOST, red={}, cases=(), seconds=0.0, reason=why, phase=phase)
        return one


def _selected(expected: Expectation | None, phase: str) -> tuple[str, ...]:
    """The checks to run under a fault, smoke's and the candidate's; other phases have too few to choose among."""
    if expected is None or phase not in CHOSEN_AMONG:
        return ()
    return expected.selection(load_required("full", phase, offers=(*CONDITIONAL, *CHOSEN_AMONG[phase])))


def _print_row(one: Shown, problems: list[str], progress: str, console: Console) -> None:
    red = ", ".join(one.red) or "all green"
    mark = "[red]WRONG[/]" if problems else "[green]ok[/]   "
    console.print(f"{progress:>7} {mark} {one.fault or f'healthy ({one.phase})':<42} {one.seconds:4.0f} s  ", end="")
    console.print(red if len(red) < 400 else f"{red[:400]}… ({len(one.red)} cases)", markup=False)
    for problem in problems:
        console.print(f"          {problem}", markup=False)


def _print_summary(shown: list[Shown], wrong: dict[str, list[str]], complaints: list[str], console: Console) -> None:
    for complaint in complaints:
        console.print(f"table: {complaint}", markup=False)
    faults = sum(one.fault != HEALTHY for one in shown)
    console.print(f"{faults - len(wrong.keys() - {HEALTHY})} of {faults} faults as expected; ", end="")
    console.print("the healthy twin is not green" if HEALTHY in wrong else "the healthy twin is green")


def _write_matrix(shown: list[Shown], cases: Sequence[str], folder: Path, suffix: str) -> None:
    """`matrix.csv`: a row a fault, a column a case, the outcome where it is not PASSED; and `shown.json`.

    The smoke phase's have no suffix, the other phases' have their name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(shown, key=lambda one: one.fault)
    with (folder / f"matrix{suffix}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["fault", *cases])
        writer.writerows([one.fault or "healthy", *(one.red.get(case, "") for case in cases)] for one in ordered)
    (folder / f"shown{suffix}.json").write_text(
        json.dumps([asdict(one) for one in ordered], indent=1), encoding="utf-8"
    )
