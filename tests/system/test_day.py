"""The day phase as cron runs it: every run adds the hours since the last one, until there are 24."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gate.release.seal import digest, seal
from gate.verdict_document import Before, decode, encode
from tests.system.running import run, twin_up, verdict_in

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
DAY = ("pytest", "-c", "pytest.ini", "--target=local", "--phase=day", "--verdict-only")
pytestmark = pytest.mark.slow


def a_run(folder: Path) -> dict[str, Any]:
    where = {"NETRA_ADDRESSES": str(folder / "addresses.json")}
    code, said = run(*DAY, f"--report-dir={folder / 'reports'}", env=where)
    document = verdict_in(folder / "reports")
    assert code == document["exit_code"], said
    return document


def row_of(document: dict[str, Any]) -> dict[str, Any]:
    (row,) = document["checks"]
    return dict(row)


def let_time_pass(folder: Path, control: str, hours: float, *, serving: float) -> None:
    """Move what the last runs left into the past, sealed as of then, and let the revision have served for so long."""
    before: Before | None = None
    for path in sorted((folder / "reports/local").glob("*/verdict.json")):
        then = STAMP.sub(lambda stamp: _earlier(stamp[0], hours), path.read_text(encoding="utf-8"))
        document = seal(decode(then), before, key=None)
        path.write_bytes(encode(document))
        before = Before(document.run_id, document.revision, digest(path.read_bytes()))
    httpx.delete(f"{control}/log").raise_for_status()
    httpx.put(f"{control}/age", json={"hours": serving, "requests_per_hour": 30}).raise_for_status()


def _earlier(moment: str, hours: float) -> str:
    then = datetime.fromisoformat(moment) - timedelta(hours=hours)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_day_is_added_up_from_run_to_run(tmp_path: Path) -> None:
    with twin_up(tmp_path, "--age", "10h") as told:
        control = told["twin"]["control_url"]
        first = a_run(tmp_path)
        row = row_of(first)
        assert (first["verdict"], row["outcome"]) == ("INCONCLUSIVE", "PENDING"), row["reason"]
        assert "of 24 hours without a gap" in row["reason"]
        created = datetime.fromisoformat(first["release"]["created"])
        owed = datetime.fromisoformat(row["evidence"]["owed_until"])
        assert timedelta(hours=24) <= owed - created < timedelta(hours=24.1)

        let_time_pass(tmp_path, control, 8, serving=18)
        second = row_of(a_run(tmp_path))
        assert second["outcome"] == "PENDING"
        begun, ended = (datetime.fromisoformat(second["accruals"][0][key]) for key in ("start", "end"))
        assert timedelta(hours=7.9) < ended - begun < timedelta(hours=8.1)  # only what is new was looked at

        let_time_pass(tmp_path, control, 6.5, serving=24.5)
        third = a_run(tmp_path)
        assert (third["verdict"], row_of(third)["outcome"]) == ("GO", "PASSED"), third["reason"]
        assert third["exit_code"] == 0


def test_a_500_of_an_earlier_hour_is_not_forgotten(tmp_path: Path) -> None:
    with twin_up(tmp_path, "--age", "23h") as told:
        control = told["twin"]["control_url"]
        httpx.put(f"{control}/faults/logs.day-500-in-hour-23").raise_for_status()
        first = row_of(a_run(tmp_path))
        assert first["outcome"] == "FAILED"
        assert "1 x 500 on /api/threads" in first["actual"]
        httpx.delete(f"{control}/faults").raise_for_status()
        let_time_pass(tmp_path, control, 5, serving=28)
        second = row_of(a_run(tmp_path))
        assert second["outcome"] == "FAILED"
        assert "1 in earlier windows" in second["actual"]
