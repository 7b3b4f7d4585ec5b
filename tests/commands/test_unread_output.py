"""Commands whose reader goes away (`| head`): no traceback, and the exit code of what they found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.running import ROOT

FAILED = {"httpRequest": {"status": 500, "requestUrl": "https://a.example/api/threads"}, "severity": "ERROR"}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.ndjson"
    path.write_text(f"{json.dumps(FAILED)}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("words", ["twin faults", "tests.road threads.metadata", "commands errors EXPORT"])
def test_a_reader_that_has_gone_changes_nothing(words: str, export: Path) -> None:
    command = (sys.executable, "-m", *words.replace("EXPORT", str(export)).split())
    read = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert read.stdout
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        unread = subprocess.run(command, cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in unread.stderr
    assert "BrokenPipe" not in unread.stderr
    assert unread.returncode == read.returncode
