"""`python -m tests.prove.compared [pattern ...]`: faults in the candidate alone, and the same ones in both revisions.

Alone, the comparison has to name a difference. In both it has to be silent, while the fault's own checks are not. What
came of each fault is kept in `compared.json`, beside this file; a fault that is shown again replaces its row. Faults
that only an hour or a day shows are left out, and those of the revision that serves.

`--equal 100` compares two revisions that are equal until that has been done several times: whatever it names is false.
In every other run all processors are kept busy. What came of it is kept in `equal.json`, so the same command goes on
where it was stopped; remove the file to start over, as after a change of the comparison.

All of it is shown on one twin, whose faults are switched while it stands.
"""

import argparse
import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx

from targets.profiles import load_required
from tests.prove.cli import CHOSEN_AMONG, CONDITIONAL
from tests.prove.expectations import Expectation, load, matches
from tests.prove.worker import RUN_S, SWITCH_S, run_proof
from tests.standing import ROOT, busy_processors, own_folder, run_to_its_end, standing_twin
from twin.switching.registry import declared

KEPT, EQUAL = (Path(__file__).parent / name for name in ("compared.json", "equal.json"))
COMPARISON = "suites/test_release_compared.py"
COMPARED = "release.compared"
DECLARED = re.compile(r'@check\(\s*"([^"]+)"')
MOST_KEPT = 3  # differences of a fault
Row = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Show the faults, keep what came of them, and print the share that the comparison found by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.prove.compared", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("only", nargs="*", default=["*"], help="patterns of fault ids")
    parser.add_argument("--every", type=int, default=1, help="every n-th of them")
    parser.add_argument("--new", action="store_true", help="those of them that were not shown yet")
    parser.add_argument(
        "--equal", type=int, default=0, metavar="N", help="compare equal revisions instead, up to N runs"
    )
    options = parser.parse_args(arguments)
    if options.equal:
        return run_to_its_end(_compare_equal(options.equal))
    chosen = [one for one in comparable() if any(fnmatchcase(one, pattern) for pattern in options.only)]
    kept: dict[str, Row] = read(KEPT)
    chosen = [one for one in chosen[:: options.every] if not (options.new and one in kept)]
    run_to_its_end(_show_all(chosen, kept))
    loud = [one for one in chosen if kept[one]["both"]]
    say(f"Of these {len(chosen)} faults, the comparison found {sum(bool(kept[one]['alone']) for one in chosen)} in the")
    say(f"candidate alone, and {len(loud)} in both revisions, where it should find none. {share(kept)}")
    return 1 if loud else 0


def comparable() -> list[str]:
    """The faults of the service's code that a candidate's run can meet."""
    known = {key: one for key, one in declared(["backend"]).items() if not one.dependency}
    whole = [key for key, one in known.items() if all(declared()[part].place == "backend" for part in one.brings)]
    rows = load()
    return [one for one in whole if one not in rows or _meets(rows[one])]


def _meets(expected: Expectation) -> bool:
    return expected.phase in {"smoke", "candidate"} and not expected.serving


def share(kept: dict[str, Row]) -> str:
    """What is known of all faults that were shown, in one sentence."""
    found = sum(bool(row["alone"]) for row in kept.values())
    return f"Of {len(kept)} faults in the candidate alone, {found} were found by the comparison."


def read(path: Path) -> Row:
    """What is kept in one of our files; nothing where there is none."""
    kept: Row = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return kept


def _write(path: Path, kept: Row) -> None:
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


async def _compare_equal(times: int) -> int:
    """Compare the healthy candidate with the healthy serving revision; 1 where a difference was named, else 0."""
    kept: Row = {"began": _now(), "runs": 0, "busy": 0, "outcomes": {}, "not passed": []} | read(EQUAL)
    async with _stage() as (folder, control):
        while kept["runs"] < times:
            number = kept["runs"] + 1
            await _ask(control, "DELETE", "/log")
            busy = number % 2 == 0
            async with busy_processors() if busy else nullcontext():
                rows = [row for row in await _judged(folder, [COMPARISON]) if row["id"] == COMPARED]
            left = [row for row in rows if row["outcome"] != "PASSED"]
            said = [f"{row['case']} {row['outcome']}: {row['actual'] or row['reason']}"[:300] for row in left]
            outcomes = Counter(kept["outcomes"]) + Counter(row["outcome"] for row in rows)
            kept |= {"runs": number, "busy": kept["busy"] + busy, "outcomes": dict(outcomes), "ended": _now()}
            kept["not passed"] += [f"run {number}{', busy' if busy else ''}: {one}" for one in said]
            _write(EQUAL, kept)
            say(f"{number}/{times} {'busy ' if busy else ''}{'; '.join(said) or 'alike'}")
    say(f"{kept['runs']} comparisons of equal revisions, {kept['busy']} on a busy machine: {kept['outcomes']}")
    return 1 if kept["outcomes"].get("FAILED") else 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@asynccontextmanager
