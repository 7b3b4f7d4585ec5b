"""A server that somebody gives may have other databases and roles: nothing of them is changed."""

from pathlib import Path

import asyncpg
import pytest

from commands.preflight.command import Question, run
from commands.preflight.outside import find_made, find_outside
from probes.errors import SourceRefused
from tests.commands.preflight.conftest import Other
from tests.commands.preflight.folders import write_folder
from twin.postgres import Postgres

ROLE = "SELECT COALESCE(array_to_string(setconfig, ','), '') FROM pg_db_role_setting WHERE setdatabase = 0"
OUTSIDE = [
    "op.execute('ALTER ROLE CURRENT_USER SET search_path = app')",
    "op.execute('ALTER ROLE netra SET work_mem = 4096')",
    "op.execute('DO $$ BEGIN ALTER ROLE netra SET work_mem = 4096; END $$')",
    "op.get_bind().connection.cursor().execute('ALTER ROLE netra SET work_mem = 4096')",
]


@pytest.mark.parametrize("body", OUTSIDE)
async def test_nothing_outside_of_the_scratch_database_is_changed(
    scratch: str, other: Other, tmp_path: Path, body: str
) -> None:
    folder = write_folder(tmp_path, two=body)
    with pytest.raises(SourceRefused, match="preflight lets nothing change outside"):
        await run(Question(folder=folder, since="one"), scratch)
    assert await other.connection.fetch(ROLE) == []


async def test_another_database_is_not_dropped(
    scratch: str, postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = await asyncpg.connect(postgres.url("postgres", postgres.admin, "postgres"))
    try:
        await admin.execute("CREATE DATABASE victim OWNER netra")
        body = "with op.get_context().autocommit_block(): op.execute('DROP DATABASE victim')"
        assert await run(Question(folder=write_folder(tmp_path, two=body), since="one"), scratch) == 1
        assert "drops the database victim" in (output := capsys.readouterr().out)
        assert "A migration fails" not in output
        assert await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'victim'") == 1
    finally:
        await admin.execute("DROP DATABASE IF EXISTS victim")
        await admin.close()


@pytest.mark.parametrize(
    "text,outside",
    [
        ("ALTER DATABASE app SET work_mem = 4096", {("database", "app")}),
        ("ALTER DATABASE scratch SET work_mem = 4096", set()),
        ("ALTER DATABASE app RENAME TO b", {("database", "app")}),
        ("ALTER DATABASE app OWNER TO b", {("database", "app")}),
        ("ALTER ROLE a IN DATABASE scratch SET work_mem = 4096", set()),
        ("ALTER ROLE ALL SET work_mem = 4096", {("role", "of every connection")}),
        ("ALTER ROLE a RENAME TO b", {("role", "a")}),
        ("DROP ROLE a, b", {("role", "a"), ("role", "b")}),
        ("SELECT 1; DROP DATABASE app", {("database", "app")}),
        ("ALTER SYSTEM SET work_mem = 4096", {("configuration", "")}),
        ("CREATE ROLE a", set()),
        ("ALTER TABLE a RENAME TO b; ALTER TABLE a OWNER TO b", set()),
    ],
)
def test_what_lies_outside_of_the_database(text: str, outside: set[tuple[str, str]]) -> None:
    assert find_outside(text, "scratch") == outside


def test_a_role_that_the_migrations_made_is_theirs() -> None:
    assert find_made("CREATE ROLE app; CREATE DATABASE b") == {("role", "app"), ("database", "b")}
    assert find_outside("ALTER ROLE app LOGIN", "scratch") == {("role", "app")}
