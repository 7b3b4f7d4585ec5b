"""Whole runs against the twin, by the commands of the README."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gate.document import SCHEMA
from tests.system.running import ROOT, ReusedTwin, assert_go, descendants, own_temporary_folder, run, start, verdict_in
from tests.system.waiting import HANGS_S, until

QUICK = ("pytest", "-c", "pytest.ini", "--target=local", "--quick")
pytestmark = pytest.mark.slow


def verify(reports: Path, *twin: str, more: tuple[str, ...] = ()) -> tuple[int, str]:
    words = ("twin", "exec", *twin, "--", str(ROOT / ".venv/bin/python"), "-m", *QUICK, f"--report-dir={reports}")
    return run(*words, *more)


def test_the_fixed_system_is_go(tmp_path: Path) -> None:
    code, output = verify(tmp_path)
    document, go = verdict_in(tmp_path), assert_go(code, tmp_path, output)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    outcomes = {row["name"]: row["outcome"] for row in document["checks"]}
    assert len(outcomes) >= 60
    # The twin has no Prometheus, and its metadata are jsonb; whatever else a target can offer, the twin does.
    assert {name for name, outcome in outcomes.items() if outcome == "NOT_APPLICABLE"} == {
        "observability.prometheus",
        "threads.metadata[NUL escape]",
        "threads.metadata[lone surrogate]",
        "threads.metadata[duplicate keys]",
    }
    assert not go or {*outcomes.values()} == {"PASSED", "NOT_APPLICABLE"}
    assert document["residue"] == 0
    assert document["revision"] == "netra-backend-staging-00094-twn"


def test_the_system_as_reported_is_no_go_and_says_why(tmp_path: Path) -> None:
    reports, store = tmp_path / "reports", tmp_path / "store"
    code, output = verify(reports, "--state", "as-reported", more=(f"--evidence={store}",))
    document = verdict_in(reports)
    assert (code, document["verdict"], document["exit_code"]) == (1, "NO-GO", 1), output
    failed = {row["name"]: row for row in document["checks"] if row["outcome"] == "FAILED"}
    assert {
        "threads.metadata[sql-null]",
        "auth.agreement",
        "websocket.agent",  # the first that comes upon a WebSocket that lets no one in; the others say so
        "logs.zero-500",
    } <= failed.keys()
    lines = " ".join(line["text"] for line in failed["threads.metadata[sql-null]"]["server_lines"])
    assert "'NoneType' object has no attribute 'get'" in lines
    lines = " ".join(line["text"] for line in failed["websocket.agent"]["server_lines"])
    assert "'coroutine' object has no attribute 'get'" in lines
    (stored,) = store.glob("local/*/verdict.json")
    strict = json.loads(stored.read_text(encoding="utf-8"), parse_constant=refuse)
    jsonschema.validate(strict, json.loads(SCHEMA.read_text()))
    words = ("--target=local", f"--evidence={store}", f"--report-dir={tmp_path / 'gate'}")
    code, output = run("commands", "gate", *words)
    assert code == 1, output
    assert json.loads((tmp_path / "gate/latest/verdict.json").read_text())["doubts"] == []


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def test_the_fixes_taken_literally_are_no_go(tmp_path: Path) -> None:
    code, output = verify(tmp_path, "--state", "as-written")
    failed = {row["name"] for row in verdict_in(tmp_path)["checks"] if row["outcome"] == "FAILED"}
    assert code == 1, output
    assert {"threads.isolation[disagreeing owner]", "auth.outage", "auth.cheap-refusal", "health.fresh"} <= failed


@pytest.fixture(scope="module")
def addresses(reused_twin: ReusedTwin) -> tuple[str, dict[str, Any]]:
    return str(reused_twin.file), reused_twin.addresses


def against(addresses: str, reports: Path, *more: str) -> tuple[int, str]:
    return run(*QUICK, f"--report-dir={reports}", *more, env={"NETRA_ADDRESSES": addresses})


def test_a_selection_is_no_verdict_on_the_whole(addresses: tuple[str, Any], tmp_path: Path) -> None:
    code, _ = against(addresses[0], tmp_path, "-k", "migrations")
    document = verdict_in(tmp_path)
    assert (code, document["verdict"]) == (10, "INCONCLUSIVE")
    assert "migrations.head" not in document["missing"]


def test_nothing_matches_is_inconclusive(addresses: tuple[str, Any], tmp_path: Path) -> None:
    assert against(addresses[0], tmp_path, "-k", "nothing_matches")[0] == 10


WRONG: dict[str, Callable[[str], str]] = {
    "wrong password": lambda url: url.replace("netra_verify:", "netra_verify:wrong"),
    "nothing listens": lambda url: url.rpartition("@")[0] + "@127.0.0.1:9/netra",
    "no such database": lambda url: url.rpartition("/")[0] + "/nowhere",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_database_that_can_not_be_had_is_broken_not_failed(
    addresses: tuple[str, dict[str, Any]], tmp_path: Path, what: str
) -> None:
    url = WRONG[what](addresses[1]["database"]["url"])
    code, output = run(
        *QUICK,
        f"--report-dir={tmp_path}",
        "-k",
        "migrations or lists_own or owners_thread",
        env={"NETRA_ADDRESSES": addresses[0], "NETRA_DATABASE__URL": url, "NETRA_WRITING__CONFIRM": "local"},
    )
    outcomes = {row["name"]: row["outcome"] for row in verdict_in(tmp_path)["checks"]}
    assert code == 10, output
    assert (outcomes["migrations.head"], outcomes["threads.lists-own"]) == ("BROKEN", "BROKEN")
    assert "database.url" in output
    assert "Traceback" not in output


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    _interrupted(tmp_path, signal.SIGINT)


def test_a_kill_leaves_nothing_behind(tmp_path: Path) -> None:
    _interrupted(tmp_path, signal.SIGKILL)


def _interrupted(reports: Path, number: signal.Signals) -> None:
    words = ("twin", "exec", "--", str(ROOT / ".venv/bin/python"), "-m", *QUICK, f"--report-dir={reports}")
    with own_temporary_folder() as (env, temporary):
        process = start(*words, env=env)
        until((reports / "latest/verdict.json").exists, "the run did not begin")
        time.sleep(2)  # somewhere in the middle: where exactly does not matter
        children = descendants(process.pid)
        process.send_signal(number)
        process.communicate(timeout=HANGS_S)
        until(lambda: not [one for one in children if one.is_running() and one.status() != "zombie"], "orphans")
        until(lambda: not list(temporary.iterdir()), "a folder was left")
    assert verdict_in(reports)["verdict"] == "INCONCLUSIVE"
