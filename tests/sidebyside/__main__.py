"""`make sidebyside`: a seeded sample of the faults, each shown to the suite and to the others on one standing twin.

The judge of candidates has its own part: faults of the comparison, in the candidate alone, beside what the comparison
said of them (tests/prove/compared.json).
"""

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Awaitable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from tests.proof.arguments import USAGE, at_least_one, nothing_of, share
from tests.proof.journal import Journal, Line, digest_of, shard
from tests.proof.record import Figures, Record, command_text, leave
from tests.prove.compared import KEPT as COMPARED
from tests.prove.expectations import load
from tests.prove.worker import RUN_S, SWITCH_S, run_proof
from tests.sidebyside.canary import find_candidate, judge_canary
from tests.sidebyside.contenders import (
    Contender,
    learn_baseline,
    report_commands,
    schemathesis,
    status_smoke,
    thresholds,
)
from tests.sidebyside.place import read_place
from tests.standing import own_folder, run_to_its_end, standing_twin

JOURNAL = Path("reports/sidebyside/journal.jsonl")
CODE = ("suites", "fixtures", "probes", "targets", "twin", "tests/sidebyside")
OURS, JUDGE = "netra-verify, quick smoke", "judge like Kayenta's"
HEALTHY = ""
CAUGHT = "A fault is caught if something is said about it that is not said about the sound twin; numbers do not count."
_NUMBERS = re.compile(r"\d+")
NO_GO = 1


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make sidebyside", description=__doc__)
    parser.add_argument("--only", nargs="+", default=["*"], help="patterns of fault ids")
    parser.add_argument("--size", type=at_least_one, default=12, help="how many are drawn; default: 12")
    parser.add_argument("--seed", type=int, default=1, help="by which they are drawn; default: 1")
    parser.add_argument("--rounds", type=at_least_one, default=3, help="how often the sound twin is shown; default: 3")
    parser.add_argument("--shard", type=share, default="", help="every n-th of them: 1/4, 2/4, ...")
    return parser.parse_args(arguments)


def _drawn(faults: Iterable[str], options: argparse.Namespace) -> list[str]:
    known = sorted(one for one in faults if any(fnmatchcase(one, pattern) for pattern in options.only))
    draw = random.Random(options.seed)  # noqa: S311 - a sample, no secret
    return shard(draw.sample(known, min(options.size, len(known))), options.shard)


async def _main(options: argparse.Namespace) -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    smoke = _drawn((fault for fault, one in load().items() if one.phase == "smoke" and one.turns), options)
    compared: dict[str, Any] = json.loads(COMPARED.read_text(encoding="utf-8"))
    journal = Journal(JOURNAL, digest_of(*CODE)).read()
    await _beside_the_suite([*[HEALTHY] * options.rounds, *smoke], journal, console)
    candidates = _drawn(compared, options)
    await _beside_the_comparison([*[HEALTHY] * options.rounds, *candidates], compared, journal, console)
    only = [] if options.only == ["*"] else options.only
    command = command_text("sidebyside", only, N=options.size, SEED=options.seed)
    _report(journal, {*smoke, HEALTHY}, "smoke", f"beside.{'some' if only else 'sample'}", command, console)
    _report(journal, {*candidates, HEALTHY}, "candidate", "beside.candidates", command, console)
    return 0


async def _beside_the_suite(faults: Sequence[str], journal: Journal, console: Console) -> None:
    waiting = _left(faults, journal, "smoke")
    if not waiting:
        return
    folder = own_folder("netra-beside-")
    async with standing_twin(folder / "addresses.json") as addresses, _control(addresses) as control:
        project = addresses["platform"]["project"]
        baseline = folder / "baseline.json"
        noise = await learn_baseline(await read_place(addresses, project), baseline)
        console.print(f"Schemathesis on the sound service, accepted from here on: {noise}", markup=False)
        journal.add(kind="baseline", said=noise)
        contenders: dict[str, Contender] = {
            "the report's commands": report_commands, "status-code smoke": status_smoke,
            "thresholds as in k6": thresholds, "Schemathesis": schemathesis(baseline),
        }  # fmt: skip
        for fault in waiting:
            await _ask(control, "DELETE", "/log")
            place = await read_place(addresses, project)  # before the fault: a tester has a token
            await _put(control, f"/faults/{fault}" if fault else "", None)
            row = {}
            for name, contender in contenders.items():
                row[name] = await _timed(contender(place))
            row[OURS] = await _timed(_ours(folder))
            await _ask(control, "DELETE", "/faults")
            journal.add(kind="smoke", fault=fault, row=row)
            _print(fault, row, console)


async def _beside_the_comparison(
    faults: Sequence[str], compared: dict[str, Any], journal: Journal, console: Console
) -> None:
    waiting = _left(faults, journal, "candidate")
    if not waiting:
        return
    folder = own_folder("netra-beside-")
    async with standing_twin(folder / "addresses.json", "--candidate") as addresses, _control(addresses) as control:
        candidate = await find_candidate(addresses)
        for fault in waiting:
            place = await read_place(addresses, addresses["platform"]["project"])
            await _put(control, "/candidate/faults", [fault] if fault else [])
            row = {JUDGE: await _timed(judge_canary(place, candidate))}
            await _ask(control, "DELETE", "/faults")
            row["release.compared"] = {"said": compared[fault]["alone"] if fault else [], "seconds": None}
            journal.add(kind="candidate", fault=fault, row=row)
            _print(fault, row, console)


