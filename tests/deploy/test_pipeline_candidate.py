"""The pipelines' command lines for a revision before it has traffic, taken from their files, against the twin."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import github
from tests.deploy.github import HEADS, PREFIX
from tests.deploy.gitlab import jobs, variables
from tests.deploy.image import last_line
from tests.deploy.secret_manager import secret_manager
from tests.deploy.test_pipelines import shell
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
    own = github.environment(phase="candidate")
    reports = tmp_path / "reports"
    runner = {**clean_environment(), **own, **surroundings, "REPORTS": str(reports)}
    refuse_other_revision(*shell(github.step("Verify")["run"], cwd=ROOT, env=runner), reports)


def test_gitlabs_job_judges_what_is_under_the_tag(surroundings: dict[str, str], tmp_path: Path) -> None:
    described = jobs(target="local", targets_dir="targets")
    given = {"HEADS": HEADS, "SECRETS_OF": PREFIX, "CI_PROJECT_DIR": str(ROOT)}
    env = variables(described, "netra-candidate", given) | {"SECRETS_OF": PREFIX}
    (script,) = described[".netra-verify"]["script"]
    script = script.replace("python /app/", ".venv/bin/python deploy/container/")
    reports = tmp_path / "reports"
    runner = {**clean_environment(), **env, **surroundings, "TAG": "verify", "REPORTS": str(reports)}
    refuse_other_revision(*shell(script, cwd=ROOT, env=runner), reports)
