"""Turns on one file: together, alone, one after another, and given back by a process that dies."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from probes.errors import SourceRefused
from probes.timing.turns import DOOR, Turns

LONG_S = 60.0
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "turns"
    path.touch()
    Path(f"{path}{DOOR}").touch()
    return path


def hold(path: Path, alone: bool, said: Connection) -> None:  # noqa: FBT001 - a process' arguments
    turns = Turns(path)
    turns.take(alone=alone, within_s=LONG_S)
    said.send("held")
    said.recv()
    turns.give_back()
    said.send("given back")
    said.recv()


class Other:
    """Another process, which holds a turn."""

    def __init__(self, path: Path, *, alone: bool) -> None:
        self.said, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=hold, args=(path, alone, theirs), daemon=True)
        self.process.start()

    def until(self, word: str) -> None:
        assert self.said.recv() == word


@pytest.fixture
def others() -> Iterator[list[Other]]:
    started: list[Other] = []
    yield started
    for other in started:
        other.process.kill()
        other.process.join()


def test_many_are_together(file: Path, others: list[Other]) -> None:
    others.append(Other(file, alone=False))
    others[0].until("held")
    mine = Turns(file)
    mine.take(alone=False, within_s=LONG_S)
    mine.give_back()
    assert mine.waited_s < LONG_S


@pytest.mark.parametrize("theirs, ours", [("alone", "among others"), ("among others", "alone"), ("alone", "alone")])
def test_one_is_alone_until_the_other_has_given_back(file: Path, others: list[Other], theirs: str, ours: str) -> None:
    others.append(Other(file, alone=theirs == "alone"))
    others[0].until("held")
    narrated: list[str] = []
    mine = Turns(file, narrate=narrated.append)
    with pytest.raises(SourceRefused, match=r"another run has been using it for 0\.2 s"):
        mine.take(alone=ours == "alone", within_s=0.2)
    assert narrated[0] == "waiting, 0 s more at most: another run is at work on this target"
    others[0].said.send("give it back")
    others[0].until("given back")
    mine.take(alone=ours == "alone", within_s=LONG_S)
    mine.give_back()
    assert mine.waited_s >= 0.2


def test_whoever_is_killed_has_no_turn_any_more(file: Path, others: list[Other]) -> None:
    others.append(Other(file, alone=True))
    others[0].until("held")
    others[0].process.kill()
    others[0].process.join()
    assert others[0].process.exitcode == -signal.SIGKILL
    mine = Turns(file)
    mine.take(alone=True, within_s=LONG_S)
    mine.give_back()


def test_who_wants_to_be_alone_is_not_kept_waiting_by_those_who_come_and_go(file: Path) -> None:
    over = threading.Event()

    def come_and_go() -> None:
        turns = Turns(file)
        while not over.is_set():
            turns.take(alone=False, within_s=LONG_S)
            over.wait(0.05)
            turns.give_back()

    busy = [threading.Thread(target=come_and_go) for _ in range(4)]  # somebody always has a turn
    for one in busy:
        one.start()
    try:
        mine = Turns(file)
        for _ in range(5):
            mine.take(alone=True, within_s=LONG_S)
            mine.give_back()
    finally:
        over.set()
        for one in busy:
            one.join()


def test_without_the_files_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="can't be locked"):
        Turns(tmp_path / "none").take(alone=False, within_s=0.1)
