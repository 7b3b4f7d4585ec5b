"""Whole runs as a user starts them: how long the twin takes to boot, and the smoke phase on it."""

import json
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure
from tests.standing import run_within

PYTEST = ("-m", "pytest", "-c", "pytest.ini", "--target=local")
ENOUGH_S = 600.0
TWIN = ("-m", "twin", "exec", "--", sys.executable)


async def timed(*words: str) -> float:
    """Seconds that one of our own commands takes. Raises RuntimeError when it does not end with 0."""
    begun = time.perf_counter()
    code, output = await run_within(ENOUGH_S, sys.executable, *words)
    if code:
        raise RuntimeError(f"{' '.join(words)} ended with {code}: {output.decode()[-2000:]}")
    return time.perf_counter() - begun


async def _smoke(folder: Path, *more: str) -> dict[str, Any]:
    await timed(*TWIN, *PYTEST, f"--report-dir={folder}", *more)
    document: dict[str, Any] = json.loads((folder / "latest/verdict.json").read_text(encoding="utf-8"))
    return document


def took(document: dict[str, Any]) -> float:
    """Seconds that a run took, by its verdict's own times."""
    started, ended = (datetime.fromisoformat(document[key]) for key in ("started", "ended"))
    return (ended - started).total_seconds()


async def measure() -> list[Figure]:
    """All figures of this file. The first boot warms the caches and is not counted."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-") as name:
        await timed(*TWIN, "-c", "pass")
        boot = await timed(*TWIN, "-c", "pass")
        whole = await _smoke(Path(name) / "whole")
        quick = await _smoke(Path(name) / "quick", "--quick")
    threads = [row["duration_s"] for row in whole["checks"] if row["family"] == "threads"]
    cases = f"{len(whole['checks'])} cases"
    return [
        Figure(name="the twin up and down again", value=boot, limit=8.0, unit="s"),
        Figure(name="smoke phase", value=took(whole), limit=20.0, unit="s", beside=cases),
        Figure(
            name="smoke phase, quick", value=took(quick), limit=15.0, unit="s", beside=f"{len(quick['checks'])} cases"
        ),
        Figure(name="all of threads.*", value=sum(threads), limit=10.0, unit="s", beside=f"{len(threads)} cases"),
    ]
