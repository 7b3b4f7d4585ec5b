"""`python -m twin.backend.migrate`: alembic upgrade to the image's heads, on $DATABASE_URL."""

import asyncio
import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


async def migrate(url: str) -> None:
    """Apply every pending migration."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(migrate(os.environ["DATABASE_URL"]))
