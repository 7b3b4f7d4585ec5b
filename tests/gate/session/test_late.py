"""After the deadline: teardowns are given up one by one and named, nothing is waited for, and the process ends."""

import subprocess
from pathlib import Path

import pytest

from tests.gate.session.mini import HEAD, LAUNCHER, PYTEST, Mini

HANGING = (
    HEAD
    + """
import asyncio
import pytest_asyncio
from pathlib import Path

@pytest.fixture(scope="session")
def rows():
    yield
    Path("rows-removed").touch()

@pytest.fixture(scope="session")
def hangs(rows):
    yield
    time.sleep(600)

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
    assert "Traceback" not in output
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
        output, _ = process.communicate(timeout=120)
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
