"""What the checks of user journeys add to the smoke phase, near and far, and what a run leaves in the tables.

The added time is the difference between two quick smokes, with and without what `ADDED` lists. Both select by case: of
`auth.refuses` and `auth.accepts`, which were there before, only the later cases count as added.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg

from bench.figures import Figure
from bench.smokes import MEASURED, Document, from_afar, inside_a_twin, smoke, took_s
from gate.session.selecting import fits
from gate.verdict import name as name_of
from probes.auth.near_claims import NEAR_CLAIMS
from targets.profiles import Required, load_required

ROUND_TRIP_S = 0.08
REPEATS = 2  # of each pair of runs; the better of each kind counts, as other work on the machine only adds time
TABLES = ("threads", "messages")
FORGERIES = (*NEAR_CLAIMS, "kid path", "kid statement", "jku", "crit")  # the other twenty were there before
# The second build's checks, and its cases of older ones, in the words of `--check`.
ADDED = (
    "threads.create*", "threads.read", "threads.rename", "threads.archive", "threads.messages", "threads.by-id",
    "threads.values", "threads.far", "threads.together", "threads.steady-cost", "identity.*",
    "auth.accepts[issued ahead, within the skew]", "auth.accepts[audience in a list]",
    *(f"auth.refuses[{kind}]" for kind in FORGERIES),
    "auth.ends", "auth.session-ends", "auth.clocks-agree", "auth.trend", "websocket.tabs", "websocket.churn",
    "websocket.together", "websocket.agent", "websocket.long-talk", "browser.*", "api.*", "logs.own-errors",
    "logs.tracebacks", "data.poison", "health.probes", "health.together",
)  # fmt: skip
COLD = ("target.reachable", "browser.page", "api.no-5xx")  # Chromium's and Hypothesis' first runs build caches


def split(required: Required) -> tuple[list[str], list[str]]:
    """The names of all required cases, and of those that were there before what `ADDED` lists."""
    cases = [(check, name_of((check, case))) for check, several in required.items() for case in several or ("",)]
    before = [name for check, name in cases if not any(fits(pattern, check, name) for pattern in ADDED)]
    return [name for _, name in cases], before


async def _rows(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    try:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608 - constants
    finally:
        await connection.close()


async def _quick(folder: Path, addresses: Path, checks: Iterable[str]) -> Document:
    return await smoke(folder, addresses, "--quick", *(f"--check={check}" for check in checks))


async def inside(near: Path, addresses: dict[str, Any], folder: Path) -> None:
    """Measure against the twin whose addresses these are; the figures go to a file of the folder."""
    known, before = split(load_required("full", "smoke", offers=("browser", "document", "readiness")))
    selections, database = {"whole": known, "less": before}, addresses["database"]["url"]
    rows = await _rows(database)
    await _quick(folder / "warm", near, COLD)
    measured: dict[str, Any] = {}
    async with from_afar(addresses, folder, ROUND_TRIP_S) as afar:
        for name, path in (("near", near), ("afar", afar)):
            pairs = [
                [await _quick(folder / f"{name}-{kind}-{number}", path, checks) for kind, checks in selections.items()]
                for number in range(REPEATS)
            ]
            whole, less = zip(*pairs, strict=True)
            measured[name] = {
                "whole": min(map(took_s, whole)),
                "less": min(map(took_s, less)),
                "left": [entry for run in whole for entry in run["left"]],
            }
    after = await _rows(database)
    measured["rows"] = {table: after[table] - rows[table] for table in TABLES}
    (folder / MEASURED).write_text(json.dumps(measured), encoding="utf-8")


async def measure() -> list[Figure]:
    """All figures of this file."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-users-") as name:
        measured = await inside_a_twin("bench.users", Path(name))
    near, afar, rows = measured["near"], measured["afar"], measured["rows"]
    named = sum(one["after"] or 0 for one in [*near["left"], *afar["left"]])
    added, distant = near["whole"] - near["less"], afar["whole"] - afar["less"]
    return [
        Figure(name="what users do, added to a smoke", value=added, limit=25.0, unit="s", beside=_beside(near)),
        Figure(name="the same at a round trip of 80 ms", value=distant, limit=30.0, unit="s", beside=_beside(afar)),
        *(Figure(name=f"rows left in {table} by all runs", value=rows[table], limit=0.0) for table in TABLES),
        Figure(
            name="rows that the reports name as left", value=named, limit=0.0, beside="the twin makes none by itself"
        ),
    ]


def _beside(one: dict[str, float]) -> str:
    return f"{one['whole']:.1f} s with, {one['less']:.1f} s without"


if __name__ == "__main__":
    given = Path(os.environ["NETRA_ADDRESSES"])
    asyncio.run(inside(given, json.loads(given.read_text(encoding="utf-8")), Path(sys.argv[1])))
