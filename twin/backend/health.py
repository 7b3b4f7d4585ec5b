"""The detailed health answer: each dependency asked when asked, with a deadline, in words without internals."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from twin.backend.auth_client import AuthClient, AuthUnavailableError

DEADLINE_S = 2.0
Check = Callable[[], Awaitable[Any]]
COUNT = """
SELECT count(*) AS total,
       count(*) FILTER (WHERE jsonb_typeof(metadata_::jsonb) = 'object') AS with_metadata
FROM threads
"""


@dataclass(slots=True)
class HealthChecks:
    """The four checks of the contract."""

    engine: AsyncEngine
    redis: Redis
    auth: AuthClient

    def by_name(self) -> dict[str, Check]:
        """Each check under the contract's name."""
        return {
            "database": self.database,
            "redis": self.cache,
            "auth_service": self.auth_service,
            "threads_table": self.threads_table,
        }

    async def database(self) -> str:
        """One round trip."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return "healthy"

    async def cache(self) -> str:
        """One round trip."""
        await self.redis.ping()
        return "healthy"

    async def auth_service(self) -> str:
        """Its own health."""
        return "healthy" if await self.auth.healthy() else "unhealthy"

    async def threads_table(self) -> dict[str, int]:
        """Rows, rows whose metadata is an object, and all others: NULL, JSON null, scalars, arrays."""
        async with self.engine.connect() as connection:
            row = (await connection.execute(text(COUNT))).mappings().one()
        return {
            "total": row["total"],
            "with_metadata": row["with_metadata"],
            "null_metadata": row["total"] - row["with_metadata"],
        }


async def attempt(check: Check) -> Any:  # noqa: ANN401 - a word, or counts
    """Run one check; a failure is a word, never the exception's own text."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await check()
    except TimeoutError:
        return "unhealthy: no answer in time"
    except AuthUnavailableError:
        return "unhealthy: not reachable"
    except (SQLAlchemyError, RedisError, OSError):
        return "unhealthy: failed"


async def run_checks(checks: Mapping[str, Check]) -> dict[str, Any]:
    """All checks at once."""
    found = await asyncio.gather(*(attempt(check) for check in checks.values()))
    return dict(zip(checks, found, strict=True))


def find_failures(found: Mapping[str, Any]) -> list[str]:
    """The checks that are not healthy: any other word, and rows without an object for metadata."""
    return [
        name
        for name, value in found.items()
        if (value.get("null_metadata") != 0 if isinstance(value, dict) else value != "healthy")
    ]


def report(found: Mapping[str, Any], failed: list[str], environment: str) -> dict[str, Any]:
    """The contract's body."""
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "environment": environment,
        "status": "unhealthy" if failed else "healthy",
        "failed_checks": failed,
        "checks": dict(found),
    }
