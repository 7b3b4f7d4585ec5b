"""The twin as a user runs it: it boots, breaks on request, and leaves nothing behind however it ends."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.system.running import descendants, own_temporary_folder, run, start, twin_up
from tests.system.waiting import HANGS_S, until


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with twin_up(tmp_path_factory.mktemp("twin")) as addresses:
        yield addresses


def test_it_serves_what_it_says(twin: dict[str, Any]) -> None:
    body = httpx.get(f"{twin['backend']['url']}/health/detailed").json()
    assert (body["status"], body["failed_checks"]) == ("healthy", [])
    assert httpx.get(f"{twin['backend']['url']}/api/threads").status_code == 401


def test_a_fault_is_switched_on_and_off_while_it_runs(twin: dict[str, Any]) -> None:
    control, health = twin["twin"]["control_url"], f"{twin['backend']['url']}/health/detailed"
    assert httpx.put(f"{control}/faults/health.answers-503").json() == ["health.answers-503"]
    assert httpx.get(health).status_code == 503
    assert httpx.delete(f"{control}/faults/health.answers-503").json() == []
    assert httpx.get(health).status_code == 200


def test_an_unknown_fault_is_404_and_changes_nothing(twin: dict[str, Any]) -> None:
    control = twin["twin"]["control_url"]
    assert httpx.put(f"{control}/faults/no.such-fault").status_code == 404
    assert httpx.get(f"{control}/state").json()["faults"] == []


@pytest.mark.parametrize("dependency", ["auth", "redis", "database"])
def test_a_dependency_goes_down_and_comes_back(twin: dict[str, Any], dependency: str) -> None:
    control, health = twin["twin"]["control_url"], f"{twin['backend']['url']}/health/detailed"
    httpx.put(f"{control}/dependencies/{dependency}/down", timeout=30).raise_for_status()
    assert httpx.get(health, timeout=10).json()["status"] == "unhealthy"
    httpx.put(f"{control}/dependencies/{dependency}/up", timeout=30).raise_for_status()
    until(lambda: httpx.get(health, timeout=10).json()["status"] == "healthy", "it did not recover")


def test_a_process_gets_ready_while_it_is_down(twin: dict[str, Any]) -> None:
    control, auth = twin["twin"]["control_url"], f"{twin['auth']['url']}/health"
    pids = [httpx.get(f"{control}/state").json()["pids"]["auth"]]
    for way in ("down", "up"):
        httpx.put(f"{control}/dependencies/auth/{way}", timeout=30).raise_for_status()
        assert (httpx.get(auth).status_code == 200) is (way == "up")
        (now,) = [pid for name, pid in httpx.get(f"{control}/state").json()["pids"].items() if "auth" in name]
        pids.append(now)
    assert pids[0] != pids[1] == pids[2]


def test_the_request_log_tells_what_was_asked(twin: dict[str, Any]) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    httpx.get(f"{twin['backend']['url']}/health", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    question = {"resourceNames": ["projects/netra-staging"], "filter": f'trace:"{trace}"'}
    url = f"{twin['platform']['logging_url']}/v2/entries:list"
    until(lambda: "entries" in httpx.post(url, json=question).json(), "the request is not in the log")
    request = next(one for one in httpx.post(url, json=question).json()["entries"] if "httpRequest" in one)
    assert request["httpRequest"]["status"] == 200
    assert request["resource"]["labels"]["service_name"] == "netra-backend-staging"


def test_the_database_wants_its_password(twin: dict[str, Any]) -> None:
    url = twin["database"]["url"]
    assert url.startswith("postgresql://netra_verify:")
    assert "127.0.0.1" in url


@pytest.mark.parametrize(
    "words,said",
    [
        (("--state", "fixd"), "known are fixed, as-reported, as-written"),
        (("--fault", "threads.none-for-dickt"), "threads.none-for-dict"),
    ],
)
def test_a_wrong_name_is_one_paragraph_with_what_is_near(words: tuple[str, ...], said: str) -> None:
    code, output = run("twin", "exec", *words, "--", "true")
    assert code == 2
    assert said in output
    assert "Traceback" not in output


def test_a_taken_port_is_named(twin: dict[str, Any]) -> None:
    port = twin["backend"]["url"].rpartition(":")[2]
    code, output = run("twin", "exec", "--port-backend", port, "--", "true")
    assert code == 2
    assert port in output
    assert "Traceback" not in output


def _boot(tmp_path: Path, env: dict[str, str]) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    addresses = tmp_path / "addresses.json"
    process = start("twin", "hold", "--addresses", str(addresses), env=env)
    until(addresses.exists, "it did not boot")
    return process, descendants(process.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    with own_temporary_folder() as (env, temporary):
        process, children = _boot(tmp_path, env)
        assert len(children) >= 5
        process.send_signal(number)
        process.communicate(timeout=HANGS_S)
        until(lambda: not [one for one in children if one.is_running() and one.status() != "zombie"], "orphans")
        until(lambda: not list(temporary.iterdir()), "a folder was left")


def test_it_ends_with_whoever_holds_its_standard_input(tmp_path: Path) -> None:
    addresses = tmp_path / "addresses.json"
    with own_temporary_folder() as (env, temporary):
        holder = start("tests.system.holder", str(addresses), env=env)
        until(addresses.exists, "it did not boot")
        children = descendants(holder.pid)
        assert len(children) >= 5
        holder.kill()
        holder.communicate(timeout=HANGS_S)
        until(lambda: not [one for one in children if one.is_running() and one.status() != "zombie"], "orphans")
        until(lambda: not list(temporary.iterdir()), "a folder was left")


def test_a_signal_ends_it_well_while_its_standard_input_is_still_held(tmp_path: Path) -> None:
    addresses = tmp_path / "addresses.json"
    process = start("twin", "hold", "--while-stdin", "--addresses", str(addresses), stdin=subprocess.PIPE)
    until(addresses.exists, "it did not boot")
    process.terminate()
    assert process.stdout is not None
    assert process.stdout.read() == ""  # not a word, above all no "Fatal Python error" of a thread that still reads
    assert process.wait(timeout=HANGS_S) == 0
    process.communicate()


def test_two_twins_run_side_by_side(twin: dict[str, Any], tmp_path: Path) -> None:
    with twin_up(tmp_path) as other:
        assert other["backend"]["url"] != twin["backend"]["url"]
        assert httpx.get(f"{other['backend']['url']}/health").status_code == 200


def test_the_list_of_faults_is_printed() -> None:
    code, output = run("twin", "faults")
    assert code == 0
    assert len(output.splitlines()) > 100
    assert "dependency." not in output


def test_the_addresses_are_private(tmp_path: Path) -> None:
    with twin_up(tmp_path):
        path = tmp_path / "addresses.json"
        assert path.stat().st_mode & 0o077 == 0
        assert json.loads(path.read_text())["tokens"]["signing_secret"]
