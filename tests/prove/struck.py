"""`make struck`: one judgement of the suite at a time is struck out; some fault must then no longer be caught.

Each fault is shown once, and the raise is noted on which each case ended that it must turn. Then, with the same fault
still at hand, each of these raises that no fault has proved yet is struck out in a scratch copy, and the cases that
ended on it run again. A raise whose removal leaves every fault that reaches it caught is listed, and so is one that no
fault reaches. What is done stands in a journal: begun again, the command goes on.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console

from targets.profiles import load_required
from tests.proof.arguments import USAGE, at_least_one, nothing_of, share
from tests.proof.journal import Journal, digest_of, shard
from tests.proof.record import Record, command_text, leave
from tests.proof.scratch import scratch_tree, spoiled
from tests.prove.cli import CONDITIONAL
from tests.prove.expectations import Expectation, load, matches
from tests.prove.judgements import Site, find_sites, site_at, without
from tests.prove.raised import FILE
from tests.prove.struck_report import Found
from tests.prove.worker import Stage, StageLost, staged
from tests.standing import run_to_its_end

JOURNAL = Path("reports/struck/journal.jsonl")
PLUGIN = ("-p", "tests.prove.raised")
CODE = ("suites", "fixtures", "probes", "targets", "twin", "tests/prove/expectations.toml")
FAMILIES_OF_EVIDENCE = (
    "logs.",
    "observability.",
    "api.",
    "release.",
)  # they look at what other families' requests left


@dataclass(slots=True, kw_only=True)
class Striking:
    """The command at work: what it knows of the sites, and its journal."""

    sites: dict[str, Site]
    expectations: dict[str, Expectation]
    journal: Journal
    console: Console
    proved: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.proved |= {line["site"] for line in self.journal.of("struck") if line["proved"]}

    async def show(self, stage: Stage, fault: str) -> None:
        """Show one fault, strike what its cases ended on, and write down what came of it."""
        expected = self.expectations[fault]
        ended = await self._ended(stage, expected)
        for site_id in sorted(ended.keys() - self.proved):
            proved, said = await self._strike(stage, expected, self.sites[site_id], ended[site_id])
            self.journal.add(kind="struck", site=site_id, fault=fault, proved=proved, said=said)
            self.proved |= {site_id} if proved else set()
            self.console.print(
                f"{'proved' if proved else 'STILL CAUGHT':<13} {site_id} by {fault}: {said}", markup=False
            )
        self.journal.add(kind="shown", fault=fault, ended=ended)

    async def _ended(self, stage: Stage, expected: Expectation) -> dict[str, list[str]]:
        """By site, the cases that the fault must turn and that ended there."""
        red: dict[str, str] = {}
        for checks in (_narrow(expected), _wide(expected)):
            (stage.folder / FILE).unlink(missing_ok=True)
            red = (await stage.show(expected.fault, checks=checks, serving=expected.serving)).red
            if not _green(expected, red):
                break
        for name in _green(expected, red):
            self.console.print(f"{expected.fault}: {name} stayed green with every judgement in place", markup=False)
        found: dict[str, list[str]] = {}
        for name, raised in _raised(stage.folder).items():
            if any(matches(turn, name) for turn in expected.turns) and red.get(name) == "FAILED":
                for places in raised:
                    site = next((one for place in places if (one := self._site(place))), None)
                    if site:
                        found.setdefault(site.id, []).append(name)
        return found

    def _site(self, place: str) -> Site | None:
        file, _, line = place.rpartition(":")
        return site_at(self.sites.values(), file, int(line))

    async def _strike(self, stage: Stage, expected: Expectation, site: Site, cases: Sequence[str]) -> tuple[bool, str]:
        """Whether a judgement's removal is noticed, and in what way."""
        path = stage.tree / site.file
        turns = [turn for turn in expected.turns if any(matches(turn, name) for name in cases)]
        checks = _wide(expected) if any(name.startswith(FAMILIES_OF_EVIDENCE) for name in cases) else tuple(cases)
        with spoiled(path, without(path.read_text(encoding="utf-8"), site)):
            red = (await stage.show(expected.fault, checks=checks, serving=expected.serving)).red
        failed = [name for name, outcome in red.items() if outcome == "FAILED"]
        lost = [turn for turn in turns if not any(matches(turn, name) for name in failed)]
        if lost:
            return True, f"{', '.join(lost[:3])} {'stays' if len(lost) == 1 else 'stay'} green without it"
        return False, f"{', '.join(turns[:3])} still fails without it"


