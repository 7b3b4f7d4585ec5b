"""How long a smoke takes from afar: by round trip, one request after another and overlapping, and where it goes."""

import asyncio
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.smokes import MEASURED, Document, from_afar, inside_a_twin, smoke, took_s
from targets.services import Pace

ROUND_TRIPS_MS = (0, 20, 80, 200)
AT_ONCE = Pace().at_once
WHOLE_MS = {0: 20.0, 80: 60.0}  # the goals of a whole smoke, in seconds
SHOWN = 5
NOISE = 1.1  # on loopback there is little to overlap


async def inside(near: Path, addresses: Mapping[str, Any], folder: Path) -> None:
    """Measure against the twin whose addresses these are: whole smokes overlapping, then quick ones in every way."""
    await smoke(folder / "warm", near, "--quick", "--check=target.reachable")
    runs = [*product(WHOLE_MS, (AT_ONCE,), (False,)), *product(ROUND_TRIPS_MS, (AT_ONCE, 1), (True,))]
    found = []
    for trip, at_once, quick in runs:
        async with from_afar(addresses, folder, trip / 1e3) if trip else nullcontext(near) as path:
            found.append(await _run(path, folder, trip, at_once, quick=quick))
    (folder / MEASURED).write_text(json.dumps(found), encoding="utf-8")


async def _run(path: Path, folder: Path, round_trip_ms: int, at_once: int, *, quick: bool) -> dict[str, Any]:
    name = f"{round_trip_ms}-{at_once}-{'quick' if quick else 'whole'}"
    variables = {"NETRA_PACE__AT_ONCE": str(at_once)}
    document = await smoke(folder / name, path, *(["--quick"] if quick else []), variables=variables)
    return {
        "round_trip_ms": round_trip_ms,
        "at_once": at_once,
        "quick": quick,
        "took_s": took_s(document),
        "verdict": document["verdict"],
        "by_check": _by_check(document),
        "longest": max((row["duration_s"], row["name"]) for row in document["checks"]),
    }


def _by_check(document: Document) -> dict[str, float]:
    """How many seconds each check took, all of its cases together."""
    seconds: dict[str, float] = defaultdict(float)
    for row in document["checks"]:
        seconds[row["id"]] += row["duration_s"]
    return seconds


async def measure() -> list[Figure]:
    """All figures of this file."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-far-") as name:
        found = await inside_a_twin("bench.far", Path(name))
    quick = {(run["round_trip_ms"], run["at_once"]): run for run in found if run["quick"]}
    whole = {run["round_trip_ms"]: run for run in found if not run["quick"]}
    return [
        *(_overlapping(quick[trip, AT_ONCE], quick[trip, 1]) for trip in ROUND_TRIPS_MS),
        *(_waited(quick[trip, AT_ONCE], quick[0, AT_ONCE], quick[trip, 1], quick[0, 1]) for trip in ROUND_TRIPS_MS[1:]),
        *(_goal(whole[trip], limit) for trip, limit in WHOLE_MS.items()),
    ]


def _overlapping(run: dict[str, Any], sequential: dict[str, Any]) -> Figure:
    """A quick smoke with requests that overlap: within the time that it takes one after another."""
    beside = f"{sequential['took_s']:.1f} s one after another ({sequential['verdict']}); {_longest(run)}"
    name = f"quick smoke at {run['round_trip_ms']} ms, {run['at_once']} at once: {run['verdict']}"
    limit = sequential["took_s"] * (1 if run["round_trip_ms"] else NOISE)
    return Figure(name=name, value=run["took_s"], limit=limit, unit="s", beside=beside)


def _waited(
    run: dict[str, Any], near: dict[str, Any], sequential: dict[str, Any], sequential_near: dict[str, Any]
) -> Figure:
    """How many round trips a smoke waits for, and where most of them are."""
    trip_s = run["round_trip_ms"] / 1e3
    added = {check: (seconds - near["by_check"].get(check, 0.0)) / trip_s for check, seconds in run["by_check"].items()}
    most = sorted(added, key=lambda check: -added[check])[:SHOWN]
    return Figure(
        name=f"round trips that a quick smoke waits for, at {run['round_trip_ms']} ms",
        value=(run["took_s"] - near["took_s"]) / trip_s,
        limit=(sequential["took_s"] - sequential_near["took_s"]) / trip_s,
        beside=", ".join(f"{check} {added[check]:.0f}" for check in most),
    )


def _goal(run: dict[str, Any], limit: float) -> Figure:
    name = f"whole smoke at {run['round_trip_ms']} ms: {run['verdict']}"
    return Figure(name=name, value=run["took_s"], limit=limit, unit="s", beside=_longest(run))


def _longest(run: dict[str, Any]) -> str:
    """The limit that no overlapping can go below."""
    seconds, name = run["longest"]
    return f"longest single observation: {name}, {seconds:.1f} s"


if __name__ == "__main__":
    given = Path(os.environ["NETRA_ADDRESSES"])
    asyncio.run(inside(given, json.loads(given.read_text(encoding="utf-8")), Path(sys.argv[1])))