def _left(faults: Sequence[str], journal: Journal, kind: str) -> list[str]:
    """What is still to be shown; the sound twin as often as it is named."""
    done = [str(line["fault"]) for line in journal.of(kind)]
    left = [fault for fault in faults if fault != HEALTHY and fault not in done]
    return [*[HEALTHY] * (faults.count(HEALTHY) - done.count(HEALTHY)), *left]


def _control(addresses: dict[str, Any]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=addresses["twin"]["control_url"], timeout=SWITCH_S, trust_env=False)


async def _ask(control: httpx.AsyncClient, method: str, path: str, body: object = None) -> None:
    (await control.request(method, path, json=body)).raise_for_status()


async def _put(control: httpx.AsyncClient, path: str, body: object) -> None:
    if path:
        await _ask(control, "PUT", path, body)


async def _timed(asked: Awaitable[list[str]]) -> dict[str, Any]:
    begun = time.monotonic()
    said = await asked
    return {"said": said, "seconds": round(time.monotonic() - begun, 1)}


async def _ours(folder: Path) -> list[str]:
    """What the suite says: what failed, or why it is not GO."""
    code, _ = await run_proof(folder, 2 * RUN_S)
    document = json.loads(await asyncio.to_thread((folder / "reports/latest/verdict.json").read_text, "utf-8"))
    failed = [row["name"] for row in document["checks"] if row["outcome"] == "FAILED"]
    return failed if code == NO_GO else [] if code == 0 else [f"INCONCLUSIVE: {document['reason']}"]


def _print(fault: str, row: dict[str, Any], console: Console) -> None:
    console.print(fault or "the sound twin", style="bold", markup=False)
    for name, told in row.items():
        seconds = "" if told["seconds"] is None else f"{told['seconds']:.0f} s"
        console.print(f"   {name:<26} {seconds:>6}  {'; '.join(told['said'])[:160] or 'silent'}", markup=False)


def _report(journal: Journal, asked: set[str], kind: str, proof: str, command: str, console: Console) -> None:
    """The table of a part: caught, missed, false alarms, seconds; and who caught what we did not."""
    lines = [line for line in journal.of(kind) if line["fault"] in asked]
    faults = {line["fault"]: line["row"] for line in lines if line["fault"] != HEALTHY}
    sound = [line["row"] for line in lines if line["fault"] == HEALTHY]
    if not faults:
        return
    names = list(next(iter(faults.values())))
    ours = names[-1]
    rows = [
        ["who", "caught", "missed", f"false alarms of {len(sound)}", "seconds each"],
        *(_row(name, list(faults.values()), sound) for name in names),
    ]
    alone = [_only_theirs(fault, row, sound) for fault, row in faults.items() if not _caught(row, ours, sound)]
    baseline = [one for line in journal.of("baseline")[-1:] for one in line["said"]] if kind == "smoke" else []
    said = [one for one in alone if one]
    said += [f"Schemathesis on the sound service, accepted as its baseline: {'; '.join(baseline)}"] if baseline else []
    for one in (*rows, said):
        console.print(" | ".join(one), markup=False)
    caught_by_us = sum(_caught(row, ours, sound) for row in faults.values())
    said.append(CAUGHT)
    ours_caught = f"{ours}: {caught_by_us} of {len(faults)} faults of our own matrix"
    short = f"{ours_caught}; the best of the others: {_best(rows[1:-1])}"
    figures: Figures = {"faults": len(faults), "rounds of the sound twin": len(sound)}
    leave(Record(proof=proof, command=command, short=short, figures=figures, said=said, rows=rows))


def _row(name: str, of_faults: Sequence[Line], sound: Sequence[Line]) -> list[str]:
    """A contender's row of the table."""
    caught = sum(_caught(row, name, sound) for row in of_faults)
    false = sum(bool(row[name]["said"]) for row in sound)
    took = sorted(row[name]["seconds"] for row in of_faults if row[name]["seconds"] is not None)
    return [name, f"{caught} of {len(of_faults)}", str(len(of_faults) - caught), str(false), _middle(took)]


def _middle(seconds: Sequence[float]) -> str:
    return f"{seconds[len(seconds) // 2]:.0f}" if seconds else "see docs/candidate.md"


def _best(rows: Sequence[Sequence[str]]) -> str:
    """The other one that caught most."""
    best = max(rows, key=lambda row: int(row[1].partition(" ")[0]))
    return f"{best[0]}, {best[1]}"


def _caught(row: Line, name: str, sound: Sequence[Line]) -> bool:
    """Whether somebody said something of a fault that they do not say of the sound twin too, numbers aside."""
    known = {_NUMBERS.sub("#", text) for one in sound for text in one[name]["said"]}
    return any(_NUMBERS.sub("#", text) not in known for text in row[name]["said"])


def _only_theirs(fault: str, row: Line, sound: Sequence[Line]) -> str:
    *others, ours = row
    theirs = [f"{name} said {'; '.join(row[name]['said'])[:100]}" for name in others if _caught(row, name, sound)]
    return f"`{fault}` was not caught by {ours}; {'; '.join(theirs) or 'no one caught it'}"


def main(arguments: Sequence[str]) -> int:
    """Show, print the tables, and leave the records."""
    options = _parse(arguments)
    if unknown := nothing_of(options.only, load(), "fault; `make faults` lists all"):
        sys.stderr.write(f"{unknown}\n")
        return USAGE
    return run_to_its_end(_main(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
