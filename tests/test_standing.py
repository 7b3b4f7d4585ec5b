"""Rounds of runs end cleanly when they are interrupted."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.standing import INTERRUPTED, ROOT
from tests.system.waiting import HANGS_S, until

# What a shell puts into the background ignores SIGINT, and so does what that starts.
ROUNDS = """
import asyncio, signal
from pathlib import Path
from tests.standing import run_to_its_end

async def rounds():
    try:
        Path("began").touch()
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        Path("left").touch()

signal.signal(signal.SIGINT, signal.default_int_handler)
run_to_its_end(rounds())
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_what_a_round_holds_is_let_go_of_and_no_traceback_is_shown(tmp_path: Path, sent: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ROUNDS], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    )
    until((tmp_path / "began").exists, "the round did not begin")
    process.send_signal(sent)
    _, errors = process.communicate(timeout=HANGS_S)

    assert process.returncode == INTERRUPTED
    assert errors == "interrupted\n"
    assert (tmp_path / "left").exists()
