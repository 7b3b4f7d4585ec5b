"""Heads as sets, and five different findings."""

from pathlib import Path

import pytest

from probes.database.connection import read_heads
from probes.database.migrations import History, read_folder
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
