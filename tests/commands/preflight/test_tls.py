"""An env.py that insists on TLS: the relay speaks it, whether or not the scratch server does."""

from pathlib import Path

import pytest

from commands.preflight.command import Question, run
from targets.loading import ConfigurationError
from tests.commands.preflight.folders import ASYNCHRONOUS, write_folder

DROPS = "op.execute('ALTER TABLE things DROP COLUMN size')"
INSISTING = """
from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")
with create_engine(url, poolclass=pool.NullPool, connect_args=ARGUMENTS).connect() as connection:
    assert connection.connection.dbapi_connection.pgconn.ssl_in_use
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
TLS = {
    "require": {"sslmode": "require"},
    "verify-full": {"sslmode": "verify-full"},
    "verify-full, by the system": {"sslmode": "verify-full", "sslrootcert": "system"},
}


@pytest.mark.parametrize("name", TLS)
async def test_an_env_py_may_insist_on_tls(scratch: str, tmp_path: Path, name: str) -> None:
    env = INSISTING.replace("ARGUMENTS", repr(TLS[name]))
    assert await run(Question(folder=write_folder(tmp_path, env, DROPS), since="one"), scratch) == 1


async def test_asyncpg_may_insist_on_tls(scratch: str, tmp_path: Path) -> None:
    env = ASYNCHRONOUS.replace("(section)", "(section, connect_args={'ssl': 'require'})").replace(
        "URL", "os.environ['DATABASE_URL'].replace('postgresql:', 'postgresql+asyncpg:')"
    )
    assert await run(Question(folder=write_folder(tmp_path, env, DROPS), since="one"), scratch) == 1


async def test_tls_without_a_question_before_it_is_env_py_s_failure(scratch: str, tmp_path: Path) -> None:
    env = INSISTING.replace("ARGUMENTS", "{'sslmode': 'require', 'sslnegotiation': 'direct'}")
    with pytest.raises(ConfigurationError, match=r"its env\.py can't be run here"):
        await run(Question(folder=write_folder(tmp_path, env, DROPS), since="one"), scratch)
