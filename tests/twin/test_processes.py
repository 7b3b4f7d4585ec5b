"""The twin's child processes: one that is held goes on when it is released, or ends with what started it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.standing import ROOT
from tests.system.waiting import HANGS_S, until
from twin.processes import Processes
from twin.serving import HELD, SecondServer

SAYS = "import sys; print(bool(sys.stdin.readline()), flush=True)"
SERVES = """
import asyncio
from twin.serving import serve

async def nothing(scope, receive, send): ...

print("ready", flush=True)
asyncio.run(serve(nothing, nothing))
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Processes without a janitor; none is left."""
    started = Processes(folder=tmp_path)
    yield started
    for process in started.running.values():
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


def test_a_held_process_goes_on_under_its_name(processes: Processes, tmp_path: Path) -> None:
    said = tmp_path / "said"
    held = processes.start("the next one", [sys.executable, "-c", SAYS], stdout=said, held=True)
    processes.release("the next one", "one")
    assert processes.running == {"one": held}
    assert held.wait(HANGS_S) == 0
    assert said.read_text() == "True\n"


def test_one_that_has_ended_already_is_for_its_waiter_to_find(processes: Processes) -> None:
    held = processes.start("the next one", [sys.executable, "-c", "raise SystemExit(3)"], held=True)
    held.wait(HANGS_S)
    processes.release("the next one", "one")
    assert processes.running["one"].returncode == 3


def test_a_held_process_does_not_serve_if_what_started_it_ends(tmp_path: Path) -> None:
    said = tmp_path / "said"
    environment = {"PYTHONPATH": str(ROOT), HELD: "1", "PORT": "0", "CONTROL_PORT": "0"}
    with (
        said.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-c", SERVES], stdin=subprocess.PIPE, stdout=out, stderr=out, env=environment
        ) as held,
    ):
        until(lambda: "ready" in said.read_text(), "it does not get ready")
        assert not psutil.Process(held.pid).net_connections()
        assert held.stdin
        held.stdin.close()
        assert held.wait(HANGS_S) == 1
    assert "before it was released" in said.read_text()


def test_a_control_port_leaves_closing_to_its_clients() -> None:
    """Otherwise a request that goes out as an idle connection is being closed gets no answer."""
    kept_s = httpx.Limits().keepalive_expiry

    assert kept_s is not None
    assert SecondServer(None, 0).config.timeout_keep_alive > 2 * kept_s
