"""`make history`: the page from a store, and nothing imported that it does not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands.cli import main
from gate.outcomes import Outcome
from gate.release.store import Store
from tests.catalogue import ROOT
from tests.gate.release.stores import stored

SEEN = {("auth.latency", ""): Outcome.PASSED}
CHANGES: tuple[dict[str, object], ...] = ({"schema_version": 0}, {"verdict": "NO-GO"}, {"surprise": 1})
NOT_NEEDED = ("pytest", "allure_commons", "prometheus_client", "alembic", "commands.gate")


def test_the_page_of_a_store_counts_its_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(str(tmp_path / "store"))
    runs = [stored(SEEN, target="local", revision=f"r-{number // 2}", at_h=number) for number in range(1, 5)]
    for run in runs:
        store.put(run)
    words = ["--target=local", f"--report-dir={tmp_path}", f"--evidence={tmp_path / 'store'}"]
    assert main(["history", *words]) == 0
    assert "4 runs of 3 revisions" in capsys.readouterr().out
    assert "r-2" in (tmp_path / "local" / "history.html").read_text(encoding="utf-8")
    for run, change in zip(runs, CHANGES, strict=False):
        path = tmp_path / "store" / "local" / run.run_id / "verdict.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert main(["history", *words]) == 0
    assert "1 runs of 1 revisions; left out: 3 damaged, or of another version" in capsys.readouterr().out


def test_a_history_imports_neither_a_test_run_nor_a_gate() -> None:
    """Hundreds of runs are read in about the time that these take to import."""
    asked = f"import sys, commands.cli, commands.history; print([one for one in {NOT_NEEDED} if one in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
