"""Threads: the repository, the window's bounds, and how a row is answered.

A thread belongs to the user in its column, or, where that is NULL, to the string `user_id` of its metadata
object. Metadata may be anything: SQL NULL, JSON null, scalars, arrays. It is read as text and understood here.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
MOST_DIGITS = 18  # what a bigint holds

COLUMNS = "id, object, title, user_id, metadata_::text AS metadata_text, created_at, updated_at"
BY_COLUMN = "user_id = :user"
BY_METADATA = """user_id IS NULL AND metadata_ ->> 'user_id' = :user
    AND jsonb_typeof(metadata_::jsonb) = 'object' AND jsonb_typeof(metadata_::jsonb -> 'user_id') = 'string'"""
NEWEST_FIRST = "updated_at DESC NULLS LAST, id DESC"
LIST = """
SELECT page.*, (SELECT count(*) FROM messages WHERE thread_id = page.id) AS message_count FROM (
    SELECT * FROM (
        (SELECT {columns} FROM threads WHERE {by_column} AND deleted_at IS NULL ORDER BY {order} LIMIT :reach)
        UNION ALL
        (SELECT {columns} FROM threads WHERE {by_metadata} AND deleted_at IS NULL ORDER BY {order} LIMIT :reach)
    ) AS own ORDER BY {order} LIMIT :limit OFFSET :offset
) AS page ORDER BY {order}
"""


class BoundsError(Exception):
    """A window that can't be asked for."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the list."""

    limit: int
    offset: int


@dataclass(slots=True, kw_only=True)
class ThreadRepository:
    """Finds a user's threads. The statement is made of parts, so that each can be read by itself."""

    engine: AsyncEngine
    by_column: str = BY_COLUMN
    by_metadata: str = BY_METADATA
    order: str = NEWEST_FIRST
    statement: str = LIST

    async def find_by_user(self, user: str, window: Window) -> list[dict[str, Any]]:
        """A window of the user's living threads, newest first."""
        query = self.statement.format(
            columns=COLUMNS, by_column=self.by_column, by_metadata=self.by_metadata, order=self.order
        )
        values = {
            "user": user,
            "limit": window.limit,
            "offset": window.offset,
            "reach": window.limit + window.offset,
        }
        async with self.engine.connect() as connection:
            rows = await connection.execute(text(query), values)
            return [dict(row) for row in rows.mappings()]


def parse_window(query: dict[str, str]) -> Window:
    """Limit 1..100 (20), offset from 0 (0). Raises BoundsError for anything else."""
    limit = _number(query.get("limit"), DEFAULT_LIMIT)
    offset = _number(query.get("offset"), 0)
    if not 1 <= limit <= MAX_LIMIT:
        raise BoundsError(f"limit must be 1 to {MAX_LIMIT}")
    return Window(limit, offset)


def _number(given: str | None, default: int) -> int:
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS):
        raise BoundsError("limit and offset must be whole numbers from 0")
    return int(given)


def understand_metadata(written: str | None) -> dict[str, Any] | None:
    """The metadata as the contract answers it: the object, or null for everything that is none."""
    if written is None:
        return None
    value = json.loads(written)
    return value if isinstance(value, dict) else None


def owner_of(row: dict[str, Any], metadata: dict[str, Any] | None) -> str:
    """The column's owner, else the metadata's."""
    return str(row["user_id"] if row["user_id"] is not None else (metadata or {}).get("user_id", ""))


def render_thread(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the contract answers it."""
    metadata = understand_metadata(row["metadata_text"])
    return {
        "id": row["id"],
        "object": "thread",
        "title": row["title"],
        "user_id": owner_of(row, metadata),
        "created_at": unix_seconds(row["created_at"]),
        "updated_at": unix_seconds(row["updated_at"]),
        "metadata": metadata,
        "message_count": row["message_count"],
    }


def unix_seconds(moment: datetime | None) -> int | None:
    """Whole seconds since 1970; None stays None."""
    return None if moment is None else int(moment.timestamp())
