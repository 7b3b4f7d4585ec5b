"""`python -m tests.prove.compared [pattern ...]`: faults in the candidate alone, and the same ones in both revisions.

Alone, the comparison has to name a difference. In both it has to be silent, while the fault's own checks are not. What
came of each fault is kept in `compared.json`, beside this file; a fault that is shown again replaces its row.

`--equal 100` compares two revisions that are equal, as often: whatever it names is false. In every other run all
processors are kept busy. All of it is shown on one twin, whose faults are switched while it stands.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx

from tests.prove.expectations import Expectation, load, matches
from tests.prove.worker import RUN_S, SWITCH_S, run_proof
from tests.standing import ROOT, own_folder, run_to_its_end, standing_twin
from twin.switching.registry import declared

KEPT = Path(__file__).parent / "compared.json"
COMPARISON = "suites/test_release_compared.py"
COMPARED = "release.compared"
DECLARED = re.compile(r'@check\(\s*"([^"]+)"')
MOST_KEPT = 3  # differences of a fault
Row = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Show the faults, keep what came of them, and say the share that the comparison caught by itself."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove.compared", description=__doc__)
    parser.add_argument("only", nargs="*", default=["*"], help="patterns of fault ids")
    parser.add_argument("--every", type=int, default=1, help="every n-th of them")
    parser.add_argument("--new", action="store_true", help="those of them that were not shown yet")
    parser.add_argument("--equal", type=int, default=0, help="compare equal revisions so often instead")
    options = parser.parse_args(arguments)
    if options.equal:
        return run_to_its_end(_compare_equal(options.equal))
    known = {key: one for key, one in declared(["backend"]).items() if not one.dependency}
    whole = [key for key, one in known.items() if all(declared()[part].place == "backend" for part in one.brings)]
    chosen = [one for one in whole if any(fnmatchcase(one, pattern) for pattern in options.only)][:: options.every]
    kept: dict[str, Row] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    chosen = [one for one in chosen if not (options.new and one in kept)]
    run_to_its_end(_show_all(chosen, kept))
    caught, loud = (sum(bool(kept[one][key]) for one in chosen) for key in ("alone", "both"))
    say(f"{caught} of {len(chosen)} faults in the candidate alone were found by the comparison; ")
    say(f"{loud} of {len(chosen)} in both revisions were named by it, and none should be.")
    return 1 if loud else 0


async def _compare_equal(times: int) -> int:
    """Compare the healthy candidate with the healthy serving revision; 1 where a difference was named, else 0."""
    outcomes: Counter[str] = Counter()
    async with _stage() as (folder, control):
        for number in range(1, times + 1):
            await _ask(control, "DELETE", "/log")
            busy = number % 2 == 0
            async with _busy() if busy else nullcontext():
                rows = [row for row in await _judged(folder, [COMPARISON]) if row["id"] == COMPARED]
            came = {row["case"]: row["outcome"] for row in rows}
            outcomes.update(came.values())
            left = [row for row in rows if row["outcome"] != "PASSED"]
            said = "; ".join(f"{row['case']} {row['outcome']}: {row['actual'] or row['reason']}" for row in left)
            say(f"{number}/{times} {'busy ' if busy else ''}{said[:300] or 'alike'}")
    say(f"{times} comparisons of equal revisions, {times // 2} on a busy machine: {dict(outcomes)}")
    return 1 if outcomes["FAILED"] else 0


@asynccontextmanager
async def _busy() -> AsyncIterator[None]:
    """Something else that takes all of every processor."""
    count = os.cpu_count() or 1
    others = [await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass") for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            await other.wait()


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
            kept[fault] = await _show(control, folder, fault, expectations.get(fault), files)
            KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
            row = kept[fault]
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
        both = await _judged(folder, sorted({COMPARISON, *(files[one] for one in own)}), *own)
    finally:
        await _ask(control, "DELETE", "/faults")
    failed = [row["name"] for row in both if row["outcome"] == "FAILED" and row["id"] != COMPARED]
    return {
        "alone": _differences(alone),
        "both": _differences(both),
        "checks": sum(any(matches(turn, name) for turn in turns) for name in failed),
    }


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
    """The rows of the comparison, and of these checks; the files are those that declare them."""
    selected = [f"--check={one}" for one in (COMPARED, *checks)]
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
