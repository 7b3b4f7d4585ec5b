"""The pipelines' own command lines, from their files, against the twin: in the container, secrets given as names."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from google.auth.identity_pool import Credentials

from tests.deploy import github
from tests.deploy.github import HEADS, PREFIX
from tests.deploy.gitlab import jobs, variables
from tests.deploy.image import Image, last_line
from tests.deploy.secret_manager import secret_manager
from tests.system.running import LONG_S, ROOT, assert_go, clean_environment, verdict_in

DEPLOY = ROOT / "deploy"
QUICK = {"PYTEST_ADDOPTS": "--quick"}


@pytest.fixture
def surroundings(image: Image, twin: dict[str, Any]) -> Iterator[dict[str, str]]:
    """What a pipeline finds in its environment here: the twin without its secrets, and who gives those out."""
    held = {
        "netra-verify-signing-secret": twin["tokens"]["signing_secret"],
        "netra-verify-service-key": twin["tokens"]["service_key"],
        "netra-verify-database-url": twin["database"]["url"],
    }
    secretless = image.folder / "secretless.json"
    bare = {key: value for key, value in twin.items() if key not in {"tokens", "database", "addresses"}}
    secretless.write_text(json.dumps(bare))
    secretless.chmod(0o644)
    with secret_manager(held, image.folder / "account.json") as told:
        yield {**told, **QUICK, "NETRA_ADDRESSES": str(secretless)}


def read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))
    return document


def shell(
    script: str,
    *,
    cwd: Path,
    env: Mapping[str, str],
    user: int | None = None,
    by: Sequence[str] = ("/bin/bash", "-e", "-c"),
) -> tuple[int, str]:
    done = subprocess.run(
        [*by, script],
        cwd=cwd,
        env=env,
        text=True,
        user=user,
        group=user,
        check=False,
        extra_groups=None if user is None else [],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LONG_S,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_githubs_verify_step_masks_secrets_and_has_outputs(surroundings: dict[str, str], tmp_path: Path) -> None:
    own = github.environment(evidence=str(tmp_path / "evidence"), phase="smoke")
    runner = {
        **clean_environment(),
        **own,
        **surroundings,
        "GITHUB_ACTIONS": "true",
        "REPORTS": str(tmp_path / "reports"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    code, log = shell(github.step("Verify")["run"], cwd=ROOT, env=runner)
    word = "GO" if assert_go(code, tmp_path / "reports", log) else "INCONCLUSIVE"
    assert last_line(log).startswith(f"VERDICT: {word} target=local phase=smoke ")
    assert [line.startswith("::add-mask::") for line in log.splitlines()[:4]] == [True] * 4
    assert word in (tmp_path / "summary.md").read_text()
    reading = github.step("Read the verdict")["run"].replace(" reports ", f" {tmp_path}/reports ")
    assert shell(reading, cwd=ROOT, env=runner) == (0, "")
    revision = verdict_in(tmp_path / "reports")["revision"]
    assert (tmp_path / "output").read_text() == f"verdict={word}\nrevision={revision}\nwaiting=false\n"


def test_a_run_without_a_verdict_has_outputs_too(tmp_path: Path) -> None:
    code, said = shell(f".venv/bin/python deploy/container/outputs.py {tmp_path}", cwd=ROOT, env=clean_environment())
    assert (code, said) == (0, "verdict=INCONCLUSIVE\nrevision=\nwaiting=false\n")


@pytest.mark.parametrize(
    "outcome, patient, code",
    [("success", "false", 0), ("failure", "false", 1), ("failure", "true", 0), ("cancelled", "false", 1), ("", "", 1)],
)
def test_githubs_last_step_is_green_for_go_and_for_patience_alone(outcome: str, patient: str, code: int) -> None:
    last = github.steps()[-1]
    assert last["name"] == "Decide"
    env = {"OUTCOME": outcome, "PATIENT": patient, "VERDICT": "INCONCLUSIVE", "PATH": "/usr/bin:/bin"}
    assert shell(last["run"], cwd=ROOT, env=env)[0] == code


WAITING: dict[str, Any] = {
    "verdict": "INCONCLUSIVE",
    "residue": 0,
    "interrupted": "",
    "doubts": [],
    "checks": [{"required": True, "outcome": "PASSED"}, {"required": True, "outcome": "PENDING"}],
}


@pytest.mark.parametrize(
    "other, waiting",
    [
        ({}, True),
        ({"verdict": "NO-GO"}, False),
        ({"doubts": ["a run is missing"]}, False),
        ({"residue": 2}, False),
        ({"residue": None}, False),
        ({"interrupted": "SIGTERM"}, False),
        ({"checks": [*WAITING["checks"], {"required": True, "outcome": "BROKEN"}]}, False),
        ({"checks": []}, False),
    ],
)
def test_waiting_is_for_time_and_nothing_else(tmp_path: Path, other: dict[str, Any], waiting: bool) -> None:  # noqa: FBT001 - a parameter of the table above
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest/verdict.json").write_text(json.dumps({**WAITING, **other}))
    _, said = shell(f".venv/bin/python deploy/container/outputs.py {tmp_path}", cwd=ROOT, env=clean_environment())
    assert f"waiting={str(waiting).lower()}" in said.splitlines()


@pytest.mark.slow
def test_cloud_deploys_container_is_go(image: Image, surroundings: dict[str, str], targets: str) -> None:
    """A whole run: the gate counts no pass of a quick one."""
    (verify,) = read("clouddeploy/skaffold.yaml")["verify"]
    container = verify["container"]
    env = {one["name"]: one["value"] for one in container["env"]}
    env |= {"NETRA_EVIDENCE": str(image.folder / "tmp/evidence"), "NETRA_WRITING__CONFIRM": "local"}
    env |= surroundings | {"PYTEST_ADDOPTS": ""}
    arguments = [one.replace("staging", "local") for one in container["args"]]
    reports = Path(image.environment()["REPORTS"])
    code, log = image.run(*arguments, f"--targets-dir={targets}", env=env)
    go = assert_go(code, reports, log)
    assert last_line(log).startswith(f"VERDICT: {'GO' if go else 'INCONCLUSIVE'} target=local phase=smoke ")
    code, log = image.run("gate", "--target=local", f"--targets-dir={targets}", env=env)
    assert (code, last_line(log).startswith("VERDICT: INCONCLUSIVE target=local phase=gate ")) == (10, True), log
    assert "soak" in log
    told = shell(f".venv/bin/python deploy/container/outputs.py {reports}", cwd=ROOT, env=clean_environment())[1]
    assert f"waiting={str(go).lower()}" in told.splitlines()


def substituted(text: str, values: Mapping[str, str]) -> str:
    """A text as Cloud Build fills it in."""
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text).replace("$$", "$")


def test_cloud_builds_script_has_no_value_that_a_shell_would_read() -> None:
    (step,) = read("cloudbuild/cloudbuild.yaml")["steps"]
    script = step["args"][1]
    assert "${" not in script  # Cloud Build fills these in before the shell reads the script
    assert '"--target=$$TARGET" "--phase=$$PHASE"' in script


@pytest.mark.slow
def test_cloud_builds_step_fails_with_the_verdict_and_keeps_its_reports(
    image: Image, twin: dict[str, Any], surroundings: dict[str, str]
) -> None:
    build = read("cloudbuild/cloudbuild.yaml")
    (step,) = build["steps"]
    keep = image.folder / "tmp/kept"
    own = {"PROJECT_ID": "p", "BUILD_ID": "b-1", "_TARGET": "local", "_KEEP": str(keep), "_HEADS": HEADS}
    values = {**build["substitutions"], **own, "_SECRETS": PREFIX}
    env = dict(substituted(one, values).split("=", 1) for one in step["env"])
    env |= {"REPORTS": str(image.folder / "tmp/built"), **surroundings}
    script = substituted(step["args"][1], values)
    script = script.replace("python /app/", f"{image.folder}/venv/bin/python {image.folder}/app/")
    switch = f"{twin['twin']['control_url']}/faults/threads.none-for-dict"
    httpx.put(switch, timeout=30).raise_for_status()
    try:
        code, log = shell(script, cwd=Path("/"), env=image.environment(env), user=image.user, by=("/bin/sh", "-c"))
    finally:
        httpx.delete(switch, timeout=30).raise_for_status()
    assert code == 1, log
    assert last_line(log).startswith("VERDICT: NO-GO target=local phase=smoke ")
    kept = keep / "reports/b-1"
    assert json.loads((kept / "verdict.json").read_text())["verdict"] == "NO-GO"
    assert (kept / "report.html").stat().st_size > 0


def gitlabs(job: str, image: Image, surroundings: dict[str, str], **given: object) -> tuple[int, str]:
    """A job of GitLab's file in the image, with the variables that GitLab would have filled in."""
    described = jobs(target="local", **given)
    common = {"HEADS": HEADS, "CI_PROJECT_DIR": str(image.folder / "tmp")}
    env = variables(described, job, common)
    (script,) = described[".netra-verify"]["script"]
    script = script.replace("python /app/", f"{image.folder}/venv/bin/python {image.folder}/app/")
    env |= {"SECRETS_OF": PREFIX, **surroundings}
    return shell(script, cwd=image.folder, env=image.environment(env), user=image.user)


