"""The gate: the report of 300 cases, many runs merged, and what the suite adds to a case of bare pytest with httpx."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from configparser import ConfigParser
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from bench.figures import Figure
from gate.outcomes import Outcome
from gate.plots import LatencyPlot
from gate.release.store import Store
from gate.verdict_document import encode
from tests.gate.documents import make_document
from tests.gate.release.stores import shard, stored, window
from tests.standing import ROOT, run_within

ENOUGH_S = 600.0
CASES, HOURS, SHARDS, REPEATS, WITH_PLOTS = 300, 24, 8, 3, 4
SOAK, DAY = ("websocket.one-hour", ""), ("logs.zero-500-day", "")
TARGET = """
environment = "local"
profile = "bench"
[backend]
service = "backend"
[auth]
service = "auth"
[platform]
project = "bench"
region = "nowhere"
"""
RENDER = """
import sys, time
began = time.perf_counter()
from gate.report.checklist import answered
from gate.report.html import render_html
from gate.verdict_document import decode
page = render_html(answered(decode(open(sys.argv[1], "rb").read())))
print(time.perf_counter() - began, len(page.encode()))
"""
BARE = """
import httpx, pytest

@pytest.fixture(scope="session")
def client():
    with httpx.Client() as client:
        yield client

@pytest.mark.parametrize("number", range({cases}))
def test_answer(client, number):
    assert client.get("{url}").status_code == 200
"""
OURS = """
import pytest_asyncio
import pytest
from gate.check import check
from probes.http.client import HttpClient
from probes.identity import RunIdentity

@pytest_asyncio.fixture(scope="session")
async def client(run):
    async with HttpClient("{url}", RunIdentity(run.id), deadline_s=5) as client:
        yield client

@check("bench.answer", requirement="it answers")
@pytest.mark.parametrize("number", range({cases}))
async def test_answer(client, recorder, number):
    "It answers."
    answer = await client.send("GET", "/")
    recorder.trace(answer.trace_id, answer.request)
    recorder.figures(rule="one call", n=1, value=answer.elapsed_s, unit="s", limit=5)
    assert answer.status == 200
"""
CONFTEST = """
from pathlib import Path
from gate.plan import Plan
from probes.secret import Secret
pytest_plugins = ("gate.session.plugin",)

def pytest_gate_plan(config):
    return Plan(
        target="bench", environment="local", profile="bench", phase="smoke", offers=frozenset(), lacking={{}},
        required={{"bench.answer": tuple(map(str, range({cases})))}}, secrets=(Secret("a-secret-of-ours"),),
        report_dir=Path("reports"), quick=False, deadline_s=600,
    )
"""
INI = """[pytest]
addopts = {options} {more}
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""


async def measure() -> list[Figure]:
    """All figures of this file."""
    with TemporaryDirectory(prefix="netra-bench-") as name:
        folder = Path(name)
        seconds, size = await _best(lambda: _rendered(folder))
        _fill(folder / "evidence")
        judged, _ = await _best(lambda: _judged(folder / "evidence"))
        bare, ours = await _overhead(folder)
    return [
        Figure(name=f"report.html of {CASES} cases, plots and imports included", value=seconds, limit=1.0, unit="s"),
        Figure(name="its size", value=size / 1e6, limit=2.0, unit="MB"),
        Figure(
            name=f"make gate over {HOURS} day files, {SHARDS} shards and a smoke run", value=judged, limit=3.0, unit="s"
        ),
        Figure(
            name=f"the suite's own overhead per case, over {CASES} cases",
            value=(ours - bare) / CASES * 1e3,
            limit=3.0,
            unit="ms",
            beside=f"bare pytest with httpx {bare / CASES * 1e3:.1f} ms per case",
        ),
    ]


async def _best(once: Callable[[], Awaitable[tuple[float, float]]]) -> tuple[float, float]:
    return min([await once() for _ in range(REPEATS)])


def _check(number: int) -> str:
    """The id of one of the checks, which have nine families."""
    return f"family{'abcdefghi'[number % 9]}.check{number}"


