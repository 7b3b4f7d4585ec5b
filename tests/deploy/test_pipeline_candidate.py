"""The pipelines' command lines for a revision before it has traffic, taken from their files, against the twin."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.image import last_line
from tests.deploy.secret_manager import secret_manager
from tests.deploy.test_pipelines import HEADS, PREFIX, filled, read, shell
from tests.system.running import ROOT, clean_environment, twin_up, verdict_in
from twin.names import CANDIDATE_REVISION

pytestmark = pytest.mark.slow
ONE = {
    "PYTEST_ADDOPTS": "--quick -k release.candidate"
}  # what the run says of the revision; the rest is its own tests'
INCONCLUSIVE = 10


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A twin with a candidate, without its secrets, and who gives those out."""
    with twin_up(tmp_path, "--candidate") as twin:
        held = {
            "netra-verify-signing-secret": twin["tokens"]["signing_secret"],
            "netra-verify-service-key": twin["tokens"]["service_key"],
            "netra-verify-database-url": twin["database"]["url"],
        }
        secretless = tmp_path / "secretless.json"
        secretless.write_text(json.dumps({k: v for k, v in twin.items() if k not in {"tokens", "database"}}))
        with secret_manager(held, tmp_path / "account.json") as told:
            yield {**told, **ONE, "NETRA_ADDRESSES": str(secretless)}


def refuse_other_revision(code: int, log: str, reports: Path) -> None:
    assert (code, last_line(log).startswith("VERDICT: INCONCLUSIVE ")) == (INCONCLUSIVE, True), log
    verdict: Mapping[str, Any] = verdict_in(reports)
    assert (verdict["phase"], verdict["revision"]) == ("candidate", CANDIDATE_REVISION)
    assert [row["outcome"] for row in verdict["checks"] if row["id"] == "release.candidate"] == ["PASSED"]
    assert verdict["reason"].startswith("candidate, 0 % of traffic: ")


def test_githubs_verify_step_judges_what_is_under_the_tag(surroundings: dict[str, str], tmp_path: Path) -> None:
    steps = {step.get("name"): step for step in read("github/netra-verify.yml")["jobs"]["verify"]["steps"]}
    inputs = {
        "inputs.target": "local",
        "inputs.phase": "candidate",
        "inputs.evidence": "",
        "inputs.write && inputs.target || ''": "local",
        "inputs.heads || '[]'": HEADS,
        "inputs.secrets-of": PREFIX,
        "inputs.tag": "verify",
        "inputs.share": "0",
        "github.token": "",
        "inputs.messengers && format('secret:{0}/versions/latest', inputs.messengers) || ''": "",
    }
    own = {key: filled(value, inputs) for key, value in steps["Verify"]["env"].items()}
    reports = tmp_path / "reports"
    runner = {**clean_environment(), **own, **surroundings, "REPORTS": str(reports)}
    refuse_other_revision(*shell(steps["Verify"]["run"], cwd=ROOT, env=runner), reports)


def test_gitlabs_job_judges_what_is_under_the_tag(surroundings: dict[str, str], tmp_path: Path) -> None:
    jobs = read("gitlab/netra-verify.gitlab-ci.yml")
    variables = {**jobs[".netra-verify"]["variables"], **jobs["netra-candidate"]["variables"]}
    given = {"HEADS": HEADS, "SECRETS_OF": PREFIX, "CI_PROJECT_DIR": str(tmp_path), "TARGET": "local", "TAG": "verify"}
    env = {key: re.sub(r"\$([A-Z_]+)", lambda match: given[match[1]], str(value)) for key, value in variables.items()}
    (script,) = jobs["netra-candidate"]["script"]
    script = script.replace("python /app/entrypoint.py", ".venv/bin/python deploy/container/entrypoint.py")
    reports = tmp_path / "reports"
    runner = {**clean_environment(), **env, **surroundings, "TARGET": "local", "TAG": "verify", "REPORTS": str(reports)}
    refuse_other_revision(*shell(script, cwd=ROOT, env=runner), reports)
