"""The command from end to end: whose fault it is, what is said, and the folders that people really have."""

from pathlib import Path

import pytest

from commands.preflight.command import Question, run
from probes.errors import SourceRefused
from targets.loading import ConfigurationError
from tests.commands.preflight.conftest import Other
from tests.commands.preflight.folders import ASYNCHRONOUS, PLAIN, write_folder
from tests.system.running import ROOT

TWIN = ROOT / "twin/backend/migrations"
SHARED = ROOT.parent / "shared/data/migrations"
AT_ONE = "one"


async def test_the_pending_revisions_alone_are_judged(scratch: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(Question(folder=TWIN, since="0001_threads"), scratch) == 1
    output = capsys.readouterr().out
    assert "3 pending" in output
    assert "0003_owner_index: builds an index on public.threads" in output
    assert "0002_user_id:" not in output


async def test_tables_that_the_revisions_make_themselves_are_nobody_s_yet(scratch: str) -> None:
    assert await run(Question(folder=TWIN), scratch) == 0


async def test_several_heads_are_said_because_a_plain_upgrade_refuses_them(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path)
    second = (folder / "versions/two.py").read_text().replace("'two'", "'second'")
    (folder / "versions/second.py").write_text(second)
    assert await run(Question(folder=folder), scratch) == 0
    assert "several heads, so `alembic upgrade head` refuses to run" in capsys.readouterr().out


HANDED = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""
EITHER = """
from alembic import context
from sqlalchemy import create_engine, pool

connection = context.config.attributes.get("connection", None)
if connection is None:
    connection = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool).connect()
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
connection.close()
"""
ENVIRONMENTS = {
    "makes an engine": PLAIN,
    "must be handed a connection": HANDED,
    "can be handed a connection": EITHER,
    "async engine": ASYNCHRONOUS.replace("URL", "section['sqlalchemy.url']"),
    "asyncpg": ASYNCHRONOUS.replace(
        "URL", "os.environ['DATABASE_URL'].replace('postgresql://', 'postgresql+asyncpg://')"
    ),
    "async in a comment": "# to be async one day\n" + PLAIN,
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
async def test_an_env_py_is_run_as_it_is(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = write_folder(tmp_path, ENVIRONMENTS[name], "op.execute('ALTER TABLE things DROP COLUMN name')")
    assert await run(Question(folder=folder, since=AT_ONE), scratch) == 1
    output = capsys.readouterr().out
    assert "1 pending migrations applied: two" in output
    assert "two: drops the column name of public.things" in output


async def test_a_driver_that_a_migration_opens_itself_is_heard(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = (
        "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL'], autocommit=True).execute('DROP TABLE things')"
    )
    assert await run(Question(folder=write_folder(tmp_path, PLAIN, body), since=AT_ONE), scratch) == 1
    assert "drops the table public.things" in capsys.readouterr().out


IMAGE_S_FAULT = {
    "import sys; sys.exit(3)": "SystemExit: 3 (versions/two.py, line 5). It ends the process",
    "import os; os._exit(7)": "ended the process with code 7",
    "op.execute('CREATE TABEL x ()')": 'syntax error at or near "TABEL"',
    "raise ValueError('no')": "ValueError: no (versions/two.py",
    "op.execute('ALTER TABLE things ADD COLUMN x int NOT NULL')": "fails on tables that have rows",
    "pass\ndel upgrade": "has no attribute 'upgrade' (versions/two.py)",
    "input('Really? ')": "EOFError: EOF when reading a line",
    "raise ValueError('x' * 1_000_000)": "ValueError: xxx",
}


@pytest.mark.parametrize("body", IMAGE_S_FAULT)
async def test_a_migration_that_fails_is_named(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    assert await run(Question(folder=write_folder(tmp_path, PLAIN, body), since=AT_ONE), scratch) == 1
    output = capsys.readouterr().out
    assert "A migration fails. two" in output
    assert IMAGE_S_FAULT[body] in output


ENVIRONMENT_S_FAULT = {
    "import netra_backend.app\n": r"netra_backend.*not installed here",
    PLAIN.replace('engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)', "x").replace(
        "section =", "from sqlalchemy import create_engine\nx = create_engine('postgresql+psycopg2://h/d')\nsection ="
    ): r"psycopg2.*not installed here",
    "import sys\nsys.exit('SECRET_KEY is not set')\n": r"SystemExit: SECRET_KEY is not set \(env.py, line 2\)",
    "import os\nos.environ['SECRET_KEY']\n": r"KeyError.*asked for SECRET_KEY.*--pass",
    "import os\nos._exit(9)\n": "ended the process with code 9",
    "": "ended without running one on a database",
    "from alembic import context\nif context.is_offline_mode():\n    context.run_migrations()\n": "without running one",
}


@pytest.mark.parametrize("env", ENVIRONMENT_S_FAULT)
async def test_an_env_py_that_can_not_be_run_here_is_not_a_migration_that_fails(
    scratch: str, tmp_path: Path, env: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"(?s){ENVIRONMENT_S_FAULT[env]}"):
        await run(Question(folder=write_folder(tmp_path, env)), scratch)


@pytest.mark.parametrize(
    "body",
    [
        "op.execute('SELECT jsonb_object_keys(body) FROM things')",
        "op.execute(\"SELECT jsonb_set(body, '{x}', '1') FROM things\")",
        "[row[0]['row'] for row in op.get_bind().exec_driver_sql('SELECT body FROM things')]",
    ],
)
async def test_a_migration_that_takes_objects_for_granted_fails_and_the_column_is_named(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    folder = write_folder(tmp_path, two=body, one="CREATE TABLE things (id serial PRIMARY KEY, body jsonb)")
    assert await run(Question(folder=folder, since=AT_ONE), scratch) == 1
    assert "besides objects in public.things.body" in capsys.readouterr().out


async def test_a_migration_that_looks_at_the_kind_first_is_green(scratch: str, tmp_path: Path) -> None:
    body = "op.execute(\"SELECT jsonb_object_keys(body) FROM things WHERE jsonb_typeof(body) = 'object'\")"
    folder = write_folder(tmp_path, two=body, one="CREATE TABLE things (id serial PRIMARY KEY, body jsonb)")
    assert await run(Question(folder=folder, since=AT_ONE), scratch) == 0


async def test_an_extension_that_the_scratch_server_lacks_is_our_environment_s(scratch: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, PLAIN, "op.execute('CREATE EXTENSION IF NOT EXISTS vector')")
    with pytest.raises(SourceRefused, match="scratch server lacks it"):
        await run(Question(folder=folder, since=AT_ONE), scratch)


async def test_a_role_that_the_scratch_server_lacks_is_our_environment_s(scratch: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, PLAIN, "op.execute('GRANT SELECT ON things TO app_reader')")
    with pytest.raises(SourceRefused, match="scratch server lacks it"):
        await run(Question(folder=folder, since=AT_ONE), scratch)


async def test_a_finding_before_a_role_that_the_scratch_server_lacks_is_reported(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "op.execute('ALTER TABLE things DROP COLUMN size'); op.execute('ALTER TABLE things OWNER TO app_owner')"
    assert await run(Question(folder=write_folder(tmp_path, PLAIN, body), since=AT_ONE), scratch) == 1
    output = capsys.readouterr().out
    assert "drops the column size of public.things" in output
    assert "The rest was not judged. two on the scratch server: ALTER TABLE things OWNER TO app_owner: role" in output


async def test_alembic_s_own_table_may_have_another_name_and_names_may_have_braces(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = PLAIN.replace("=connection)", "=connection, version_table='ver', version_table_schema='public')")
    one = 'CREATE TABLE "a{b}" (id serial PRIMARY KEY, "c{d}" text)'
    body = 'op.execute(\'ALTER TABLE "a{b}" DROP COLUMN "c{d}"\')'
    assert await run(Question(folder=write_folder(tmp_path, env, body, one), since=AT_ONE), scratch) == 1
    output = capsys.readouterr().out
    assert "two: drops the column c{d} of public.a{b}: " in output
    assert "1 findings" in output


async def test_a_migration_s_module_sees_nothing_of_our_environment(
    scratch: str, other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even while its history is read, before the guarded process is there."""
    monkeypatch.setenv("MY_APP_DB", other.url)
    folder, seen = write_folder(tmp_path), tmp_path / "seen"
    two = folder / "versions/two.py"
    two.write_text(f"import os\nopen({str(seen)!r}, 'a').write(str(os.environ.get('MY_APP_DB')))\n{two.read_text()}")
    assert await run(Question(folder=folder, since=AT_ONE), scratch) == 0
    assert set(seen.read_text().split("None")) == {""}
    assert not list(folder.rglob("__pycache__"))


async def test_the_ini_beside_the_folder_is_read_and_its_address_is_not(
    scratch: str, other: Other, tmp_path: Path
) -> None:
    folder = write_folder(
        tmp_path,
        "from logging.config import fileConfig\n"
        + PLAIN.replace("section =", "fileConfig(context.config.config_file_name)\nsection ="),
    )
    (tmp_path / "alembic.ini").write_text(
        f"[alembic]\nscript_location = elsewhere\nsqlalchemy.url = {other.url}\n[loggers]\nkeys = root\n[handlers]\n"
        "keys =\n[formatters]\nkeys =\n[logger_root]\nlevel = WARN\nhandlers =\n"
    )
    before = await other.contents()
    assert await run(Question(folder=folder), scratch) == 0
    assert await other.contents() == before


async def test_the_project_beside_the_ini_is_found_as_alembic_finds_it_there(scratch: str, tmp_path: Path) -> None:
    (tmp_path / "things_of_the_app.py").write_text("metadata = None\n")
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = migrations\nprepend_sys_path = .\n")
    folder = write_folder(tmp_path, "import things_of_the_app\n" + PLAIN)
    assert await run(Question(folder=folder), scratch) == 0


async def test_hostile_text_stays_on_its_line(scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "op.execute('DROP TABLE things -- \\x1b[2J\\n::error::x\\nNo statement drops, rewrites or locks.')"
    assert await run(Question(folder=write_folder(tmp_path, PLAIN, body), since=AT_ONE), scratch) == 1
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert not [line for line in output.splitlines() if line.startswith(("::", "No statement"))]


SHARED_FOLDERS = {
    "notnull": "contains null values",
    "update": "updates every row of public.users",
    "multi": "drops the table",
    "comment": "drops the table",
    "doblock": "drops the table",
    "uniq": "builds an index",
    "generated": "rewrites public.users",
    "schemaq": "drops the column name of public.users",
    "crash": "SystemExit: 3",
    "asynccomment": "updates every row of public.users",
}
shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED.name} of the shared data is not beside this project")


@shared
@pytest.mark.parametrize("name", SHARED_FOLDERS)
async def test_a_dangerous_folder_is_red(scratch: str, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert await run(Question(folder=SHARED / name, since="r1"), scratch) == 1
    assert SHARED_FOLDERS[name] in capsys.readouterr().out


@shared
async def test_an_index_on_a_new_table_is_green(scratch: str) -> None:
    assert await run(Question(folder=SHARED / "ixon", since="r1"), scratch) == 0


@shared
async def test_a_missing_extension_is_not_a_migration_that_fails(scratch: str) -> None:
    with pytest.raises(SourceRefused, match="scratch server lacks it"):
        await run(Question(folder=SHARED / "extension", since="r1"), scratch)


@shared
@pytest.mark.parametrize("passed", [[], ["SQLALCHEMY_DATABASE_URI"]], ids=["kept from it", "handed on all the same"])
async def test_an_app_s_own_settings_reach_no_database(
    scratch: str, other: Other, monkeypatch: pytest.MonkeyPatch, passed: list[str]
) -> None:
    monkeypatch.setenv("SQLALCHEMY_DATABASE_URI", other.url)
    before = await other.contents()
    with pytest.raises(ConfigurationError, match=r"Refused before|asked for SQLALCHEMY_DATABASE_URI"):
        await run(Question(folder=SHARED / "settingsdb", since="r1", passed=passed), scratch)
    assert await other.contents() == before


ADDRESSES = {
    "postgresql+asyncpg://u:p@h/d": "must begin with postgresql://, without the name of a driver",
    "host=h user=u password=p dbname=d": "must begin with postgresql://",
    "postgresql://u:p@/d?host=/tmp": "must contain host, user and database",
    "postgresql://u:p@%2Ftmp/d": "no socket's folder",
    "postgresql://u:p@h1,h2/d": "must name one host",
    "postgresql://u:half/of-it@h/d": "has a host or port that can't be read",
    "postgresql://u:p@[::1/d": "has a host or port that can't be read",
}


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_that_can_not_be_used_is_refused_without_its_password(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await run(Question(folder=write_folder(tmp_path)), address)
    assert ADDRESSES[address] in str(caught.value)
    assert "half" not in str(caught.value)
