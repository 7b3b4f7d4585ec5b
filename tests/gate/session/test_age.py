"""How old a process is, whatever is done to the wall clock while it begins."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gate.session import age

SAID = """
import time
before = time.monotonic()
while time.monotonic() < before + 1:
    pass
{set}
from gate.session.age import age_s
print(age_s())
"""
SET = "true = time.time\ntime.time = lambda: true() + 3600\n"


@pytest.mark.parametrize("clock_set", ["", SET], ids=["left alone", "set by an hour"])
def test_it_is_the_time_since_the_start_and_not_the_wall_clocks(clock_set: str) -> None:
    before = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-c", SAID.format(set=clock_set)], capture_output=True, text=True, check=True
    )
    outer_s = time.monotonic() - before
    assert 0.9 < float(process.stdout) <= outer_s + 0.1


def test_where_the_kernel_does_not_tell_psutil_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(age, "STAT", tmp_path / "none")
    assert age.age_s() == pytest.approx(time.time() - psutil.Process().create_time(), abs=1.0)
