"""Small alembic folders, written for a test: `one` makes a table with a few columns, `two` is the pending revision."""

from pathlib import Path

PLAIN = """
from alembic import context
from sqlalchemy import engine_from_config, pool

section = context.config.get_section(context.config.config_ini_section) or {}
with engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNCHRONOUS = """
import asyncio, os
from alembic import context
from sqlalchemy.ext.asyncio import async_engine_from_config

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    section = context.config.get_section(context.config.config_ini_section)
    section["sqlalchemy.url"] = URL
    engine = async_engine_from_config(section)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""
ONE = "CREATE TABLE things (id serial PRIMARY KEY, name varchar(50), size integer)"
REVISION = """
from alembic import op
revision, down_revision = {revision!r}, {before!r}
def upgrade():
    {body}
"""


def write_folder(place: Path, env: str = PLAIN, two: str = "op.execute('SELECT 1')", one: str = ONE) -> Path:
    """An alembic folder with this env.py; `two` is Python, the body of the pending upgrade."""
    folder = place / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(env)
    first = f"op.execute({one!r})"
    (folder / "versions/one.py").write_text(REVISION.format(revision="one", before=None, body=first))
    (folder / "versions/two.py").write_text(REVISION.format(revision="two", before="one", body=two))
    return folder
