"""docs/adding-a-check.md carried out in a copy of the project: its check is green, and red under its fault alone."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pages import blocks
from tests.system.running import ROOT, run, verdict_in

PAGE = ROOT / "docs/adding-a-check.md"
ROOMS = ("commands", "docs", "fixtures", "gate", "probes", "suites", "targets", "tests", "twin")
FILES = ("conftest.py", "pytest.ini", "pyproject.toml", "README.md", "ARCHITECTURE.md", "Makefile")
WRITTEN = {
    "suites/test_health_type.py",
    "twin/faults/health_type.py",
    "tests/prove/expectations.toml",
    "targets/profiles.toml",
}
CHECK, FAULT = "health.json-type", "health.json-as-text"
WHERE = re.compile(r"^# (\S+\.(?:py|toml))(?:, in (\[[a-z.]+\]))?\n")
COPIED = shutil.ignore_patterns("__pycache__")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the page's blocks in it, where the page says."""
    folder = tmp_path_factory.mktemp("project")
    folder.parent.chmod(0o755)
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=COPIED)
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    written = {_place(folder, one.text).relative_to(folder).as_posix() for one in blocks(PAGE) if one.language}
    assert written == WRITTEN
    return folder


def _place(folder: Path, text: str) -> Path:
    found = WHERE.match(text)
    assert found, text
    path, table, body = folder / found[1], found[2], text[found.end() :]
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if table:
        assert f"{table}\n" in before
        path.write_text(before.replace(f"{table}\n", f"{table}\n{body}", 1), encoding="utf-8")
    else:
        path.write_text(f"{before}\n{body}" if before else body, encoding="utf-8")
    return path


def _health(project: Path, *twin: str) -> list[dict[str, Any]]:
    suite = (sys.executable, "-m", "pytest", "-c", "pytest.ini", "--target=local", "--verdict-only", "-k", "health")
    _, output = run("twin", "exec", *twin, "--", *suite, cwd=project)
    rows = [row for row in verdict_in(project / "reports")["checks"] if row["id"].startswith("health.")]
    assert CHECK in {row["id"] for row in rows}, output
    return rows


def test_the_check_is_green_on_the_sound_system(project: Path) -> None:
    assert {row["id"]: row["outcome"] for row in _health(project) if row["outcome"] != "PASSED"} == {}


def test_its_fault_turns_it_red_and_nothing_else(project: Path) -> None:
    red = {row["id"]: row for row in _health(project, "--fault", FAULT) if row["outcome"] != "PASSED"}
    assert red.keys() == {CHECK}
    assert red[CHECK]["outcome"] == "FAILED"
    assert "text/plain" in red[CHECK]["actual"]


def test_the_table_of_faults_and_the_lists_take_it(project: Path) -> None:
    assert run("tests.catalogue", cwd=project) == (0, "")
    for page in ("README.md", "docs/runbook.md"):
        assert f"| `{CHECK}` |" in (project / page).read_text(encoding="utf-8")
    code, said = run("twin", "faults", cwd=project)
    assert (code, FAULT in said) == (0, True)
    proof = "from tests.prove.expectations import load; from twin.switching.registry import declared; "
    agree = "known = {k for k, one in declared().items() if not one.dependency}; assert known == load().keys()"
    subprocess.run([sys.executable, "-c", proof + agree], cwd=project, check=True)


def test_its_code_is_as_ours_has_to_be(project: Path) -> None:
    new = ["suites/test_health_type.py", "twin/faults/health_type.py"]
    for words in (["check", *new], ["format", "--check", *new]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