def _narrow(expected: Expectation) -> tuple[str, ...]:
    """The checks in which something must turn; all of their families where one looks at what others left."""
    if any(turn.startswith(FAMILIES_OF_EVIDENCE) for turn in expected.turns) or expected.phase != "smoke":
        return _wide(expected)
    return tuple(dict.fromkeys((*expected.turns, *expected.asks)))


def _wide(expected: Expectation) -> tuple[str, ...]:
    if expected.phase != "smoke":
        return ()
    return expected.selection(load_required("full", "smoke", offers=CONDITIONAL))


def _green(expected: Expectation, red: dict[str, str]) -> list[str]:
    failed = [name for name, outcome in red.items() if outcome == "FAILED"]
    return [turn for turn in expected.turns if not any(matches(turn, name) for name in failed)]


def _raised(folder: Path) -> dict[str, list[list[str]]]:
    path, found = folder / FILE, dict[str, list[list[str]]]()
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        line = json.loads(text)
        found.setdefault(line["name"], line["raised"])
    return found


async def _work(faults: list[str], striking: Striking, jobs: int) -> None:
    """Show the faults, phase by phase, each worker on a twin and in a scratch copy of its own."""
    waiting = list(faults)

    async def work() -> None:
        while waiting:
            phase = striking.expectations[waiting[0]].phase
            with scratch_tree() as tree:
                async with staged(phase) as stage:
                    stage.tree, stage.options = tree, PLUGIN
                    while stage.fit and waiting and striking.expectations[waiting[0]].phase == phase:
                        await _show(stage, waiting.pop(0), striking)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(jobs, len(waiting))):
            group.create_task(work())


async def _show(stage: Stage, fault: str, striking: Striking) -> None:
    try:
        await striking.show(stage, fault)
    except StageLost as error:  # without the judgement a run may go on for ever: the next begins on a new twin
        striking.journal.add(kind="lost", fault=fault, said=str(error)[:300])
        striking.console.print(f"{fault}: {error}"[:300], markup=False)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make struck", description=__doc__)
    parser.add_argument("--only", nargs="+", default=["*"], help="patterns of checks whose judgements are struck out")
    parser.add_argument("--shard", type=share, default="", help="every n-th fault: 1/4, 2/4, ...")
    parser.add_argument("--jobs", type=at_least_one, default=1, help="twins at once; default: 1")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Strike, list what nothing proves, and return 1 where there is any."""
    options, console = _parse(arguments), Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    sites, expectations = {site.id: site for site in find_sites(Path())}, load()
    turned = {turn.partition("[")[0] for one in expectations.values() for turn in one.turns}
    if unknown := nothing_of(options.only, turned, "check that a fault must turn"):
        console.print(unknown, markup=False)
        return USAGE
    journal = Journal(JOURNAL, digest_of(*CODE)).read()
    striking = Striking(sites=sites, expectations=expectations, journal=journal, console=console)
    all_of_them = [fault for fault, one in expectations.items() if _chosen(one, options.only)]
    mine = shard(sorted(all_of_them, key=lambda one: (expectations[one].phase, one)), options.shard)
    done = {line["fault"] for kind in ("shown", "lost") for line in journal.of(kind)}
    run_to_its_end(_work([fault for fault in mine if fault not in done], striking, options.jobs))
    return _report(striking, set(all_of_them), options)


def _chosen(expected: Expectation, patterns: Sequence[str]) -> bool:
    """Whether a fault must turn a check that is asked about."""
    return any(fnmatchcase(turn.partition("[")[0], pattern) for turn in expected.turns for pattern in patterns)


def _report(striking: Striking, asked: set[str], options: argparse.Namespace) -> int:
    """Say what is proved and what is not; the page keeps the figures."""
    shown = {line["fault"]: line["ended"] for line in striking.journal.of("shown") if line["fault"] in asked}
    whole = asked >= {fault for fault, one in striking.expectations.items() if one.turns}
    found = Found(
        sites=striking.sites,
        shown=shown,
        proved=frozenset(striking.proved),
        asked=len(asked),
        whole=whole and shown.keys() >= asked,
    )
    found.show(striking.console)
    kind = f"struck{'.share' if options.shard else '' if whole else '.some'}"
    command = command_text("struck", [] if options.only == ["*"] else options.only, SHARD=options.shard)
    leave(Record(proof=kind, command=command, short=found.text, figures=found.figures, said=found.said))
    return 1 if found.unproved or found.unreached or found.stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
