"""After the deadline: teardowns are given up one by one and named, nothing is waited for, and the process ends."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.gate.session.mini import HEAD, LAUNCHER, PYTEST, Mini
from tests.system.waiting import HANGS_S, until

TEARDOWNS = (
    HEAD
    + """
from pathlib import Path

@pytest.fixture(scope="session")
def rows():
    yield
    Path("rows-removed").touch()

@pytest.fixture(scope="session")
def hangs(rows):
    yield
    Path("hangs").touch()
    time.sleep(600)
"""
)
HANGING = (
    TEARDOWNS
    + """
import asyncio
import pytest_asyncio

@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def waits(hangs):
    yield
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass

@check("a.good", requirement="it holds")
@pytest.mark.asyncio(loop_scope="session")
async def test_good(waits):
    await asyncio.sleep(600)
"""
)


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    return Mini(tmp_path)


@pytest.mark.parametrize("by", [PYTEST, LAUNCHER], ids=["pytest", "launcher"])
def test_teardowns_that_hang_are_named_and_the_others_done(mini: Mini, by: tuple[str, ...]) -> None:
    mini.write(HANGING, deadline=6)
    code, output = mini.run(by=by)
    assert (code, mini.verdict["verdict"]) == (2, "INCONCLUSIVE"), output
    assert "deadline" in mini.verdict["reason"]
    named = mini.verdict["reason"].partition("teardowns that took too long: ")[2].partition(";")[0].split(", ")
    assert {"waits", "hangs"} <= set(named), named
    assert "rows" not in named
    assert (mini.folder / "rows-removed").exists(), "one that hangs keeps no other from its turn"
    assert "Traceback" not in output, output
    assert output.rstrip().rpartition("\n")[2].startswith("VERDICT: INCONCLUSIVE"), output


STUBBORN = (
    HEAD
    + """
import threading

@check("a.good", requirement="it holds")
def test_good():
    threading.Thread(target=time.sleep, args=(600,)).start()
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            open("again", "a").write(".")
            if len(open("again").read()) == 3:
                raise
"""
)


def test_a_case_that_survives_and_a_thread_that_stays_do_not_hold_it_up(mini: Mini) -> None:
    mini.write(STUBBORN, deadline=6)
    process = mini.start()
    try:
        output, _ = process.communicate(timeout=HANGS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert (process.returncode, mini.verdict["verdict"]) == (2, "INCONCLUSIVE"), output


def test_what_waits_for_others_is_not_begun_after_the_deadline(mini: Mini) -> None:
    mini.write(STUBBORN, deadline=6)
    store = mini.folder / "store"
    store.mkdir()
    code, output = mini.run(f"--evidence={store}")
    assert code == 2, output
    assert "deadline had passed" in " ".join(mini.verdict["notes"]), mini.verdict["notes"]


OFTEN = """
import gate.session.stopping as stopping
stopping.LATE_AGAIN_S, stopping.TEARDOWN_S, stopping.LEAST_S, stopping.TAKEN_DOWN_S = REPEATED, 0.003, 0.002, 0.05
"""
BUSY = (
    HEAD
    + """
import asyncio
import pytest_asyncio

async def wait():
    for _ in range(20):
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(0.0009)
        except TimeoutError:
            pass

@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client():
    yield
    await wait()

@pytest.fixture(scope="module")
def plain(client):
    yield
    time.sleep(0.002)

@pytest_asyncio.fixture(loop_scope="session")
async def user(plain):
    yield
    await asyncio.gather(wait(), wait())

@check("a.good", requirement="it holds")
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("number", range(400))
async def test_good(user, number):
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(wait())
"""
)


@pytest.mark.parametrize("again_s", [0.0005, 0.002, 0.007])
def test_wherever_a_stop_comes_it_is_an_interrupt_and_the_verdict_the_last_line(mini: Mini, again_s: float) -> None:
    """Hundreds of stops in one run: in cases, in teardowns, between them, in hooks, in asyncio's own code."""
    mini.write(BUSY, deadline=2.5)
    conftest = mini.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + OFTEN.replace("REPEATED", str(again_s)))
    code, output = mini.run(by=LAUNCHER)
    assert code == 2, output
    assert "Traceback" not in output, output
    assert output.rstrip().rpartition("\n")[2].startswith("VERDICT: INCONCLUSIVE"), output


TWICE = (
    TEARDOWNS
    + """
@check("a.good", requirement="it holds")
def test_good(hangs):
    Path("begun").touch()
    time.sleep(600)
"""
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_request_abandons_one_teardown_and_the_others_are_done(mini: Mini, number: signal.Signals) -> None:
    mini.write(TWICE)
    process = mini.start(by=LAUNCHER)
    for mark in ("begun", "hangs"):
        until((mini.folder / mark).exists, f"it does not come to {mark!r}")
        process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "teardowns that took too long: hangs" in mini.verdict["reason"]
    assert (mini.folder / "rows-removed").exists()
    assert "Traceback" not in output, output
