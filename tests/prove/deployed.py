"""`python -m tests.prove.deployed`: the service as deployed, judged state by state by `as_deployed.toml`."""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from gate.failures import WAITS
from tests.prove.expectations import matches
from tests.standing import ROOT

TABLE = Path(__file__).parent / "as_deployed.toml"
AS_DEPLOYED = "as-deployed"  # the target of every state of the table
NO_GO = 1
RUN_S = 600.0
AT_ONCE = 2  # such a run mostly waits, for routes that hang and for tokens that end


@dataclass(frozen=True, slots=True)
class Row:
    """Some cases, their outcome (`A or B` where a minute of the clock decides), and why it is that one."""

    names: tuple[str, ...]
    outcome: str
    why: str

    def names_it(self, case: str) -> bool:
        """Whether the row speaks of a case."""
        return any(matches(one, case) for one in self.names)


def read_table() -> dict[str, list[Row]]:
    """The rows of every state."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {state: [*_rows(own), *_rows(table["every"])] for state, own in table["state"].items()}


def _rows(told: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [Row(tuple(one["names"]), one["outcome"], one["why"]) for one in told]


def compare(rows: Iterable[Row], outcomes: Mapping[str, str]) -> list[str]:
    """Where a run and the table part: `outcomes` maps each case to what came of it."""
    rows, said = list(rows), list[str]()
    for case, outcome in outcomes.items():
        row = next((one for one in rows if one.names_it(case)), None)
        wanted, why = (row.outcome, row.why) if row else ("PASSED", "no row names it")
        if outcome not in wanted.split(" or "):
            said.append(f"{case} is {outcome} and not {wanted} ({why})")
    unused = [name for row in rows for name in row.names if not any(matches(name, case) for case in outcomes)]
    return said + [f"no case is named {name}" for name in unused]


def problems(rows: Iterable[Row], exit_code: int, cases: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where a run is not as a state's rows say; `cases` are those of its verdict."""
    differences = compare(rows, {case["name"]: came_to(case) for case in cases})
    return differences if exit_code == NO_GO else [*differences, f"exit code {exit_code} instead of {NO_GO}"]


def run_state(state: str, folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """One smoke run on the twin in a state: its exit code, and its verdict's cases."""
    command = [
        sys.executable,
        "-m",
        "twin",
        "exec",
        "--state",
        state,
        "--",
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "pytest.ini",
        f"--target={AS_DEPLOYED}",
        "--quick",
        "--verdict-only",
        f"--report-dir={folder}",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S, check=False)
    verdict = folder / "latest/verdict.json"
    if not verdict.exists():
        raise RuntimeError(f"the run in state {state} left no verdict (exit code {done.returncode}): {done.stdout}")
    cases: list[dict[str, Any]] = json.loads(verdict.read_text(encoding="utf-8"))["checks"]
    return done.returncode, cases


def came_to(row: Mapping[str, Any]) -> str:
    """A case's outcome; WAITS where it is BROKEN by nothing but what another case has found."""
    waits = row["outcome"] == "BROKEN" and str(row["actual"] or row["reason"]).startswith(WAITS)
    return "WAITS" if waits else str(row["outcome"])


def hold(console: Console, *states: str) -> int:
    """Judge these states of the table, or every one; return how many are not as it says. Raises KeyError."""
    wrong, table = 0, read_table()
    chosen = {state: table[state] for state in states or table}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        judged = pool.map(_settled, chosen, chosen.values())
        for (state, rows), found in zip(chosen.items(), judged, strict=True):
            wrong += bool(found)
            console.print(f"\n{state}: {'NOT AS IN THE TABLE' if found else 'as in the table'}", style="bold")
            for line in found or [f"{row.outcome:<14} {', '.join(row.names)}: {row.why}" for row in rows]:
                console.print(f"   {line}", markup=False)
    return wrong


def _settled(state: str, rows: list[Row]) -> list[str]:
    """Where a state is not as its rows say: a busy machine can blur one run, and a second run is the answer then."""
    return _problems_of_a_run(state, rows) and _problems_of_a_run(state, rows)


def _problems_of_a_run(state: str, rows: Iterable[Row]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="netra-deployed-") as name:
        exit_code, cases = run_state(state, Path(name))
    return problems(rows, exit_code, cases)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m tests.prove.deployed", description=__doc__)
    asked.add_argument("states", nargs="*", metavar="STATE", help="states of the twin; default: all of the table's")
    states = asked.parse_args().states
    if unknown := [one for one in states if one not in read_table()]:
        asked.error(f"the table has no state {', '.join(unknown)}: it has {', '.join(read_table())}")
    sys.exit(1 if hold(Console(highlight=False, width=None if sys.stdout.isatty() else 120), *states) else 0)
