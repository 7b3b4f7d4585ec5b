"""The bill of materials is the lock's, each licence was read, and an audit that could not ask is not clean."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.system.running import ROOT
from tests.system.waiting import HANGS_S

SCRIPT = ROOT / "deploy/supply_chain.py"
_SPEC = importlib.util.spec_from_file_location("supply_chain", SCRIPT)
assert _SPEC is not None
assert _SPEC.loader is not None
supply_chain: Any = importlib.util.module_from_spec(_SPEC)  # a script, in no package
_SPEC.loader.exec_module(supply_chain)
POLICY: dict[str, Any] = tomllib.loads((ROOT / "deploy/licences.toml").read_text(encoding="utf-8"))
# In pip-audit's place.
ANSWERS = """
import json, os, sys
sys.stderr.write(os.environ.get("SAID_ON_THE_WAY", ""))
print(os.environ["ANSWER"])
"""


def test_every_package_of_the_suite_names_licences_that_were_read() -> None:
    named = supply_chain.licences(supply_chain.INSTALLED)
    assert len(named) == len(supply_chain.pins(supply_chain.INSTALLED)) > 50
    accepted = set(POLICY["accepted"])
    unread = {
        package: names
        for package, names in named.items()
        if not names or not all(one in accepted or set(re.split(r" AND | OR ", one)) <= accepted for one in names)
    }
    assert unread == {}


def test_what_is_said_of_a_package_is_said_because_it_says_nothing_itself() -> None:
    for package in POLICY["of"]:
        assert package in supply_chain.pins(supply_chain.INSTALLED)
        assert supply_chain.licence_of(package, {}) == ()


def test_the_bill_of_materials_is_the_locks(tmp_path: Path) -> None:
    path = tmp_path / "made/netra.cdx.json"
    words = [sys.executable, str(SCRIPT), "sbom", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=HANGS_S)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(path.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["name"] == "netra-verify"
    held = {one["name"]: one["version"] for one in document["components"]}
    assert held == supply_chain.pins(supply_chain.INSTALLED)
    assert all(one["purl"].startswith("pkg:pypi/") and one["licenses"] for one in document["components"])
    assert all(one["hashes"] for one in document["components"])


def audited(folder: Path, answer: object, said: str = "") -> tuple[int, str]:
    """`supply_chain.py audit` with an answer in pip-audit's place."""
    (folder / "pip_audit.py").write_text(ANSWERS)
    text = answer if isinstance(answer, str) else json.dumps(answer)
    env = os.environ | {"PYTHONPATH": str(folder), "ANSWER": text, "SAID_ON_THE_WAY": said}
    words = [sys.executable, str(SCRIPT), "audit"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=HANGS_S)
    return done.returncode, done.stdout


def everything(**different: Mapping[str, object]) -> dict[str, object]:
    """An answer about every package of every lock; of these, another one."""
    names = {name: version for lock in supply_chain.LOCKS for name, version in supply_chain.pins(lock).items()}
    rows = [
        {"name": name, "version": version, "vulns": [], **different.get(name, {})} for name, version in names.items()
    ]
    return {"dependencies": rows, "fixes": []}


def test_an_audit_that_finds_nothing_is_0(tmp_path: Path) -> None:
    code, said = audited(tmp_path, everything())
    assert (code, said.startswith("0 known vulnerabilities in ")) == (0, True), said


def test_a_known_vulnerability_is_named_once_with_its_fix(tmp_path: Path) -> None:
    advisory = {"id": "PYSEC-2026-1", "fix_versions": ["9.9"], "aliases": [], "description": ""}
    code, said = audited(tmp_path, everything(httpx={"vulns": [advisory]}))
    version = supply_chain.pins(supply_chain.INSTALLED)["httpx"]
    assert code == 1
    assert said.splitlines()[0] == f"httpx {version}: PYSEC-2026-1, fixed in 9.9"


@pytest.mark.parametrize(
    "answer, on_the_way, said",
    [
        ("", "Traceback\nConnectionError: Failed to resolve 'x'", "can't be reached (ConnectionError: Failed"),
        ({"dependencies": [], "fixes": []}, "", "no answer about aiohappyeyeballs"),
        (None, "", "httpx was not checked (not on PyPI)"),
    ],
)
def test_an_audit_that_could_not_ask_says_so_and_is_2(
    tmp_path: Path, answer: object, on_the_way: str, said: str
) -> None:
    skipped = everything(httpx={"skip_reason": "not on PyPI", "version": ""})
    code, output = audited(tmp_path, skipped if answer is None else answer, on_the_way)
    assert code == 2
    assert output.startswith("Nothing is known about the packages' vulnerabilities: requirements-suite-extras.lock: ")
    assert said in output
    assert "Traceback" not in output
