"""Every pipeline file is what its system takes, by that system's schema and linters, and sticks to our own rules."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import BaseModel

from targets.model import Target
from tests.deploy import github, gitlab
from tests.system.running import ROOT, run
from tests.system.waiting import HANGS_S

DEPLOY = ROOT / "deploy"
PIPELINES = sorted(path for path in DEPLOY.rglob("*.y*ml") if "node_modules" not in path.parts)
WORKFLOWS = sorted([*(DEPLOY / "github").glob("*.yml"), *(ROOT / ".github/workflows").glob("*.yml")])
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci", "cloudbuild": "vendor.cloudbuild"}
BIN = Path(sys.executable).parent
OF_THE_GATE = {"NETRA_EVIDENCE", "NETRA_TELL"}
READING = {"contents": "read", "id-token": "write"}
TELLING = dict.fromkeys(("statuses", "pull-requests", "deployments"), "write")
ALONE = {"contents": "read"}
GIVEN = {"deploy": READING, "shift": READING, "tests": ALONE, "packages": ALONE}  # every other job judges, and tells


def named(path: Path) -> str:
    return str(path.relative_to(DEPLOY if path.is_relative_to(DEPLOY) else ROOT))


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def tool(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [BIN / words[0], *words[1:]],
        cwd=cwd,
        text=True,
        check=False,
        timeout=HANGS_S,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the workflows where GitHub looks for them."""
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["/usr/bin/env", "git", "init", "--quiet", folder], check=True)
    for path in WORKFLOWS:
        (folder / ".github/workflows").mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder / ".github/workflows")
    return folder


def test_actionlint_finds_nothing(repository: Path) -> None:
    tool("actionlint", cwd=repository)


def test_zizmor_finds_nothing_offline(repository: Path) -> None:
    tool("zizmor", "--offline", "--no-progress", ".", cwd=repository)


def test_zizmor_would_find_an_action_by_tag(repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository, tmp_path / "copy")
    path = tmp_path / "copy/.github/workflows/netra-verify.yml"
    path.write_text(re.sub(r"checkout@[0-9a-f]{40}", "checkout@v5", path.read_text()))
    with pytest.raises(AssertionError, match="unpinned-uses"):
        tool("zizmor", "--offline", "--no-progress", ".", cwd=tmp_path / "copy")


@pytest.mark.parametrize("path", [one for one in PIPELINES if one.parent.name in SCHEMAS], ids=named)
def test_the_systems_schema_takes_it(path: Path, tmp_path: Path) -> None:
    schema = SCHEMAS[path.parent.name]
    if path == gitlab.FILE:  # with its inputs put in: the schema knows no header
        path = tmp_path / path.name
        path.write_text(gitlab.interpolated())
    tool("check-jsonschema", "--builtin-schema", schema, path, cwd=ROOT)


def test_renovate_takes_the_configuration_of_updates_and_finds_the_workflows_by_it() -> None:
    tool("check-jsonschema", "--builtin-schema", "vendor.renovate", ROOT / "renovate.json", cwd=ROOT)
    (pattern,) = json.loads((ROOT / "renovate.json").read_text())["github-actions"]["managerFilePatterns"]
    found = re.compile(pattern.strip("/"))
    assert all(found.search(str(path.relative_to(ROOT))) for path in WORKFLOWS if path.is_relative_to(DEPLOY))


def test_the_matrix_has_every_python_that_the_package_is_classified_for() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    named_there = {one.rpartition(" ")[2] for one in classifiers if re.search(r":: 3\.\d+$", one)}
    matrix = documents(ROOT / ".github/workflows/tests.yml")[0]["jobs"]["tests"]["strategy"]["matrix"]
    assert set(matrix["python"]) == named_there
    assert {one.partition("-")[0] for one in matrix["system"]} == {"ubuntu", "macos"}
    assert "ubuntu-24.04-arm" in matrix["system"]


def test_a_hosted_runners_cache_holds_downloads_that_the_lock_names_and_checks() -> None:
    (python,) = (one["with"] for one in github.steps() if one.get("uses", "").startswith("actions/setup-python@"))
    install = github.step("Install the suite")["run"]
    assert python["cache"] == "pip"
    assert python["cache-dependency-path"] in install
    assert "--require-hashes" in install


