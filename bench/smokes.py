"""The suite's own runs against a twin that is up, near it or a round trip away."""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.delayed import delayed
from tests.standing import run_within

SMOKE_S = 1800.0  # what one of them takes at most: from afar, and one request after another
ALL_S = 7200.0  # and all of a measurement
MEASURED = "measured.json"
Document = dict[str, Any]


async def smoke(folder: Path, addresses: Path, *words: str, variables: Mapping[str, str] | None = None) -> Document:
    """The document of one smoke. Raises RuntimeError where it leaves none, or something failed in it."""
    command = ("-m", "pytest", "-c", "pytest.ini", "--target=local", f"--report-dir={folder}", *words)
    environment = os.environ | {"NETRA_ADDRESSES": str(addresses)} | dict(variables or {})
    _, output = await run_within(SMOKE_S, sys.executable, *command, environment=environment)
    verdict = folder / "latest/verdict.json"
    if not verdict.exists():
        raise RuntimeError(f"a smoke left no verdict: {output.decode()[-2000:]}")
    document: Document = json.loads(verdict.read_text(encoding="utf-8"))
    failed = [f"{row['name']} ({row['reason']})" for row in document["checks"] if row["outcome"] == "FAILED"]
    if failed:
        raise RuntimeError(f"on the sound twin these failed: {', '.join(failed)}")
    return document


def took_s(document: Document) -> float:
    """How many seconds a run took, from its beginning to its verdict."""
    started, ended = (datetime.fromisoformat(document[key]) for key in ("started", "ended"))
    return (ended - started).total_seconds()


@asynccontextmanager
async def from_afar(addresses: Mapping[str, Any], folder: Path, round_trip_s: float) -> AsyncIterator[Path]:
    """A twin's addresses with both of its services a round trip away; the database and Google's APIs stay near."""
    async with (
        delayed(addresses["backend"]["url"], round_trip_s) as backend,
        delayed(addresses["auth"]["url"], round_trip_s) as auth,
    ):
        path = folder / f"afar-{round_trip_s * 1e3:.0f}.json"
        path.write_text(json.dumps({**addresses, "backend": {"url": backend}, "auth": {"url": auth}}), encoding="utf-8")
        yield path


async def inside_a_twin(module: str, folder: Path) -> Any:  # noqa: ANN401 - whatever the module measured
    """What one of our modules measured inside a twin, and left in the folder. Raises RuntimeError when it fails."""
    words = ("-m", "twin", "exec", "--", sys.executable, "-m", module, str(folder))
    code, output = await run_within(ALL_S, sys.executable, *words)
    if code:
        raise RuntimeError(f"the measurement inside the twin ended with {code}: {output.decode()[-2000:]}")
    return json.loads((folder / MEASURED).read_text(encoding="utf-8"))