@pytest.mark.slow
def test_gitlabs_job_is_red_when_too_little_was_proved(image: Image, surroundings: dict[str, str]) -> None:
    surroundings["PYTEST_ADDOPTS"] = "-k migrations"
    code, log = gitlabs("netra-smoke", image, surroundings, quick=True)
    assert (code, last_line(log).startswith("VERDICT: INCONCLUSIVE target=local ")) == (10, True), log
    assert list((image.folder / "tmp/reports").glob("*/*/junit.xml"))


@pytest.mark.slow
def test_gitlabs_gate_is_a_warning_while_nothing_but_time_is_missing(
    image: Image, surroundings: dict[str, str], targets: str
) -> None:
    """After a whole run: the gate counts no pass of a quick one."""
    place = os.path.relpath(targets, image.folder / "tmp")
    shared = {**surroundings, "PYTEST_ADDOPTS": "", "NETRA_EVIDENCE": str(image.folder / "tmp/gitlab-evidence")}
    code, log = gitlabs("netra-smoke", image, shared, targets_dir=place)
    go = assert_go(code, image.folder / "tmp/reports", log)
    code, log = gitlabs("netra-gate", image, shared, targets_dir=place)
    assert last_line(log).startswith("VERDICT: INCONCLUSIVE target=local phase=gate "), log
    patience = jobs()[".netra-verify"]["allow_failure"]["exit_codes"]
    assert (code, code in patience) == ((75, True) if go else (10, False)), log


def test_gitlabs_identity_is_one_that_googles_library_takes(tmp_path: Path) -> None:
    job = jobs()[".netra-verify"]
    script = "\n".join(job["before_script"]).replace("/tmp/", f"{tmp_path}/")  # noqa: S108 - the job's own folder
    env = {
        "GOOGLE_ID_TOKEN": "a.b.c",
        "VERIFIER": "verifier@p.iam.gserviceaccount.com",
        "WORKLOAD_IDENTITY_PROVIDER": "projects/1/locations/global/workloadIdentityPools/pool/providers/gitlab",
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "google.json"),
    }
    assert shell(script, cwd=tmp_path, env=env) == (0, "")
    untyped: Any = Credentials
    credentials = untyped.from_file(str(tmp_path / "google.json"))
    assert credentials.service_account_email == env["VERIFIER"]
    assert (tmp_path / "id-token").read_text() == "a.b.c"