def test_an_input_of_one_pipeline_is_one_of_the_other() -> None:
    """What fits more than one team on GitHub does so on GitLab; a runner is named by tags there."""
    workflow: dict[Any, Any] = dict(documents(DEPLOY / "github/netra-verify.yml")[0])
    github = workflow[True]["workflow_call"]["inputs"]  # YAML 1.1 takes "on" for a truth
    assert gitlab.inputs().keys() - {"tags"} <= github.keys()


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_actions_are_pinned_by_digest_and_named_by_version(path: Path) -> None:
    used = re.findall(r"^\s+(?:- )?uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    pinned = r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/netra-verify\.yml # zizmor: .*"
    assert not [one for one in used if not re.fullmatch(pinned, one)]


def test_an_action_has_one_digest_in_all_workflows() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", text))
    assert len(pins) == len({action for action, _ in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_a_workflow_may_nothing_but_what_a_job_is_given(path: Path) -> None:
    workflow = documents(path)[0]
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"] == GIVEN.get(name, READING | TELLING), name


def test_what_a_run_left_is_kept_also_when_it_failed() -> None:
    steps = github.steps()
    verify = next(index for index, step in enumerate(steps) if step.get("name") == "Verify")
    assert steps[verify + 1 :]
    assert {step["if"] for step in steps[verify + 1 :]} == {"always()"}
    assert gitlab.jobs()[".netra-verify"]["artifacts"]["when"] == "always"


@pytest.mark.parametrize("path", PIPELINES, ids=named)
def test_no_pipeline_holds_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"NETRA_(?:TOKENS__(?:SIGNING_SECRET|SERVICE_KEY|GIVEN)|DATABASE__URL)", text):
        value = re.search(rf"{name}(?:\n\s+value)?[=:]\s*(\S+)", text)
        assert value is not None
        assert value[1].startswith("secret:"), name


@pytest.mark.parametrize("path", [*PIPELINES, DEPLOY / "container/phase.py"], ids=named)
def test_every_variable_of_ours_that_a_pipeline_sets_exists(path: Path) -> None:
    for name in set(re.findall(r"NETRA_[A-Z_]+__[A-Z_]+", path.read_text(encoding="utf-8"))):
        fields: Any = Target
        for part in name.removeprefix("NETRA_").lower().split("__"):
            assert part in cast("type[BaseModel]", fields).model_fields, name
            fields = fields.model_fields[part].annotation
    single = set(re.findall(r"NETRA_[A-Z]+(?![A-Z_])", path.read_text(encoding="utf-8")))
    assert single <= OF_THE_GATE


@pytest.fixture(scope="module")
def options() -> str:
    return run("pytest", "-c", "pytest.ini", "--help")[1]


@pytest.mark.parametrize("path", PIPELINES, ids=named)
def test_every_option_and_phase_that_a_pipeline_gives_the_suite_exists(path: Path, options: str) -> None:
    text = path.read_text(encoding="utf-8")
    given = set(re.findall(r"--(?:target|phase|evidence|quick|report-dir|targets-dir|revision|shard)\b", text))
    assert not [one for one in given if one not in options]
    phases = set(re.findall(r"(?:--phase=|\bphase: |PHASE: )([a-z]+)\b", text))
    known = re.search(r"--phase=\{([a-z,]+)\}", options)
    assert known is not None
    assert phases <= {*known[1].split(","), "gate"}


def test_no_pipeline_leaves_the_heads_empty_that_staging_requires() -> None:
    for path in PIPELINES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"HEADS\W+(?:value: )?[\"']\[\][\"']", text), path


def test_the_rollout_is_verified_by_the_container() -> None:
    pipeline, target = documents(DEPLOY / "clouddeploy/clouddeploy.yaml")
    stage = pipeline["serialPipeline"]["stages"][0]
    canary = stage["strategy"]["canary"]
    phases = canary["customCanaryDeployment"]["phaseConfigs"]
    assert [phase["percentage"] for phase in phases] == [10, 100]
    assert all(phase["verify"] is True for phase in phases)
    assert canary["runtimeConfig"]["cloudRun"]["canaryRevisionTags"] == ["verify"]
    assert stage["targetId"] == target["metadata"]["name"]
    skaffold = documents(DEPLOY / "clouddeploy/skaffold.yaml")[0]
    of_phases = [name for phase in phases for name in phase.get("profiles", [])]
    assert [*stage["profiles"], *of_phases] == [one["name"] for one in skaffold["profiles"]]
    (verify,) = skaffold["verify"]
    seconds = int(target["executionConfigs"][1]["executionTimeout"].rstrip("s"))
    assert verify["timeout"] < seconds
    assert "executionMode" not in verify, "a job manifest may lose the exit code (skaffold#10073)"
    (manifest,) = (DEPLOY / "clouddeploy" / one for one in skaffold["profiles"][0]["manifests"]["rawYaml"])
    assert documents(manifest)[0]["spec"]["template"]["spec"]["timeoutSeconds"] == 3600
