"""A small suite of its own, judged by the gate's plugin in a pytest process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.system.waiting import HANGS_S

ROOT = Path(__file__).resolve().parents[3]
OTHERS = (
    "rerunfailures",
    "flaky",
    "xdist",
    "xdist.looponfail",
    "timeout",
    "schemathesis",
    "hypothesispytest",
    "anyio",
    "valkey",
    "platformdirs",
)
NO_OTHERS = " ".join(f"-p no:{one}" for one in OTHERS)
PYTEST = (sys.executable, "-m", "pytest")
LAUNCHER = (sys.executable, "-m", "gate.session")
CONFTEST = """
from pathlib import Path
import pytest
from gate.plan import Plan
from gate.session.age import age_s
from probes.secret import Secret
pytest_plugins = ("gate.session.plugin",)

def pytest_gate_plan(config):
    return Plan(
        target="mini", environment="local", profile="full", phase="smoke",
        offers=frozenset({"http"}), lacking={"db": "no database: set NETRA_DATABASE__URL"},
        required={REQUIRED}, secrets=(Secret("hunter2-hunter2"),), report_dir=Path(config.getoption("--report-dir")),
        quick=False, deadline_s=age_s() + DEADLINE, known_failures=config.getoption("--known-failures"),
        evidence=config.getoption("--evidence"),
        silent=config.getoption("--exit-code-only"),
    )
"""
HEAD = """
import time
import pytest
from gate.check import check
from gate.failures import Broken, CheckFailure, Pending
"""
GOOD = HEAD + '@check("a.good", requirement="it holds")\ndef test_good():\n    "It holds."\n'


class Mini:
    """A small suite in a folder of its own, run by pytest in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self, body: str, *, required: str = '{"a.good": ()}', deadline: float = HANGS_S, name: str = "test_a"
    ) -> None:
        conftest = CONFTEST.replace("{REQUIRED}", required).replace("DEADLINE", str(deadline))
        (self.folder / "conftest.py").write_text(conftest)
        (self.folder / "pytest.ini").write_text(
            f"[pytest]\naddopts = -p no:cacheprovider {NO_OTHERS}\nasyncio_default_fixture_loop_scope = session\n"
        )
        (self.folder / f"{name}.py").write_text(body)

    def start(self, *arguments: str, by: Sequence[str] = PYTEST, env: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*by, "-c", "pytest.ini", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, by: Sequence[str] = PYTEST, env: Mapping[str, str] = {}) -> tuple[int, str]:
        process = self.start(*arguments, by=by, env=env)
        output, _ = process.communicate(timeout=HANGS_S)
        return process.returncode, output

    @property
    def verdict(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "reports/latest/verdict.json").read_text())
        return document