async def _rendered(folder: Path) -> tuple[float, float]:
    """Seconds and bytes of the page in a fresh interpreter: a fifth of the cases failing, with plots."""
    path = folder / "verdict.json"
    if not path.exists():
        outcomes = {_check(n): Outcome.FAILED if n % 5 == 0 else Outcome.PASSED for n in range(CASES)}
        document = make_document(folder, outcomes)
        plot = LatencyPlot(ms=[n / 10 for n in range(1000)], limit_ms=100.0, clock="server")
        rows = [replace(row, plots=[plot] if n < WITH_PLOTS else []) for n, row in enumerate(document.checks)]
        path.write_bytes(encode(replace(document, checks=rows)))
    output = await _python("-c", RENDER, str(path), cwd=ROOT)
    seconds, size = output.split()
    return float(seconds), float(size)


async def _judged(evidence: Path) -> tuple[float, float]:
    """Seconds of `python -m commands gate`, from start to end of the process."""
    words = ["-m", "commands", "gate", "--target=bench", f"--targets-dir={evidence}/targets", f"--evidence={evidence}"]
    begun = time.perf_counter()
    output = await _python(*words, f"--report-dir={evidence.parent}/gates", cwd=ROOT)
    took = time.perf_counter() - begun
    if "VERDICT: GO" not in output:
        raise RuntimeError(f"expected GO from the gate: {output[-600:]}")
    return took, 0.0


def _fill(evidence: Path) -> None:
    cases = {(_check(n), ""): Outcome.PASSED for n in range(CASES)}
    store, about = Store(str(evidence)), {"target": "bench", "profile": "bench"}
    store.put(stored(cases, **about))  # type: ignore[arg-type]  # two of its options, by one dict
    for number in range(SHARDS):
        accruals: dict[Any, Any] = {SOAK: [shard(number, SHARDS)]}
        store.put(stored({SOAK: Outcome.PENDING}, phase="soak", at_h=1 + number / 100, accruals=accruals, **about))  # type: ignore[arg-type]  # two of its options, by one dict
    for hour in range(HOURS):
        accruals = {DAY: [window(hour, hour + 1)]}
        store.put(stored({DAY: Outcome.PENDING}, phase="day", at_h=hour + 1.0, accruals=accruals, **about))  # type: ignore[arg-type]  # two of its options, by one dict
    (evidence / "targets").mkdir()
    (evidence / "targets/bench.toml").write_text(TARGET, encoding="utf-8")
    smoke = "\n".join(f'"{check}" = []' for check, _ in cases)
    profile = f'[bench.smoke]\n{smoke}\n[bench.soak]\n"{SOAK[0]}" = []\n[bench.day]\n"{DAY[0]}" = []\n'
    (evidence / "targets/profiles.toml").write_text(profile, encoding="utf-8")


async def _overhead(folder: Path) -> tuple[float, float]:
    """Seconds of the same cases under bare pytest and under the suite, whole processes, reports included."""
    async with _stub() as url:
        bare, ours = folder / "bare", folder / "ours"
        _suite(bare, BARE, url, "-p no:asyncio -p no:allure_pytest")
        _suite(ours, OURS, url, "")
        (ours / "conftest.py").write_text(CONFTEST.format(cases=CASES), encoding="utf-8")
        return (await _best(lambda: _ran(bare)))[0], (await _best(lambda: _ran(ours)))[0]


def _own_options() -> str:
    """The options of the suite's own pytest.ini, which leave out plugins that have no business in a run."""
    own = ConfigParser(interpolation=None)
    own.read(ROOT / "pytest.ini", encoding="utf-8")
    return own["pytest"]["addopts"].replace("\n", " ")


def _suite(folder: Path, body: str, url: str, more: str) -> None:
    folder.mkdir()
    (folder / "test_answers.py").write_text(body.format(cases=CASES, url=url), encoding="utf-8")
    (folder / "pytest.ini").write_text(INI.format(options=_own_options(), more=more), encoding="utf-8")


async def _ran(folder: Path) -> tuple[float, float]:
    begun = time.perf_counter()
    await _python("-m", "pytest", "-q", cwd=folder)
    return time.perf_counter() - begun, 0.0


@asynccontextmanager
async def _stub() -> Any:  # noqa: ANN401 - an async generator of the URL
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the client has gone

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _python(*words: str, cwd: Path) -> str:
    # Users' interpreters keep what they compiled; where ours is set not to, every run would compile it all again.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code, output = await run_within(
        ENOUGH_S, sys.executable, *words, environment={**env, "PYTHONPATH": str(ROOT)}, tree=cwd
    )
    if code:
        raise RuntimeError(f"{' '.join(words[:4])} ended with {code}: {output.decode()[-800:]}")
    return output.decode()
