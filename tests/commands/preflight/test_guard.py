"""Whatever an env.py does to reach another database is refused before its first statement; that one is as it was."""

import json
from pathlib import Path

import pytest

from commands.preflight.command import Question, run
from commands.preflight.inside.kernel import is_offered
from targets.loading import ConfigurationError
from tests.commands.preflight.conftest import Other
from tests.commands.preflight.folders import PLAIN, write_folder

SETTINGS = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

with create_engine(os.environ["MY_APP_DB"], poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
SYNCHRONOUS = SETTINGS.replace('os.environ["MY_APP_DB"]', "URL")
ASYNCHRONOUS = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    async with create_async_engine(URL).connect() as connection:
        await connection.run_sync(migrate)

asyncio.run(main())
"""
CAUGHT = (
    """
try:
    import psycopg
    psycopg.connect(URL).execute("DROP TABLE precious")
except BaseException:
    pass
"""
    + PLAIN
)
WAYS = {
    "psycopg": SYNCHRONOUS.replace("URL", "URL.replace('postgresql:', 'postgresql+psycopg:')"),
    "psycopg, asynchronously": ASYNCHRONOUS.replace("URL", "URL.replace('postgresql:', 'postgresql+psycopg:')"),
    "asyncpg": ASYNCHRONOUS.replace("URL", "URL.replace('postgresql:', 'postgresql+asyncpg:')"),
    "plain postgresql": SYNCHRONOUS,
    "raw asyncpg": "import asyncio, asyncpg\nasyncio.run(asyncpg.connect(URL))\n",
    "raw psycopg": "import psycopg\npsycopg.connect(URL)\n",
    "raw psycopg, keywords": "import psycopg\npsycopg.connect(host='127.0.0.1', port=PORT, dbname='postgres')\n",
    "a service of libpq's": "import psycopg\npsycopg.connect('service=staging')\n",
    "a socket folder": "import psycopg\npsycopg.connect('host=/var/run/postgresql dbname=app')\n",
    "a socket, as pg8000 opens one": "import socket\nsocket.create_connection(('127.0.0.1', PORT))\n",
    "a Unix socket": "import socket\nsocket.socket(socket.AF_UNIX).connect('/tmp/.s.PGSQL.5432')\n",
    "a host's name": "import socket\nsocket.create_connection(('database.invalid', 5432))\n",
    "an address that was caught": CAUGHT,
    "a file of SQLite's": SYNCHRONOUS.replace("URL", "'sqlite:///FILE'"),
    "another program": "import subprocess\nsubprocess.run(['psql', URL, '-c', 'DROP TABLE precious'])\n",
    "a shell": "import os\nos.system('psql -c \"DROP TABLE precious\"')\n",
}


@pytest.mark.parametrize("way", WAYS)
async def test_another_address_is_refused(scratch: str, other: Other, tmp_path: Path, way: str) -> None:
    before = await other.contents()
    port = other.url.rpartition(":")[2].partition("/")[0]
    file = tmp_path / "app.db"
    env = f"URL, PORT = {other.url!r}, {port}\n" + WAYS[way].replace("FILE", str(file))
    with pytest.raises(ConfigurationError, match="Refused before its first statement"):
        await run(Question(folder=write_folder(tmp_path, env)), scratch)
    assert await other.contents() == before
    assert not file.exists()


async def test_another_database_of_the_scratch_server_is_refused(scratch: str, other: Other, tmp_path: Path) -> None:
    before = await other.contents()
    name = other.url.rpartition("/")[2]
    env = SETTINGS.replace('os.environ["MY_APP_DB"]', f'os.environ["DATABASE_URL"].rpartition("/")[0] + "/{name}"')
    with pytest.raises(ConfigurationError, match="not the scratch server"):
        await run(Question(folder=write_folder(tmp_path, env)), scratch)
    assert await other.contents() == before


@pytest.mark.skipif(not is_offered(), reason="this kernel has no Landlock: a driver's own C code is not confined here")
async def test_a_driver_s_own_c_code_reaches_nothing_else(scratch: str, other: Other, tmp_path: Path) -> None:
    before = await other.contents()
    env = f"""
from psycopg import pq
from psycopg.conninfo import make_conninfo
opened = pq.PGconn.connect(make_conninfo({other.url!r}).encode())
raise RuntimeError(opened.error_message.decode() or "it reached the other database")
"""
    with pytest.raises(ConfigurationError, match="Permission denied"):
        await run(Question(folder=write_folder(tmp_path, env)), scratch)
    assert await other.contents() == before


async def test_the_report_says_whether_the_kernel_helped(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await run(Question(folder=write_folder(tmp_path, PLAIN)), scratch)
    assert ("no Landlock" in capsys.readouterr().out) is not is_offered()


WITHOUT = """
import ctypes
class Refusing:
    syscall = staticmethod(lambda *arguments: -1)
import sys
original = ctypes.CDLL
ctypes.CDLL = lambda name, *more, **how: Refusing() if name is None else original(name, *more, **how)
"""


async def test_without_landlock_the_report_says_what_holds_and_what_does_not(
    scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older kernel: the system call is not there, and the other nets hold."""
    (tmp_path / "older").mkdir()
    (tmp_path / "older/sitecustomize.py").write_text(WITHOUT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "older"))
    assert await run(Question(folder=write_folder(tmp_path, PLAIN)), scratch) == 0
    said = capsys.readouterr().out
    assert "no Landlock" in said
    assert "What was not: a driver that opens its sockets in its own C code" in said


async def test_no_variable_of_the_caller_s_reaches_the_image(
    scratch: str, other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_APP_DB", other.url)
    monkeypatch.setenv("PGHOST", "db.staging.invalid")
    seen = tmp_path / "seen.json"
    env = f"import json, os\nopen({str(seen)!r}, 'w').write(json.dumps(dict(os.environ)))\n" + PLAIN
    assert await run(Question(folder=write_folder(tmp_path, env)), scratch) == 0
    names = json.loads(seen.read_text())
    assert "MY_APP_DB" not in names
    assert names["PGHOST"] == "127.0.0.1"
    assert other.url not in seen.read_text()


async def test_a_variable_that_is_asked_for_is_named_and_can_be_given(
    scratch: str, other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_APP_DB", other.url)
    before = await other.contents()
    folder = write_folder(tmp_path, SETTINGS)
    with pytest.raises(ConfigurationError, match=r"asked for MY_APP_DB.*--url-variable"):
        await run(Question(folder=folder), scratch)
    assert await run(Question(folder=folder, url_variables=["MY_APP_DB"]), scratch) == 0
    assert await other.contents() == before


async def test_an_address_that_is_handed_on_all_the_same_is_refused(
    scratch: str, other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_APP_DB", other.url)
    before = await other.contents()
    with pytest.raises(ConfigurationError, match="Refused before its first statement"):
        await run(Question(folder=write_folder(tmp_path, SETTINGS), passed=["MY_APP_DB"]), scratch)
    assert await other.contents() == before


async def test_a_database_with_tables_in_it_is_no_scratch_database(other: Other, tmp_path: Path) -> None:
    before = await other.contents()
    with pytest.raises(ConfigurationError, match="has tables, so it is not a scratch database"):
        await run(Question(folder=write_folder(tmp_path)), other.url)
    assert await other.contents() == before
