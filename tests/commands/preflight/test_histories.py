"""Which migrations there are, and in what order they run: histories and settings as people have them."""

from pathlib import Path

import pytest

from commands.preflight.command import Question, run
from targets.loading import ConfigurationError
from tests.commands.preflight.folders import PLAIN, REVISION, write_folder

AT_ONE = "one"
DROPS = "op.execute('ALTER TABLE things DROP COLUMN size')"
OWN_FAILURES = {
    "a role": "    connection.exec_driver_sql('SET ROLE app_owner')\n    context.configure",
    "a table": "    connection.exec_driver_sql('SELECT * FROM tenants')\n    context.configure",
}


@pytest.mark.parametrize("name", OWN_FAILURES)
async def test_what_env_py_itself_asks_of_the_server_is_no_migration(scratch: str, tmp_path: Path, name: str) -> None:
    env = PLAIN.replace("    context.configure", OWN_FAILURES[name])
    with pytest.raises(ConfigurationError, match=r"its env\.py can't be run here"):
        await run(Question(folder=write_folder(tmp_path, env), since=AT_ONE), scratch)


async def test_a_revision_before_the_pending_ones_that_fails_is_not_judged(scratch: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, one="CREATE EXTENSION vector")
    with pytest.raises(ConfigurationError, match=r"(?s)one fails.*vector.*before the pending revisions"):
        await run(Question(folder=folder, since=AT_ONE), scratch)


OTHER_BASE = REVISION.format(revision="zero", before=None, body="op.execute('CREATE TABLE zed (id int)')")


@pytest.mark.parametrize("more", ["", "depends_on = 'zero'"], ids=["another base", "a dependency"])
async def test_what_the_target_has_is_made_before_anything_pending(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str
) -> None:
    folder = write_folder(tmp_path, two=DROPS)
    (folder / "versions/zero.py").write_text(OTHER_BASE)
    two = (folder / "versions/two.py").read_text()
    (folder / "versions/two.py").write_text(f"{more}\n{two}")
    assert await run(Question(folder=folder, since=AT_ONE), scratch) == 1
    assert "two: drops the column size of public.things" in capsys.readouterr().out


async def test_a_database_with_several_heads_is_at_several_revisions(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path, two=DROPS)
    (folder / "versions/zero.py").write_text(OTHER_BASE)
    after = REVISION.format(revision="after", before="zero", body="op.execute('DROP TABLE zed')")
    (folder / "versions/after.py").write_text(after)
    assert await run(Question(folder=folder, since="one, zero"), scratch) == 1
    output = capsys.readouterr().out
    assert "after: drops the table public.zed" in output
    assert "two: drops the column size of public.things" in output


ELSEWHERE = {
    "version_locations": ("alembic.ini", "[alembic]\nversion_locations = %(here)s/migrations/versions %(here)s/more\n"),
    "split by newlines": (
        "alembic.ini",
        "[alembic]\npath_separator = newline\nversion_locations =\n  %(here)s/migrations/versions\n  %(here)s/more\n",
    ),
    "relative": ("alembic.ini", "[alembic]\nversion_locations = migrations/versions more\n"),
    "recursive": ("alembic.ini", "[alembic]\nrecursive_version_locations = true\n"),
    "pyproject": (
        "pyproject.toml",
        "[tool.alembic]\nversion_locations = ['%(here)s/migrations/versions', '%(here)s/more']\n",
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_migrations_in_other_folders_are_judged(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder, (file, text) = write_folder(tmp_path, two=DROPS), ELSEWHERE[name]
    place = folder / "versions/2026" if name == "recursive" else tmp_path / "more"
    place.mkdir()
    (folder / "versions/two.py").rename(place / "two.py")
    (tmp_path / file).write_text(text)
    assert await run(Question(folder=folder, since=AT_ONE), scratch) == 1
    assert "two: drops the column size of public.things" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["script_location = x\n", "[alembic]\na = 1\na = 2\n", "[alembic]\n\xff = \udcff"])
async def test_an_ini_that_can_not_be_read_is_named(scratch: str, tmp_path: Path, text: str) -> None:
    folder = write_folder(tmp_path)
    (tmp_path / "alembic.ini").write_bytes(text.encode("latin-1", "replace"))
    with pytest.raises(ConfigurationError, match=r"alembic\.ini"):
        await run(Question(folder=folder, since=AT_ONE), scratch)


async def test_a_folder_without_a_migration_is_not_green(scratch: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    for file in (folder / "versions").iterdir():
        file.unlink()
    with pytest.raises(ConfigurationError, match="no migration"):
        await run(Question(folder=folder), scratch)
