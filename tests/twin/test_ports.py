"""Ports stay free until the servers start that they are for."""

import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tests.standing import ROOT
from twin import ports

ASK = "from twin.ports import free_ports; print(*free_ports(10))"


def test_processes_that_ask_at_the_same_time_get_different_ports_none_of_which_the_kernel_gives_away() -> None:
    asking = [
        subprocess.Popen([sys.executable, "-c", ASK], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    given = [[int(port) for port in process.communicate()[0].split()] for process in asking]
    assert [len(one) for one in given] == [10] * 6
    every = list(chain.from_iterable(given))
    assert len(set(every)) == len(every)
    assert max(every) < ports._end()


@pytest.mark.parametrize("said", ["", "seven", "7", "99999999", "32767"])
def test_whatever_the_file_says_there_are_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(ports, "KERNELS", tmp_path / "no such file")
    with ports._turn() as file:
        file.write(said)
    first, second = ports.free_ports(3), ports.free_ports(3)
    assert len({*first, *second}) == 6
    assert all(ports.LOWEST <= port < ports.HIGHEST for port in (*first, *second))


def test_a_port_in_use_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (first,) = ports.free_ports(1)
    with ports._turn() as file:
        file.write(f"{first}")
    (taken,) = ports._bound(first)
    with taken:
        assert ports.free_ports(1) != [first]