async def _stage() -> AsyncIterator[tuple[Path, httpx.AsyncClient]]:
    """A twin with a candidate: the folder for its runs, and its control port."""
    folder = own_folder("netra-compared-")
    try:
        async with standing_twin(folder / "addresses.json", "--candidate") as addresses:
            url = addresses["twin"]["control_url"]
            async with httpx.AsyncClient(base_url=url, timeout=SWITCH_S, trust_env=False) as control:
                yield folder, control
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _show_all(faults: Sequence[str], kept: dict[str, Row]) -> int:
    expectations, files = load(), suites_by_check()
    async with _stage() as (folder, control):
        for number, fault in enumerate(faults, 1):
            kept[fault] = row = await _show(control, folder, fault, expectations.get(fault), files)
            _write(KEPT, dict(sorted(kept.items())))
            found = "; ".join(row["alone"])[:200] or "nothing"
            say(f"{number}/{len(faults)} {fault}: {found} | in both {len(row['both'])}, checks {row['checks']}")
    return 0


async def _show(
    control: httpx.AsyncClient, folder: Path, fault: str, expected: Expectation | None, files: dict[str, str]
) -> Row:
    turns = expected.turns if expected else ()
    own = sorted({one for turn in turns if (one := turn.partition("[")[0]) in files} - {COMPARED})
    await _ask(control, "DELETE", "/log")
    await _ask(control, "PUT", "/candidate/faults", [fault])
    alone = await _judged(folder, [COMPARISON])
    await _ask(control, "PUT", f"/faults/{fault}")
    try:
        both = await _judged(folder, sorted({COMPARISON, *(files[one] for one in own)}), COMPARED, *own)
        checks = _count(turns, both)
        if own and expected and not checks:  # other cases of its family may have to ask first, as in `make prove`
            offers = (*CONDITIONAL, *CHOSEN_AMONG["candidate"])
            wider = expected.selection(load_required("full", "candidate", offers=offers))
            checks = _count(turns, await _judged(folder, ["suites"], *wider))
    finally:
        await _ask(control, "DELETE", "/faults")
    return {"alone": _differences(alone), "both": _differences(both), "checks": checks}


def _count(turns: Sequence[str], rows: Sequence[Row]) -> int:
    """How many cases of the fault's own failed."""
    failed = [row["name"] for row in rows if row["outcome"] == "FAILED" and row["id"] != COMPARED]
    return sum(any(matches(turn, name) for turn in turns) for name in failed)


async def _ask(control: httpx.AsyncClient, method: str, path: str, body: object = None) -> None:
    answer = await control.request(method, path, json=body)
    if answer.is_error:
        raise RuntimeError(f"{method} {path} on the twin's control port: {answer.status_code} {answer.text}")


def _differences(rows: Sequence[Row]) -> list[str]:
    return [
        said
        for row in rows
        if row["id"] == COMPARED and row["outcome"] == "FAILED"
        for said in [f"{row['case']}: {one}" for one in row["actual"].split("; ")][:MOST_KEPT]
    ]


async def _judged(folder: Path, files: Sequence[str], *checks: str) -> list[Row]:
    """The rows of these checks, or of the comparison; the files are those that declare them."""
    selected = [f"--check={one}" for one in checks or (COMPARED,)]
    _, output = await run_proof(folder, 2 * RUN_S, "--phase=candidate", "--tag=verify", *selected, *files)
    verdict = folder / "reports/latest/verdict.json"
    if not verdict.exists():
        raise RuntimeError(f"the run left no verdict: {output.decode(errors='replace')}")
    rows: list[Row] = json.loads(verdict.read_text(encoding="utf-8"))["checks"]
    return rows


def suites_by_check() -> dict[str, str]:
    """The file of the suites that declares each check."""
    files = sorted((ROOT / "suites").glob("test_*.py"))
    return {check: str(path.relative_to(ROOT)) for path in files for check in DECLARED.findall(path.read_text("utf-8"))}


def say(text: str) -> None:
    """The command's own output."""
    print(text, flush=True)  # noqa: T201 - as it says


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
