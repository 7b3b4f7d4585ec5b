"""Heads as sets, and five different findings."""

from pathlib import Path

import pytest

from probes.database.connection import read_heads
from probes.database.migrations import History, open_folder, read_folder
from probes.errors import SourceRefused
from tests.probes.database.conftest import Database
from tests.system.running import ROOT

FOLDER = ROOT / "twin/backend/migrations"
KNOWN = History(frozenset({"c"}), frozenset({"a", "b", "c"}))


def test_the_folder_tells_heads_and_history() -> None:
    found = read_folder(FOLDER)
    assert found.heads == {"0004_message_times"}
    assert found.revisions == {"0001_threads", "0002_user_id", "0003_owner_index", "0004_message_times"}


@pytest.mark.parametrize(
    "found,word",
    [({"c"}, ""), ({"a"}, "behind"), ({"d"}, "ahead"), ({"c", "b"}, "branched"), ({"c", "x"}, "branched")],
)
def test_where_a_database_stands(found: set[str], word: str) -> None:
    assert KNOWN.compare(frozenset(found)).partition(":")[0] == word


def test_without_history_old_and_new_can_not_be_told_apart() -> None:
    assert "behind or ahead" in History(frozenset({"c"}), frozenset()).compare(frozenset({"a"}))


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"env\.py"):
        read_folder(tmp_path)


@pytest.mark.parametrize("name", ["release.alembic_version", '"Release"."version table"'])
async def test_a_version_table_may_be_in_a_schema(database: Database, name: str) -> None:
    schema = name.partition(".")[0]
    await database.owner.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {name} AS SELECT 'c'::text AS version_num")
    try:
        assert await read_heads(database.owner, name) == frozenset({"c"})
    finally:
        await database.owner.execute(f"DROP SCHEMA {schema} CASCADE")


REVISION = "{more}\nrevision, down_revision = {revision!r}, {before!r}\n\ndef upgrade():\n    pass\n"


@pytest.mark.parametrize(
    "before,more,why",
    [
        ("two", "", "Cycle is detected"),
        ("gone", "", "gone"),
        (None, "def (:", "invalid syntax"),
        (None, "import nothere", "versions/one.py, line 1: ModuleNotFoundError: No module named 'nothere'"),
        (None, "{}['a key']", "versions/one.py, line 1: KeyError: 'a key'"),
        (None, "raise SystemExit", "versions/one.py, line 1: SystemExit"),
    ],
)
@pytest.mark.filterwarnings("ignore:Revision gone referenced:UserWarning")
def test_migrations_that_cannot_be_read_are_refused_in_words(
    tmp_path: Path, before: str | None, more: str, why: str
) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text("")
    (tmp_path / "versions/one.py").write_text(REVISION.format(revision="one", before=before, more=more))
    (tmp_path / "versions/two.py").write_text(REVISION.format(revision="two", before="one", more=""))
    with pytest.raises(SourceRefused) as caught:
        open_folder(tmp_path)
    assert caught.value.request == str(tmp_path)
    assert caught.value.detail.startswith("can't be read as alembic migrations: ")
    assert why in caught.value.detail
