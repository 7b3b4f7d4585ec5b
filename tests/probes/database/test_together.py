"""Two runs at once, and runs that are killed: no other rows are disturbed, and none of our own stay."""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.probes.database.conftest import CHECKSUM
from tests.system.running import ROOT, ReusedTwin, run, verdict_in

KILLS = int(os.environ.get("KILLS", "4"))  # KILLS=100 for the whole loop, some six minutes
MANY = 20
OURS = "SELECT count(*) FROM threads WHERE id LIKE 'nv-%'"
THREADS = ("-m", "pytest", "-c", "pytest.ini", "--target=local", "--quick", "--verdict-only", "-k", "threads")


@pytest.fixture(scope="module")
def twin(reused_twin: ReusedTwin) -> tuple[dict[str, str], dict[str, Any]]:
    return {**os.environ, "NETRA_ADDRESSES": str(reused_twin.file)}, reused_twin.addresses


def start(env: dict[str, str], reports: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *THREADS, f"--report-dir={reports}"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL
    )


async def ask(addresses: dict[str, Any], question: str) -> str:
    connection = await asyncpg.connect(addresses["database"]["url"])
    try:
        return str(await connection.fetchval(question))
    finally:
        await connection.close()


@pytest.mark.slow
async def test_two_runs_do_not_disturb_each_other(twin: tuple[dict[str, str], dict[str, Any]], tmp_path: Path) -> None:
    env, addresses = twin
    runs = [start(env, tmp_path / name) for name in ("one", "two")]
    for one in runs:
        one.wait()
    for name in ("one", "two"):
        outcomes = {row["name"]: row["outcome"] for row in verdict_in(tmp_path / name)["checks"]}
        seen = {outcome for check, outcome in outcomes.items() if check.startswith("threads.")}
        assert seen - {"NOT_APPLICABLE"} == {"PASSED"}  # shapes that a jsonb column can't hold are not asked
        assert verdict_in(tmp_path / name)["residue"] == 0
    assert await ask(addresses, OURS) == "0"


@pytest.mark.slow
async def test_killed_runs_leave_rows_that_a_reap_takes_away(
    twin: tuple[dict[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    env, addresses = twin
    before = await ask(addresses, CHECKSUM)
    moments = random.Random(7)  # noqa: S311 - moments, nothing secret
    for number in range(KILLS):
        process = start(env, tmp_path / str(number))
        await asyncio.sleep(moments.uniform(0.8, 3.0))  # a random moment of the run is the point
        process.kill()
        process.wait()
    left = int(await ask(addresses, OURS))
    assert left > 0 or KILLS < MANY, "no kill of many came while rows were planted: that shows nothing"
    code, output = run(
        "commands", "reap", "--target", "local", "--older-than", "0s", env={"NETRA_ADDRESSES": env["NETRA_ADDRESSES"]}
    )
    assert code == 0, output
    assert "removed" in output
    assert await ask(addresses, OURS) == "0"
    assert await ask(addresses, CHECKSUM) == before


async def test_the_repair_plan_is_a_file_and_changes_nothing(
    twin: tuple[dict[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    env, addresses = twin
    before = await ask(addresses, CHECKSUM)
    out = tmp_path / "plan.sql"
    words = ("commands", "repair-plan", "--target", "local", "--out", str(out))
    code, output = run(*words, env={"NETRA_ADDRESSES": env["NETRA_ADDRESSES"]})
    assert code == 0, output
    assert out.read_text().startswith("-- Review")
    assert await ask(addresses, CHECKSUM) == before


def test_nothing_is_reaped_where_nothing_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'environment = "staging"\nprofile = "read-only"\n[backend]\nservice = "b"\n[auth]\nservice = "a"\n'
        '[platform]\nproject = "p"\nregion = "r"\ncredentials = "none"\n'
    )
    words = ("commands", "reap", "--target", "mine", "--targets-dir", str(tmp_path))
    code, output = run(*words, env={"NETRA_DATABASE__URL": "postgresql://u:p@127.0.0.1:9/d"})
    assert code == 4
    assert "nothing is deleted" in output
    assert "u:p@" not in output
