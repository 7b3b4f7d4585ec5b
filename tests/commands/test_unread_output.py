"""Output that is not read (`| head`, `>&-`, a full disk): no traceback, and the exit code of what was found."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.running import ROOT, clean_environment

pytestmark = pytest.mark.slow

FAILED = {"httpRequest": {"status": 500, "requestUrl": "https://a.example/api/threads"}, "severity": "ERROR"}
COMMANDS = {
    "twin faults": 0,
    "tests.road threads.metadata": 0,
    "commands errors EXPORT": 10,
    "commands errors NOWHERE": 4,
    "commands errors --help": 0,
    "commands gate --target=staging --report-dir=FOLDER": 10,
    "gate.session -c pytest.ini --target=staging --report-dir=FOLDER": 4,
    "gate.session -c pytest.ini --target=export --report-dir=FOLDER --check=logs.zero-500 --log-export=EXPORT": 10,
    "netra_verify --help": 0,
    "netra_verify nonsense": 4,
}
ALONE = frozenset({"twin faults"})  # the twin does not import the gate: it only knows readers that have gone
CLOSED = ("/bin/sh", "-c", 'exec "$@"', "sh")
CLOSING = {"out": " >&-", "err": " 2>&-", "all": " <&- >&- 2>&-"}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.ndjson"
    path.write_text(f"{json.dumps(FAILED)}\n", encoding="utf-8")
    return path


@contextmanager
def _gone() -> Iterator[int]:
    """The end of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextmanager
def _full() -> Iterator[int]:
    """A disk without room."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Command:
    """One of our commands, started with whatever output."""

    def __init__(self, words: str, export: Path) -> None:
        folder = export.parent
        places = {"EXPORT": export, "NOWHERE": folder / "nowhere", "FOLDER": folder / "reports"}
        for word, path in places.items():
            words = words.replace(word, str(path))
        self.words = (sys.executable, "-m", *words.split())
        self.environment = {**clean_environment(), "PYTHONPATH": str(ROOT / "deploy/wheel")}

    def run(self, *, stdout: int, stderr: int, redirect: str = "") -> tuple[int, str, str]:
        done = subprocess.run(
            (*CLOSED[:2], f"{CLOSED[2]}{redirect}", CLOSED[3], *self.words),
            cwd=ROOT,
            env=self.environment,
            stdout=stdout,
            stderr=stderr,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout or "", done.stderr or ""


@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_that_has_gone_or_a_full_disk_changes_nothing(words: str, export: Path) -> None:
    command = Command(words, export)
    code, out, err = command.run(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (code, bool(out + err)) == (COMMANDS[words], True), out + err
    for unread in (_gone,) if words in ALONE else (_gone, _full):
        with unread() as output:
            code, _, err = command.run(stdout=output, stderr=subprocess.PIPE)
            assert (code, [one for one in ("Traceback", "BrokenPipe") if one in err]) == (COMMANDS[words], [])


@pytest.mark.parametrize("closed", CLOSING)
@pytest.mark.parametrize("words", [words for words in COMMANDS if words not in ALONE])
def test_closed_output_changes_nothing(words: str, closed: str, export: Path) -> None:
    command = Command(words, export)
    code, out, err = command.run(stdout=subprocess.PIPE, stderr=subprocess.PIPE, redirect=CLOSING[closed])
    assert (code, "Traceback" in out + err) == (COMMANDS[words], False), out + err
