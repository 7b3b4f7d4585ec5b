"""What a killed run left is named as ours where the service itself counts it, and is not a finding about it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from probes.database.connection import Connection
from tests.system.running import run, twin_up, verdict_in

WORDS = ("gate.session", "-c", "pytest.ini", "--quick", "--target=local", "-k", "each_check_passes or owners_thread")
LEAVE = "INSERT INTO threads (id, object, created_at, metadata_) VALUES ($1, 'thread', now(), NULL)"
OURS = f"nv-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-abcdef-0000001"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("twin")
    with twin_up(folder) as told:
        yield str(folder / "addresses.json"), told["database"]["url"]


@pytest_asyncio.fixture
async def leftovers(addresses: tuple[str, str]) -> AsyncIterator[Connection]:
    """The twin's database, with a row in it as a run leaves it that was killed a moment ago."""
    connection = await asyncpg.connect(addresses[1])
    await connection.execute(LEAVE, OURS)
    yield connection
    await connection.execute("DELETE FROM threads WHERE metadata_ IS NULL")
    await connection.close()


def judged(addresses: tuple[str, str], reports: Path) -> tuple[dict[str, Any], str]:
    _, said = run(*WORDS, f"--report-dir={reports}", env={"NETRA_ADDRESSES": addresses[0]})
    assert "VERDICT" in said, said
    document = verdict_in(reports)
    return next(row for row in document["checks"] if row["name"] == "health.checks"), "\n".join(document["notes"])


@pytest.mark.usefixtures("leftovers")
def test_rows_of_a_killed_run_are_ours(addresses: tuple[str, str], tmp_path: Path) -> None:
    row, notes = judged(addresses, tmp_path)
    assert row["outcome"] == "PASSED", row
    assert "null_metadata is 1: all are rows of this suite" in notes
    assert "1 of the suite's rows were in threads before this run" in notes


async def test_rows_of_others_beside_them_are_the_services(
    leftovers: Connection, addresses: tuple[str, str], tmp_path: Path
) -> None:
    await leftovers.execute(LEAVE, "thread_of_somebody")
    row, _ = judged(addresses, tmp_path)
    assert row["outcome"] == "FAILED"
    assert "null_metadata is 2 (1 of the suite's own rows and 1 other rows are bad)" in row["actual"]
