"""Ports stay free until the servers start that they are for."""

import socket
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


def test_a_process_gets_no_port_twice() -> None:
    first, second = ports.free_ports(3), ports.free_ports(3)
    assert len({*first, *second}) == 6


@pytest.mark.parametrize("said", ["", "from 32768", None])
def test_where_the_kernel_does_not_say_which_ports_it_takes_there_are_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    monkeypatch.setattr(ports, "KERNELS", tmp_path / "range")
    if said is not None:
        ports.KERNELS.write_text(said)
    assert all(ports.LOWEST <= port < ports.HIGHEST for port in ports.free_ports(3))


def test_a_port_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_given", set())
    (first,) = ports.free_ports(1)
    ports._given.clear()
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, first))
        assert first not in ports.free_ports(2)
    ports._given.clear()
    assert ports.free_ports(1) == [first]
