"""Heads as sets, five different findings, and statements that hurt a running system."""

from pathlib import Path

import pytest

from commands.preflight import judge, run
from probes.database.migrations import History, read_folder
from probes.errors import SourceRefused
from targets.loading import ConfigurationError
from tests.probes.database.conftest import Database
from tests.system.running import ROOT
from twin.postgres import Postgres

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


RISKY = {
    "DROP TABLE threads": "drops a table",
    "ALTER TABLE threads DROP COLUMN user_id": "drops a column",
    "ALTER TABLE threads RENAME COLUMN a TO b": "renames",
    "ALTER TABLE threads ALTER COLUMN id TYPE text": "rewrites",
    "ALTER TABLE threads ADD COLUMN x uuid DEFAULT gen_random_uuid()": "rewrites",
    "ALTER TABLE threads ALTER COLUMN a SET NOT NULL": "scans",
    "ALTER TABLE threads ADD CONSTRAINT c CHECK (a > 0)": "validates",
    "CREATE INDEX i ON threads (a)": "blocks writes",
    "LOCK TABLE threads": "exclusive lock",
}
HARMLESS = [
    "ALTER TABLE threads ADD COLUMN x text",
    "ALTER TABLE threads ADD COLUMN x integer DEFAULT 0 NOT NULL",
    "ALTER TABLE threads ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
    "CREATE INDEX CONCURRENTLY i ON threads (a)",
    "SELECT 1",
    "INSERT INTO alembic_version VALUES ('x')",
]


@pytest.mark.parametrize("statement", RISKY)
def test_a_risky_statement_is_told(statement: str) -> None:
    assert RISKY[statement] in " ".join(one.why for one in judge("r", statement, set()))


@pytest.mark.parametrize("statement", HARMLESS)
def test_a_harmless_statement_is_not(statement: str) -> None:
    assert list(judge("r", statement, set())) == []


def test_a_table_that_the_same_migrations_create_is_empty() -> None:
    created: set[str] = set()
    assert list(judge("r", "CREATE TABLE fresh (id int)", created)) == []
    assert list(judge("r", "CREATE INDEX i ON fresh (id)", created)) == []


async def test_preflight_judges_the_pending_ones_alone(
    database: Database, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    await database.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert await run(FOLDER, "0001_threads", postgres.owner_url) == 1
    output = capsys.readouterr().out
    assert "3 pending" in output
    assert "0003_owner_index: blocks writes" in output
    await database.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert await run(FOLDER, "base", postgres.owner_url) == 0


WAYS = {
    "takes our connection": """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
""",
    "opens an async engine": """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import async_engine_from_config

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = async_engine_from_config(context.config.get_section(context.config.config_ini_section))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()

asyncio.run(main())
""",
    "opens a plain engine": """
import os
from alembic import context
from sqlalchemy import NullPool, create_engine

with create_engine(os.environ["DATABASE_URL"], poolclass=NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
""",
}
ONE = "from alembic import op\nrevision, down_revision = 'one', None\ndef upgrade():\n    op.execute({statement!r})\n"
TWO = """
from alembic import op
revision, down_revision = "two", "one"
def upgrade():
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY by_name ON things (name)")
    op.execute("ALTER TABLE things DROP COLUMN name")
"""


def folder_of(tmp_path: Path, env: str, one: str = "CREATE TABLE things (id int, name text)") -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(env)
    (tmp_path / "versions/one.py").write_text(ONE.format(statement=one))
    (tmp_path / "versions/two.py").write_text(TWO)
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
async def test_an_image_s_own_env_is_run_and_heard(
    postgres: Postgres, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    await database.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert await run(folder_of(tmp_path, WAYS[way]), "one", postgres.owner_url) == 1
    output = capsys.readouterr().out
    assert "1 pending migrations applied: two" in output
    assert "two: drops a column" in output
    assert "CONCURRENTLY" not in output
    assert await database.owner.fetchval("SELECT version_num FROM alembic_version") == "two"


@pytest.mark.parametrize("way", WAYS)
async def test_a_migration_that_fails_is_named(
    postgres: Postgres, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    await database.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert await run(folder_of(tmp_path, WAYS[way], "CREATE TABEL things ()"), "base", postgres.owner_url) == 1
    assert "one fails: ProgrammingError" in capsys.readouterr().out


async def test_an_env_that_needs_what_is_not_here_is_the_user_s_to_mend(postgres: Postgres, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "import netra_backend.app\n")
    with pytest.raises(ConfigurationError, match=r"netra_backend.*install it"):
        await run(folder, "base", postgres.owner_url)
