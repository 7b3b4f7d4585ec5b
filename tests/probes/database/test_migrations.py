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
        (None, "def (:", "versions/one.py, line 1: invalid syntax"),
        (None, "\0", "versions/one.py"),
    ],
)
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


@pytest.mark.parametrize(
    "text,why",
    [
        ("revision, down_revision = 'two', 'one'", "Revision two is present more than once"),
        ("revision = 'x'", "versions/odd.py has no down_revision"),
        ("down_revision = None", "versions/odd.py has no revision"),
        ("revision = 3; down_revision = None", "versions/odd.py: revision is 3, not text"),
        ("revision = 'x'; down_revision = 7", "Revision 7 referenced"),
        ("revision = 'x'\ndown_revision = f()", "versions/odd.py, line 2: down_revision is computed"),
    ],
)
def test_a_revision_that_cannot_be_told_is_refused_in_words(tmp_path: Path, text: str, why: str) -> None:
    folder = _folder(tmp_path, {"odd": text})
    with pytest.raises(SourceRefused, match=f"can't be read as alembic migrations: .*{why}"):
        open_folder(folder)


def _folder(place: Path, files: dict[str, str]) -> Path:
    (place / "versions").mkdir()
    (place / "env.py").write_text("raise SystemExit")
    for name, before in {"one": None, "two": "one"}.items():
        (place / f"versions/{name}.py").write_text(REVISION.format(revision=name, before=before, more=""))
    for name, text in files.items():
        (place / f"versions/{name}.py").write_text(text)
    return place


FORMS = {
    "annotated": "from typing import Union\nrevision: str = 'x'\ndown_revision: Union[str, None] = 'two'",
    "a list": "revision = 'x'\ndown_revision = ['two']",
    "by another name": "Revises = 'two'\nrevision, down_revision = 'x', Revises",
    "with a mark and CRLF": "\ufeffrevision = 'x'\r\ndown_revision = 'two'\r\n",
    "packages that are not here": "import nothere\nrevision = 'x'\ndown_revision = 'two'\nlater = nothere.make()",
    "a program that ends": "revision = 'x'\ndown_revision = 'two'\nimport os\nos._exit(0)",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_history_is_read_and_nothing_of_it_is_run(tmp_path: Path, form: str) -> None:
    folder = _folder(tmp_path, {"x": FORMS[form], "__init__": "raise SystemExit"})
    found = open_folder(folder)
    assert (found.heads, found.up_to(), found.up_to("two")) == (["x"], ["one", "two", "x"], ["one", "two"])
    assert not list(folder.rglob("__pycache__"))


def test_branches_and_what_joins_them_are_in_order(tmp_path: Path) -> None:
    files = {
        "a": "revision, down_revision = 'a', 'one'",
        "m": "revision = 'm'\ndown_revision = ('a', 'two')",
        "other": "revision = 'other'\ndown_revision = None\ndepends_on = 'm'\nbranch_labels = ('label',)",
    }
    found = open_folder(_folder(tmp_path, files))
    assert found.heads == ["m", "other"]
    order = found.up_to()
    assert sorted(order) == ["a", "m", "one", "other", "two"]
    assert order.index("one") < order.index("a") < order.index("m") < order.index("other")
    assert sorted(found.up_to("a")) == ["a", "one"]
