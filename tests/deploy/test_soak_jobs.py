"""The soak as a job of Cloud Run and of Kubernetes: what the schemas take, and what a task reads of its share."""

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from google.cloud import run_v2
from google.protobuf import json_format

from probes.soak.shards import EXECUTION, GROUP, Shard, shard_of
from tests.system.running import ROOT

JOBS = ROOT / "deploy/soak"


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((JOBS / name).read_text(encoding="utf-8"))
    return document


@pytest.fixture
def cloud_run() -> dict[str, Any]:
    return read("cloud-run-job.yaml")


@pytest.fixture
def kubernetes() -> dict[str, Any]:
    return read("kubernetes-job.yaml")


def parsed(document: dict[str, Any]) -> Any:  # noqa: ANN401 - a protobuf message
    return json_format.ParseDict(document, run_v2.Job.pb(run_v2.Job()), ignore_unknown_fields=False)


def test_the_admin_api_takes_the_job(cloud_run: dict[str, Any]) -> None:
    job = parsed(cloud_run)
    assert job.template.task_count == job.template.parallelism == 4
    assert job.template.template.max_retries == 0
    assert job.template.template.timeout.seconds >= 3600 * 1.2  # the hour, its opens, its last cut


def test_a_key_that_the_api_does_not_know_is_found(cloud_run: dict[str, Any]) -> None:
    cloud_run["template"]["template"]["retries"] = 3
    with pytest.raises(json_format.ParseError, match="retries"):
        parsed(cloud_run)


def test_kubernetes_takes_the_job(kubernetes: dict[str, Any]) -> None:
    kubernetes_validate.validate(kubernetes, kubernetes_validate.latest_version(), strict=True)


def test_a_key_that_kubernetes_does_not_know_is_found(kubernetes: dict[str, Any]) -> None:
    kubernetes["spec"]["completionsMode"] = "Indexed"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(kubernetes, kubernetes_validate.latest_version(), strict=True)


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "by reference") for one in container["env"]}


def test_every_pod_knows_its_share(kubernetes: dict[str, Any]) -> None:
    spec = kubernetes["spec"]
    given = variables(spec["template"]["spec"]["containers"][0])
    assert given["JOB_COMPLETIONS"] == str(spec["completions"]) == str(spec["parallelism"])
    shares = [shard_of({**given, "JOB_COMPLETION_INDEX": str(index)}) for index in range(spec["completions"])]
    assert shares == [Shard(index, 4, "by reference") for index in range(4)]
    assert GROUP in given


def test_every_task_knows_its_share(cloud_run: dict[str, Any]) -> None:
    """Cloud Run sets the index, the count and the execution's name in every task."""
    given = variables(cloud_run["template"]["template"]["containers"][0])
    platform = {"CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "4", EXECUTION: "netra-soak-x7k2p"}
    assert shard_of({**given, **platform}) == Shard(2, 4, "netra-soak-x7k2p")


@pytest.mark.parametrize("ended,told", [(0, 0), (1, 1), (4, 4), (10, 0)])
@pytest.mark.parametrize("which", ["cloud_run", "kubernetes"])
def test_a_share_that_held_is_no_failed_task(
    request: pytest.FixtureRequest, tmp_path: Path, which: str, ended: int, told: int
) -> None:
    """The script of the container, around a suite that ends with each code."""
    template = request.getfixturevalue(which)
    template = template["template"]["template"] if which == "cloud_run" else template["spec"]["template"]["spec"]
    container = template["containers"][0]
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {ended}\n", encoding="utf-8")
    python.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    words = [f"/bin/{container['command'][0]}", *container["command"][1:], *container["args"]]
    done = subprocess.run(words, env={"PATH": path}, check=False)
    assert done.returncode == told
