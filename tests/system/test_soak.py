"""The soak as a user runs it, on a twin whose hour takes four seconds: whole, cut short, killed, shared out."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.system.running import ROOT, clean_environment, run, start, twin_up, verdict_in
from tests.system.waiting import HANGS_S, until

HOUR = "4s"
TARGET = ("--target=soaking", f"--targets-dir={Path(__file__).parent / 'targets'}")
SOAK = ("pytest", "-c", "pytest.ini", *TARGET, "--phase=soak", "--verdict-only")
CHECK = "websocket.one-hour"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("twin")
    with twin_up(folder, "--cut", HOUR) as told:
        yield told | {"env": {"NETRA_ADDRESSES": str(folder / "addresses.json")}}


def soak(twin: dict[str, Any], reports: Path, *more: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    return run(*SOAK, f"--report-dir={reports}", *more, env=twin["env"] | (env or {}))


def the_row(reports: Path) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in verdict_in(reports)["checks"] if row["id"] == CHECK)
    return row


def journal_in(reports: Path) -> list[dict[str, Any]]:
    text = next(reports.glob("latest/soak/journal.jsonl")).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def ticked(reports: Path, held_s: float) -> bool:
    """Whether the run that goes on has put so much on disk."""
    return bool(list(reports.glob("latest/soak/journal.jsonl"))) and held_in(journal_in(reports)) >= held_s


def held_in(journal: list[dict[str, Any]]) -> float:
    """For how many seconds sessions were held."""
    return float(sum(event["held"] for event in journal if event["t"] == "tick"))


def test_three_hours_pass_with_their_cuts_and_everybody_comes_back(twin: dict[str, Any], tmp_path: Path) -> None:
    code, output = soak(twin, tmp_path, "--duration=12s")
    row = the_row(tmp_path)
    assert (code, row["outcome"]) == (0, "PASSED"), output
    hour = row["figures"][0]
    assert hour["value"] == 0
    assert hour["details"]["planned_cuts_a_session"][0] >= 2
    assert hour["details"]["outlived_their_token"] > 10  # a token of a quarter of an hour, renewed with each reconnect
    assert "4 s stand for 3600 s" in hour["window"]
    accrual = row["accruals"][0]
    assert (accrual["kind"], accrual["proved"], accrual["need_s"], accrual["events"]) == ("exposure", True, 4.0, 0)
    assert {plot["kind"] for plot in row["plots"]} == {"sessions", "closes", "rtt"}
    assert "left" in output  # how far it is was said on the way
    ticks = [event["at"] for event in journal_in(tmp_path) if event["t"] == "tick"]
    assert max(b - a for a, b in pairwise(ticks)) < 10


def test_a_kill_loses_seconds_and_the_gap_is_stated(twin: dict[str, Any], tmp_path: Path) -> None:
    words = (*SOAK, f"--report-dir={tmp_path}", "--duration=14s")
    killed = start(*words, env=twin["env"])
    until(lambda: ticked(tmp_path, 6.0), "it did not get that far")
    killed.kill()
    killed.communicate(timeout=HANGS_S)
    assert verdict_in(tmp_path)["verdict"] == "INCONCLUSIVE"
    held_s = held_in(journal_in(tmp_path))
    before = [event for event in journal_in(tmp_path) if event["t"] in {"open", "close"}]
    code, output = soak(twin, tmp_path, "--duration=14s", "--resume=last")
    row = the_row(tmp_path)
    assert (code, row["outcome"]) == (0, "PASSED"), output
    assert held_in(journal_in(tmp_path)) < 14 + held_s / 2  # the rest alone was held again
    assert journal_in(tmp_path)[: len(before)]
    opened_before = sum(event["t"] == "open" for event in before)
    assert row["figures"][0]["n"] > opened_before
    assert row["evidence"]["gaps"][0].startswith("nothing was observed from ")
    assert "with 1 gap" in row["figures"][0]["window"]


def test_sigterm_writes_what_there_is(twin: dict[str, Any], tmp_path: Path) -> None:
    process = start(*SOAK, f"--report-dir={tmp_path}", "--duration=40s", env=twin["env"])
    until(lambda: ticked(tmp_path, 2.0), "it did not get that far")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=HANGS_S)
    row = the_row(tmp_path)
    assert row["outcome"] == "PENDING", said
    assert row["reason"].startswith("stopped before its end; bounded so far")
    assert row["figures"][0]["n"] >= 10
    assert not row["accruals"][0]["proved"]
    assert verdict_in(tmp_path)["verdict"] == "INCONCLUSIVE"
    assert process.returncode not in {0, 1}


def test_less_than_the_hour_is_bounded_and_not_passed(twin: dict[str, Any], tmp_path: Path) -> None:
    code, output = soak(twin, tmp_path, "--duration=2s")
    assert code == 10, output
    assert the_row(tmp_path)["outcome"] == "PENDING"
    assert "bounded so far: 2 s of the promised 4 s" in the_row(tmp_path)["reason"]


WRONG = {
    "no unit": (("--duration=90",), {}, "--duration '90' is not a duration: write 90s, 10m, 1h, 1h30m or 2d."),
    "no time": (("--duration=soon",), {}, "--duration 'soon' is not a duration"),
    "too short": (("--duration=0.5s",), {}, "too short"),
    "no such run": (("--resume=20260101T000000Z-abcdef",), {}, "there is none"),
    "no count": ((), {"JOB_COMPLETION_INDEX": "0"}, "JOB_COMPLETIONS is not"),
    "index too high": ((), {"CLOUD_RUN_TASK_INDEX": "4", "CLOUD_RUN_TASK_COUNT": "4"}, "numbered from 0"),
    "no group": ((), {"CLOUD_RUN_TASK_INDEX": "0", "CLOUD_RUN_TASK_COUNT": "4"}, "NETRA_SOAK_GROUP"),
    "no number": ((), {"CLOUD_RUN_TASK_INDEX": "first", "CLOUD_RUN_TASK_COUNT": "4"}, "is not a number"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_question_is_one_paragraph(twin: dict[str, Any], tmp_path: Path, what: str) -> None:
    words, env, said = WRONG[what]
    code, output = soak(twin, tmp_path, *words, env=env)
    assert code == 4, output
    assert said in output
    assert "Traceback" not in output


def test_a_request_timeout_that_is_too_short_is_found_at_once(twin: dict[str, Any], tmp_path: Path) -> None:
    control = twin["twin"]["control_url"]
    httpx.put(f"{control}/faults/release.request-timeout-300", timeout=30).raise_for_status()
    try:
        code, output = soak(twin, tmp_path, "--duration=1h")
    finally:
        httpx.delete(f"{control}/faults", timeout=30).raise_for_status()
    row = the_row(tmp_path)
    assert (code, row["outcome"]) == (1, "FAILED"), output
    assert row["actual"].startswith("300 s: the platform cuts every session at that age; none was opened")
    assert not [event for event in journal_in(tmp_path) if event["t"] == "open"]


def test_too_few_descriptors_are_our_own_fault(twin: dict[str, Any], tmp_path: Path) -> None:
    words = [sys.executable, "-m", *SOAK, f"--report-dir={tmp_path}", "--duration=5s"]
    env = clean_environment() | twin["env"] | {"NETRA_SIZES__SOAK_SESSIONS": "400"}
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    row = the_row(tmp_path)
    assert (done.returncode, row["outcome"]) == (10, "BROKEN"), done.stdout
    assert "470 descriptors and the hard limit is 256" in row["reason"]


def _shards(twin: dict[str, Any], folder: Path, count: int) -> list[dict[str, Any]]:
    """Run every share at once, each with a report folder of its own and one evidence store for all."""
    processes = [
        start(
            *SOAK,
            f"--report-dir={folder / f'task-{index}'}",
            f"--evidence=file://{folder / 'store'}",
            "--duration=5s",
            env=twin["env"]
            | {
                "CLOUD_RUN_TASK_INDEX": str(index),
                "CLOUD_RUN_TASK_COUNT": str(count),
                "CLOUD_RUN_EXECUTION": "netra-soak-x7k2p",
            },
        )
        for index in range(count)
    ]
    for process in processes:
        said, _ = process.communicate(timeout=HANGS_S)
        assert process.returncode == 10, said  # a share alone is not a verdict
    return [the_row(folder / f"task-{index}") for index in range(count)]


def test_four_shares_are_one_soak_and_three_are_none(twin: dict[str, Any], tmp_path: Path) -> None:
    rows = _shards(twin, tmp_path, 4)
    assert [row["reason"][:10] for row in rows] == [f"share {number} of" for number in (1, 2, 3, 4)]
    whole = merged(twin, tmp_path)
    assert whole["outcome"] == "PASSED"
    assert "in 4 shards" in json.dumps(whole["figures"])
    stored = {path: json.loads(path.read_text()) for path in tmp_path.glob("store/soaking/*/verdict.json")}
    lost = next(path for path, document in stored.items() if document["phase"] == "soak")  # not the gate
    shard = stored[lost]["checks"][0]["accruals"][0]["shard"]
    lost.unlink()
    left = merged(twin, tmp_path)
    assert left["outcome"] == "PENDING"
    assert f"soak netra-soak-x7k2p: missing shard {shard} of 4" in left["reason"]


def merged(twin: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the gate makes of the store's evidence for the hour."""
    gate = (
        "commands",
        "gate",
        *TARGET,
        f"--report-dir={folder / 'gate'}",
        f"--evidence=file://{folder / 'store'}",
    )
    code, output = run(*gate, env=twin["env"])
    assert code == 10, output  # the smoke and the day phases are owed
    document = json.loads(next((folder / "gate").rglob("verdict.json")).read_text())
    for stale in (folder / "gate").rglob("verdict.json"):
        stale.unlink()
    row: dict[str, Any] = next(row for row in document["checks"] if row["id"] == CHECK)
    return row
