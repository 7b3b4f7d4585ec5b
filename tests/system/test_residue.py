"""A service that makes a row for every user it sees: the suite leaves the same few, counts them, and removes them."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from probes.database.residue import take_turn
from tests.system.running import ROOT, run, twin_up, verdict_in

WORDS = ("gate.session", "-c", "pytest.ini", "--quick", "-k", "isolation or (auth_accepts or let_in) or owners_thread")
LEFT = re.compile(r"left in users: (\d+) of the suite's rows, (\d+) before the run")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("twin")
    with twin_up(folder, "--state", "as-deployed") as told:
        yield {"NETRA_ADDRESSES": str(folder / "addresses.json"), "url": told["database"]["url"]}


@pytest_asyncio.fixture
async def another_run(twin: dict[str, str]) -> AsyncIterator[None]:
    """Another run of the suite, as far as this one can see: it has the users that are used again."""
    connection = await asyncpg.connect(twin["url"])
    assert await take_turn(connection)
    yield
    await connection.close()


FEW = 30  # what the chosen cases need at once, each with users of its own; a user a case of a whole run was 52


def notes_of(twin: dict[str, str], reports: Path, *more: str, target: str = "as-deployed") -> str:
    env = {"NETRA_ADDRESSES": twin["NETRA_ADDRESSES"]}
    _, said = run(*WORDS, f"--target={target}", f"--report-dir={reports}", *more, env=env)
    assert "VERDICT" in said, said
    return "\n".join(verdict_in(reports)["notes"])


def reap(twin: dict[str, str]) -> str:
    env = {"NETRA_ADDRESSES": twin["NETRA_ADDRESSES"]}
    code, said = run("commands", "reap", "--target", "as-deployed", env=env)
    assert code == 0, said
    return said


def test_a_second_run_leaves_no_more_and_reap_removes_them(twin: dict[str, str], tmp_path: Path) -> None:
    first, second = (LEFT.search(notes_of(twin, tmp_path / name)) for name in ("first", "second"))
    assert first
    assert second
    assert 0 < int(first[1]) <= FEW
    assert first[2] == "0"
    assert second.groups() == (first[1], first[1])
    (left,) = verdict_in(tmp_path / "second")["left"]
    assert (left["table"], left["before"], left["after"], left["removable"]) == (
        "users",
        int(first[1]),
        int(first[1]),
        True,
    )
    assert f"{first[1]} rows of our users removed from users" in reap(twin)
    assert "0 rows of our users removed from users" in reap(twin)


@pytest.mark.usefixtures("another_run")
def test_beside_another_run_the_users_are_its_own_and_nothing_is_reaped(twin: dict[str, str], tmp_path: Path) -> None:
    notes = notes_of(twin, tmp_path)
    assert "of this run alone (another run is at work on this target), such as nv-2" in notes
    assert "a run is using those rows" in reap(twin)


def test_a_run_that_may_not_write_says_what_it_can_not_avoid(twin: dict[str, str], tmp_path: Path) -> None:
    text = (ROOT / "targets/as-deployed.toml").read_text(encoding="utf-8")
    (tmp_path / "reading.toml").write_text(text.replace("allowed = true", "allowed = false"))
    notes = notes_of(twin, tmp_path / "reports", f"--targets-dir={tmp_path}", target="reading")
    assert "this run may not write, and can't avoid residue in users (REST creates one" in notes
    assert "this run may not remove them" in notes


async def test_what_a_killed_run_made_through_the_api_is_reaped_by_its_owner(twin: dict[str, str]) -> None:
    """A journey that is killed leaves threads whose ids are the service's own."""
    connection = await asyncpg.connect(twin["url"])
    made = "INSERT INTO threads (id, object, created_at, metadata_) VALUES ($1, 'thread', 1, $2)"
    await connection.execute(made, "thread-4711", '{"user_id": "nv-traveller-001"}')
    await connection.execute(made, "thread-4712", '{"user_id": "somebody"}')
    assert "1 rows that the service created for our users removed from" in reap(twin)
    left = await connection.fetch("SELECT id FROM threads WHERE id LIKE 'thread-471%'")
    assert [row["id"] for row in left] == ["thread-4712"]
    await connection.execute("DELETE FROM threads WHERE id = 'thread-4712'")
    await connection.close()
