"""The container's contract, shown without an engine: its own user, a clean folder, and the suite's lock alone."""

import json
import re
import signal
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.image import DOCKERFILE, Image, copied, instructions, last_line
from tests.system.running import ROOT
from tests.system.waiting import HANGS_S, until

ROOMS = {"commands", "fixtures", "gate", "probes", "suites", "targets"}
RUN = ("--target=local", "--quick")


@pytest.mark.slow
def test_a_good_release_is_zero_and_the_last_line_says_go(image: Image, twin: dict[str, Any], targets: str) -> None:
    code, log = image.run(*RUN, f"--targets-dir={targets}", env=twin["addresses"])
    assert code == 0, log
    assert re.fullmatch(
        r"VERDICT: GO target=local phase=smoke revision=netra-backend-staging-\S+ exit_code=0 reason=all \d+ .*",
        last_line(log),
    )
    owner = (image.folder / "tmp/reports/latest/verdict.json").stat().st_uid
    assert image.user in {None, owner}


@pytest.mark.slow
def test_a_fault_is_not_zero_and_the_last_line_says_why(image: Image, twin: dict[str, Any]) -> None:
    switch = f"{twin['twin']['control_url']}/faults/threads.none-for-dict"
    httpx.put(switch, timeout=30).raise_for_status()
    try:
        code, log = image.run(*RUN, env=twin["addresses"])
    finally:
        httpx.delete(switch, timeout=30).raise_for_status()
    assert code == 1, log
    assert re.fullmatch(r"VERDICT: NO-GO .* exit_code=1 reason=\d+ cases? failed: .*threads.*", last_line(log))
    assert image.run("verdict") == (1, f"{last_line(log)}\n")


@pytest.mark.slow
def test_too_little_is_not_zero_either(image: Image, twin: dict[str, Any]) -> None:
    code, log = image.run(*RUN, "-k", "migrations", env=twin["addresses"])
    assert (code, last_line(log).startswith("VERDICT: INCONCLUSIVE ")) == (10, True), log


@pytest.mark.slow
def test_an_unconfigured_target_is_not_zero_and_says_what_to_set(image: Image) -> None:
    code, log = image.run("--target=staging", "--phase=smoke")
    assert code == 4
    assert "NETRA_TOKENS__SIGNING_SECRET" in log
    assert last_line(log) == "VERDICT: INCONCLUSIVE exit_code=4 reason=no verdict was written; the reason is above"
    assert "Traceback" not in log


@pytest.mark.slow
def test_an_older_go_is_not_read_when_nothing_ran(image: Image) -> None:
    latest = image.folder / "tmp/reports/latest"
    latest.unlink(missing_ok=True)
    old = image.folder / "tmp/reports/local/old"
    old.mkdir(parents=True, exist_ok=True)
    go = {"verdict": "GO", "exit_code": 0, "reason": "all", "target": "local", "phase": "smoke", "revision": "r"}
    (old / "verdict.json").write_text(json.dumps(go))
    latest.symlink_to(Path("local/old"))
    code, log = image.run("--target=nowhere")
    assert (code, "no verdict was written" in last_line(log)) == (4, True), log


@pytest.mark.slow
@pytest.mark.parametrize(
    "written, code",
    [
        ({"verdict": "GO", "exit_code": 0}, 0),
        ({"verdict": "NO-GO", "exit_code": 1}, 1),
        ({"verdict": "INCONCLUSIVE", "exit_code": 10}, 10),
        ({"verdict": "GO", "exit_code": 1}, 1),  # the two disagree: neither counts alone
        ({"verdict": "NO-GO", "exit_code": 0}, 10),
        ({"verdict": "GO"}, 10),
        (None, 10),
    ],
)
def test_the_verdict_alone_decides_as_the_run_did(image: Image, written: dict[str, Any] | None, code: int) -> None:
    folder = image.folder / "tmp/written/latest"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"reason": "so", "target": "t", "phase": "smoke", "revision": "r", **written}) if written else "{"
    (folder / "verdict.json").write_text(text)
    ended, log = image.run("verdict", env={"REPORTS": str(folder.parent)})
    assert ended == code
    assert last_line(log).startswith("VERDICT: GO" if code == 0 else "VERDICT: ")
    assert ("VERDICT: GO" in log) == (code == 0)


@pytest.mark.slow
def test_a_report_folder_as_an_option_is_refused(image: Image) -> None:
    code, log = image.run("--target=local", "--report-dir=/elsewhere")
    assert (code, "REPORTS" in last_line(log)) == (4, True)


@pytest.mark.slow
def test_a_request_to_stop_leaves_a_verdict_and_is_not_zero(image: Image, twin: dict[str, Any]) -> None:
    reports = image.folder / "tmp/stopped"
    env = image.environment({**twin["addresses"], "REPORTS": str(reports)})
    process = subprocess.Popen(
        image.words(*RUN),
        cwd="/",
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=image.user,
        group=image.user,
        extra_groups=None if image.user is None else [],
    )
    until((reports / "latest/verdict.json").exists, "the run did not begin")
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode not in {0, None}, log
    assert last_line(log).startswith("VERDICT: INCONCLUSIVE ")
    assert json.loads((reports / "latest/verdict.json").read_text())["verdict"] == "INCONCLUSIVE"


def test_the_image_is_small_pinned_and_not_root() -> None:
    words = instructions()
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", dict(words)["ARG"])
    assert {rest.split()[0] for word, rest in words if word == "FROM"} == {"${BASE}"}
    users = [rest for word, rest in words if word == "USER"]
    assert [re.fullmatch(r"[1-9]\d*:[1-9]\d*", one) is not None for one in users] == [True]
    (install,) = (rest for word, rest in words if word == "RUN")
    assert all(one in install for one in ("--require-hashes", "--no-deps", "--only-binary=:all:", "--no-cache-dir"))


def test_the_image_holds_the_wheel_and_the_entry_points_scripts_and_nothing_else() -> None:
    sources = {source for given, _ in copied() for source in given}
    scripts = {f"deploy/container/{path.name}" for path in DOCKERFILE.parent.glob("*.py")}
    assert sources == scripts | {"LICENSE"}
    (built,) = (rest.split()[:-1] for word, rest in instructions() if word == "COPY" and rest.endswith(" /build/"))
    assert built == ["requirements-suite-extras.lock", "dist/netra_verify-*.whl"]
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in allowed if line.startswith("!")} == sources | set(built)


@pytest.mark.slow
def test_the_suite_in_the_image_is_the_wheels(image: Image) -> None:
    (tree,) = (image.folder / "venv").glob("lib/python*/site-packages/netra_verify/tree")
    assert {one.name for one in tree.iterdir() if one.is_dir()} >= ROOMS
    assert not {one.name for one in (image.folder / "app").iterdir() if one.is_dir()}


def test_the_suites_lock_is_part_of_the_whole_lock_and_names_no_host() -> None:
    suite, whole = ((ROOT / name).read_text() for name in ("requirements-suite-extras.lock", "requirements.lock"))
    assert "://" not in suite
    pins = [set(re.findall(r"^([a-z0-9-]+==[^ ;\\]+)", text, re.MULTILINE)) for text in (suite, whole)]
    assert pins[0] <= pins[1]
    assert pins[0]
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11"
