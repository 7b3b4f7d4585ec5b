"""The verify step of GitHub's workflow: its command line, and its environment as a call fills it in."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.system.running import ROOT

FILE = ROOT / "deploy/github/netra-verify.yml"
HEADS = '["0004_message_times"]'
PREFIX = "projects/p/secrets/netra-verify"
INPUTS = {
    "inputs.target": "local", "inputs.evidence": "", "inputs.write": "true", "inputs.heads || '[]'": HEADS,
    "inputs.secrets-of": PREFIX, "inputs.quick": "true", "inputs.tag": "verify", "inputs.share": "0",
    "inputs.targets-dir": "targets", "inputs.known-failures": "", "inputs.suite && 'calling' || '.'": ".",
    "inputs.token-way": "sign", "inputs.environment": "OURS=1", "github.token": "",
    "inputs.messengers && format('secret:{0}/versions/latest', inputs.messengers) || ''": "",
}  # fmt: skip


def steps() -> list[dict[str, Any]]:
    """The steps of the one job."""
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]["verify"]["steps"]
    return found


def step(name: str) -> dict[str, Any]:
    """The step of that name."""
    (found,) = (one for one in steps() if one.get("name") == name)
    return found


def environment(**given: str) -> dict[str, str]:
    """The environment of the verify step: an expression is looked up by its text, and an unknown one fails."""
    values = INPUTS | {f"inputs.{name}": value for name, value in given.items()}
    return {key: _filled(value, values) for key, value in step("Verify")["env"].items()}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values[match[1]], text)
