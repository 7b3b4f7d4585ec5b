"""What the checks of user journeys add to the smoke phase, near and far, and what a run leaves in the tables."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import asyncpg

from bench.delayed import delayed
from bench.figures import Figure
from targets.profiles import load_required
from tests.standing import run_within

ROUND_TRIP_S = 0.08
SMOKE_S, ALL_S = 300.0, 1500.0
TABLES = ("threads", "messages")
# The second build's; all of auth.refuses is among them, for its near misses are, which were not there before.
ADDED = (
    "threads.create*", "threads.read", "threads.rename", "threads.archive", "threads.messages", "threads.by-id",
    "threads.values", "threads.far", "threads.together", "threads.steady-cost", "identity.*", "auth.refuses",
    "auth.ends", "auth.session-ends", "auth.clocks-agree", "auth.trend", "websocket.tabs", "websocket.churn",
    "websocket.together", "websocket.agent", "websocket.long-talk", "browser.*", "api.*", "logs.own-errors",
    "logs.tracebacks", "data.poison", "health.probes", "health.together",
)  # fmt: skip


async def _smoke(folder: Path, addresses: Path, checks: Iterable[str]) -> dict[str, Any]:
    """One quick smoke of these checks. Raises RuntimeError where it leaves no verdict, or something failed in it."""
    words = ["-m", "pytest", "-c", "pytest.ini", "--target=local", "--quick", f"--report-dir={folder}"]
    words += [f"--check={check}" for check in checks]
    environment = os.environ | {"NETRA_ADDRESSES": str(addresses)}
    _, output = await run_within(SMOKE_S, sys.executable, *words, environment=environment)
    verdict = folder / "latest/verdict.json"
    if not verdict.exists():
        raise RuntimeError(f"a smoke left no verdict: {output.decode()[-2000:]}")
    document: dict[str, Any] = json.loads(verdict.read_text(encoding="utf-8"))
    failed = [row["name"] for row in document["checks"] if row["outcome"] == "FAILED"]
    if failed:
        raise RuntimeError(f"on the sound twin these failed: {', '.join(failed)}")
    return document


def _took(document: dict[str, Any]) -> float:
    started, ended = (datetime.fromisoformat(document[key]) for key in ("started", "ended"))
    return (ended - started).total_seconds()


@asynccontextmanager
async def _from_afar(addresses: dict[str, Any], folder: Path) -> AsyncIterator[Path]:
    """The addresses with both services a round trip away."""
    async with (
        delayed(addresses["backend"]["url"], ROUND_TRIP_S) as backend,
        delayed(addresses["auth"]["url"], ROUND_TRIP_S) as auth,
    ):
        path = folder / "afar.json"
        path.write_text(json.dumps(addresses | {"backend": {"url": backend}, "auth": {"url": auth}}), encoding="utf-8")
        yield path


async def _rows(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    try:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608 - constants
    finally:
        await connection.close()


async def inside(near: Path, addresses: dict[str, Any], folder: Path) -> None:
    """Measure against the twin whose addresses these are; the figures go to a file of the folder."""
    known = load_required("full", "smoke", offers=("browser", "document", "readiness"))
    before = [check for check in known if not any(fnmatchcase(check, pattern) for pattern in ADDED)]
    rows = await _rows(addresses["database"]["url"])
    await _smoke(folder / "warm", near, ["target.reachable"])
    measured: dict[str, Any] = {}
    async with _from_afar(addresses, folder) as afar:
        for name, path in (("near", near), ("afar", afar)):
            whole = await _smoke(folder / f"{name}-whole", path, known)
            less = await _smoke(folder / f"{name}-less", path, before)
            measured[name] = {"whole": _took(whole), "less": _took(less), "left": whole["left"]}
    after = await _rows(addresses["database"]["url"])
    measured["rows"] = {table: after[table] - rows[table] for table in TABLES}
    (folder / "measured.json").write_text(json.dumps(measured), encoding="utf-8")


async def measure() -> list[Figure]:
    """All figures of this file."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-users-") as name:
        folder = Path(name)
        words = ("-m", "twin", "exec", "--", sys.executable, "-m", "bench.users", name)
        code, output = await run_within(ALL_S, sys.executable, *words)
        if code:
            raise RuntimeError(f"the measurement inside the twin ended with {code}: {output.decode()[-2000:]}")
        measured = json.loads((folder / "measured.json").read_text(encoding="utf-8"))
    near, afar, rows = measured["near"], measured["afar"], measured["rows"]
    named = sum(one["after"] or 0 for one in [*near["left"], *afar["left"]])
    added, distant = near["whole"] - near["less"], afar["whole"] - afar["less"]
    return [
        Figure(name="what users do, added to a smoke", value=added, limit=25.0, unit="s", beside=_beside(near)),
        Figure(name="the same at a round trip of 80 ms", value=distant, limit=30.0, unit="s", beside=_beside(afar)),
        *(Figure(name=f"rows left in {table} by all four runs", value=rows[table], limit=0.0) for table in TABLES),
        Figure(
            name="rows that the reports name as left", value=named, limit=0.0, beside="the twin makes none by itself"
        ),
    ]


def _beside(one: dict[str, float]) -> str:
    return f"{one['whole']:.1f} s with, {one['less']:.1f} s without"


if __name__ == "__main__":
    given = Path(os.environ["NETRA_ADDRESSES"])
    asyncio.run(inside(given, json.loads(given.read_text(encoding="utf-8")), Path(sys.argv[1])))
