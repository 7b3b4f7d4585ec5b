"""`make history`: the page from a store, and nothing imported that it does not need."""

import subprocess
import sys
from pathlib import Path

import pytest

from commands.cli import main
from tests.catalogue import ROOT
from tests.gate.test_history import STORY

NOT_NEEDED = ("pytest", "allure_commons", "prometheus_client", "alembic", "commands.gate")


def test_the_page_of_a_store_counts_its_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run_id, body in STORY:
        folder = tmp_path / "store" / "local" / run_id
        folder.mkdir(parents=True)
        (folder / "verdict.json").write_bytes(body)
    words = ["--target=local", f"--report-dir={tmp_path}", f"--evidence={tmp_path / 'store'}"]
    assert main(["history", *words]) == 0
    assert "4 runs of 3 revisions" in capsys.readouterr().out
    assert "r-2" in (tmp_path / "local" / "history.html").read_text(encoding="utf-8")


def test_a_history_imports_neither_a_test_run_nor_a_gate() -> None:
    """Hundreds of runs are read in about the time that these take to import."""
    asked = f"import sys, commands.cli, commands.history; print([one for one in {NOT_NEEDED} if one in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
