"""Running an image's alembic migrations one by one on a scratch database, and hearing every statement of each.

An `env.py` is somebody's code. Three kinds are understood: one that takes `config.attributes["connection"]`, one that
opens an async engine, and one that opens a plain engine; the latter two find the scratch database as
`sqlalchemy.url` and in $DATABASE_URL.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from probes.errors import SourceRefused

URL_VARIABLE = "DATABASE_URL"
Heard = dict[str, list[str]]  # revision -> its statements, in order


class MigrationError(Exception):
    """A migration does not run on an empty database; the text names the revision."""


async def apply_each(folder: Path, revisions: Sequence[str], url: str) -> Heard:
    """Apply the revisions in order to the database at `url` (postgresql://…); return the statements of each.

    Raises:
        SourceRefused: Its env.py can't be run here at all.
        MigrationError: A migration fails.
    """
    text = (folder / "env.py").read_text(encoding="utf-8", errors="replace")
    asynchronous = url.replace("postgresql:", "postgresql+asyncpg:", 1)
    if "attributes" in text:
        engine = create_async_engine(asynchronous)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(lambda ours: _walk(folder, revisions, asynchronous, ours))
        finally:
            await engine.dispose()
    plain = url.replace("postgresql:", "postgresql+psycopg:", 1)
    # In a thread of its own: an env.py with an async engine starts a loop of its own.
    return await asyncio.to_thread(_walk, folder, revisions, asynchronous if "async" in text else plain)


def _walk(folder: Path, revisions: Sequence[str], url: str, connection: Connection | None = None) -> Heard:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    if connection is not None:
        config.attributes["connection"] = connection
    heard: Heard = {}
    with _variable(URL_VARIABLE, url):
        for revision in revisions:
            with _listening() as said:
                _upgrade(config, revision, folder)
            if connection is not None and connection.in_transaction():
                connection.commit()
            heard[revision] = said
    return heard


def _upgrade(config: Config, revision: str, folder: Path) -> None:
    try:
        command.upgrade(config, revision)
    except (ImportError, NoSuchModuleError) as error:
        raise SourceRefused(
            str(folder), f"its env.py or {revision} imports what is not installed here ({error}): install it, and again"
        ) from error
    except (SQLAlchemyError, CommandError) as error:
        raise MigrationError(f"{revision} fails: {type(error).__name__}: {str(error).splitlines()[0]}") from error
    except Exception as error:  # somebody else's code: whatever it raises is what we came to find out
        raise MigrationError(f"{revision} or env.py fails: {type(error).__name__}: {error}") from error


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _listening() -> Iterator[list[str]]:
    """The statements of every engine of this process, whoever opened it."""
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
