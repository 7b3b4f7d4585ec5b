"""`make mutants`: a seeded sample of mutants, each tried in a scratch copy; survivors must be listed."""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import scipy
from rich.console import Console

from tests.mutants.candidates import ROOMS, TWIN, Mutant, list_mutants, modules, sample
from tests.mutants.survivors import EQUIVALENT, OWED, UNOBSERVABLE, find, load
from tests.mutants.trying import KILLED, OVERDUE, SURVIVED, UNVIABLE, Bench
from tests.proof.arguments import at_least_one, share
from tests.proof.journal import Journal, Line, digest_of, shard
from tests.proof.record import Figures, Record, command_text, leave
from tests.proof.scratch import scratch_tree
from tests.standing import ROOT, run_to_its_end

JOURNAL = Path("reports/mutants/journal.jsonl")
CODE = (*ROOMS, *TWIN, "suites", "fixtures")
WANTED = 0.9
EVERYTHING = (*ROOMS, *TWIN)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--only", nargs="+", default=list(EVERYTHING), help="rooms, or patterns of modules' paths")
    parser.add_argument("--size", type=at_least_one, default=40, help="how many places are drawn; default: 40")
    parser.add_argument("--seed", type=int, default=1, help="by which they are drawn; default: 1")
    parser.add_argument("--shard", type=share, default="", help="every n-th of them: 1/4, 2/4, ...")
    parser.add_argument("--jobs", type=at_least_one, default=1, help="mutants at once; default: 1")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Try the sample out; 1 where a survivor is not listed, or fewer are killed than wanted."""
    options, console = _parse(arguments), Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    known = modules(options.only)
    if not known:
        console.print(f"ONLY={' '.join(options.only)} names no module: name a room ({', '.join(EVERYTHING)}) or a path")
        return 4
    drawn = sample([one for module in known for one in list_mutants(module)], options.size, options.seed)
    mine = set(shard([one.id for one in drawn], options.shard))
    journal = Journal(JOURNAL, digest_of(*CODE)).read()
    done = {line["id"] for line in journal.of("mutant")}
    waiting = [one for one in drawn if one.id in mine and one.id not in done]
    run_to_its_end(_try_all(waiting, options.jobs, journal, console))
    asked = {one.id for one in drawn}
    rows = {line["id"]: line for line in journal.of("mutant") if line["id"] in asked}
    only = [] if options.only == list(EVERYTHING) else options.only
    command = command_text("mutants", only, N=options.size, SEED=options.seed)
    return _report(list(rows.values()), len(drawn), command, console)


async def _try_all(mutants: list[Mutant], jobs: int, journal: Journal, console: Console) -> None:
    """Try the mutants out, `jobs` at once, each in a scratch copy of its worker."""
    waiting, total = list(mutants), len(mutants)

    async def work(sound: Path) -> None:
        with scratch_tree() as tree:
            bench = Bench(tree=tree, sound=sound)
            while waiting:
                number, mutant = total - len(waiting) + 1, waiting.pop(0)
                came_to, by = await bench.try_out(mutant)
                source = (ROOT / mutant.module).read_text(encoding="utf-8")
                before, after = mutant.told(source, mutant.applied(source) or source)
                journal.add(kind="mutant", id=mutant.id, module=mutant.module, function=mutant.function,
                            before=before, after=after, came_to=came_to, by=by)  # fmt: skip
                console.print(f"{number}/{total} {came_to:<10} {mutant.id}: {after}  {by}"[:300], markup=False)

    with scratch_tree() as sound:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, total)):
                group.create_task(work(sound))


def _report(rows: Sequence[Line], drawn: int, command: str, console: Console) -> int:
    """Say the share with its interval, and every survivor with what the table says of it."""
    listed, said, unlisted, excused = load(), list[str](), 0, 0
    for line in (line for line in rows if line["came_to"] == SURVIVED):
        one = find(listed, line["module"], line["before"], line["after"])
        unlisted += one is None
        excused += one is not None and one.kind in {EQUIVALENT, UNOBSERVABLE}
        why = f"{one.kind}: {one.why}" if one else "not in docs/survivors.toml yet"
        said.append(f"`{line['module']}` {line['function']}: `{line['before']}` → `{line['after']}`: {why}")
    counts = {kind: sum(line["came_to"] == kind for line in rows) for kind in (KILLED, SURVIVED, UNVIABLE, OVERDUE)}
    killed, observable = counts[KILLED] + counts[OVERDUE], len(rows) - counts[UNVIABLE] - excused
    interval = scipy.stats.binomtest(killed, observable).proportion_ci(method="exact") if observable else None
    share = f"{killed} of {observable}" + (f" (95 %: {interval.low:.0%} to {interval.high:.0%})" if interval else "")
    figures: Figures = {"drawn": drawn, "tried": len(rows), **counts, "killed of viable and observable": share}
    for text in said:
        console.print(text, markup=False)
    owed = sum(f"`: {OWED}: " in text for text in said)
    console.print(f"{share} killed; {unlisted} survivors unlisted, {owed} with a check owed", markup=False)
    room = "-".join(re.findall(r"[a-z_]+", command.partition("ONLY='")[2].partition("'")[0])) or "all"
    leave(
        Record(
            proof=f"mutants.{room}",
            command=command,
            short=f"{share} mutants of {room} killed",
            figures=figures,
            said=said,
        )
    )
    return 1 if unlisted or (observable and killed / observable < WANTED) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
