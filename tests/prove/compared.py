"""`python -m tests.prove.compared [pattern ...]`: faults in the candidate alone, and the same ones in both revisions.

Alone, the comparison has to name a difference. In both it has to be silent, while the fault's own checks are not. What
came of each fault is kept in `compared.json`, beside this file; a fault that is shown again replaces its row.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx

from tests.prove.expectations import Expectation, load, matches
from tests.prove.worker import RUN_S, SWITCH_S, run_proof
from tests.standing import ROOT, own_folder, standing_twin
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
    options = parser.parse_args(arguments)
    known = {key: one for key, one in declared(["backend"]).items() if not one.dependency}
    whole = [key for key, one in known.items() if all(declared()[part].place == "backend" for part in one.brings)]
    chosen = [one for one in whole if any(fnmatchcase(one, pattern) for pattern in options.only)][:: options.every]
    kept: dict[str, Row] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    asyncio.run(_show_all(chosen, kept))
    caught, loud = (sum(bool(kept[one][key]) for one in chosen) for key in ("alone", "both"))
    say(f"{caught} of {len(chosen)} faults in the candidate alone were found by the comparison; ")
    say(f"{loud} of {len(chosen)} in both revisions were named by it, and none should be.")
    return 1 if loud else 0


async def _show_all(faults: Sequence[str], kept: dict[str, Row]) -> None:
    folder, expectations, files = own_folder("netra-compared-"), load(), suites_by_check()
    async with standing_twin(folder / "addresses.json", "--candidate") as addresses:
        url = addresses["twin"]["control_url"]
        async with httpx.AsyncClient(base_url=url, timeout=SWITCH_S, trust_env=False) as control:
            for number, fault in enumerate(faults, 1):
                kept[fault] = await _show(control, folder, fault, expectations.get(fault), files)
                KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
                row = kept[fault]
                found = "; ".join(row["alone"])[:200] or "nothing"
                say(f"{number}/{len(faults)} {fault}: {found} | in both {len(row['both'])}, checks {row['checks']}")


async def _show(
    control: httpx.AsyncClient, folder: Path, fault: str, expected: Expectation | None, files: dict[str, str]
) -> Row:
    turns = expected.turns if expected else ()
    own = sorted({files[turn.partition("[")[0]] for turn in turns if turn.partition("[")[0] in files} - {COMPARISON})
    await _ask(control, "PUT", "/candidate/faults", [fault])
    alone = await _judged(folder, [COMPARISON])
    await _ask(control, "PUT", f"/faults/{fault}")
    try:
        both = await _judged(folder, [COMPARISON, *own])
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


async def _judged(folder: Path, files: Sequence[str]) -> list[Row]:
    _, output = await run_proof(folder, 2 * RUN_S, "--phase=candidate", "--tag=verify", *files)
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
