"""One thread at a time: created, read, changed, archived, and its messages."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from twin.backend.bodies import Draft, storable
from twin.backend.refusals import RefusedError, not_found
from twin.backend.threads import BY_COLUMN, BY_METADATA, COLUMNS, Window

Row = dict[str, Any]
COUNTED = "(SELECT count(*) FROM messages WHERE thread_id = threads.id) AS message_count"
ANSWERED = f"{COLUMNS}, deleted_at, {COUNTED}"
OWNED = """(user_id IS NOT NULL OR COALESCE(jsonb_typeof(metadata_::jsonb -> 'user_id') = 'string', FALSE)) AS owned"""
FIND = f"""
SELECT {ANSWERED}, COALESCE(({BY_COLUMN}) OR ({BY_METADATA}), FALSE) AS own, {OWNED}
FROM threads WHERE id = :id
"""  # noqa: S608 - made of the constants above
CREATE = f"""
INSERT INTO threads (id, object, title, user_id, metadata_, created_at, updated_at)
VALUES (:id, 'thread', :title, :user, CAST(:metadata AS jsonb), now(), now()) RETURNING {ANSWERED}
"""  # noqa: S608 - as above
UPDATE = f"""
UPDATE threads SET updated_at = now(), title = CASE WHEN :titled THEN CAST(:title AS text) ELSE title END,
    metadata_ = CASE WHEN jsonb_typeof(metadata_::jsonb) = 'object' THEN metadata_::jsonb ELSE '{{}}'::jsonb END
        || CAST(:metadata AS jsonb)
WHERE id = :id AND deleted_at IS NULL RETURNING {ANSWERED}
"""  # noqa: S608 - as above
ARCHIVE = "UPDATE threads SET deleted_at = now() WHERE id = :id AND deleted_at IS NULL"
MESSAGES = """
SELECT id, thread_id, role, content, created_at FROM messages WHERE thread_id = :id
ORDER BY created_at, id LIMIT :limit OFFSET :offset
"""
WRITE_MESSAGE = """
INSERT INTO messages (id, thread_id, role, content, created_at)
VALUES (:id, :thread, :role, :content, clock_timestamp())
"""


@dataclass(slots=True)
class ThreadStore:
    """Reads and writes single threads. Each statement is a part of its own."""

    engine: AsyncEngine
    statements: dict[str, str] = field(
        default_factory=lambda: {
            "find": FIND,
            "create": CREATE,
            "update": UPDATE,
            "archive": ARCHIVE,
            "messages": MESSAGES,
            "write-message": WRITE_MESSAGE,
        }
    )

    async def find(self, thread_id: str, user: str) -> Row | None:
        """The row, archived or not, of any owner; `own` and `owned` say whose. None where there is none."""
        return await self._one("find", id=thread_id, user=user) if storable(thread_id) else None

    async def create(self, user: str, draft: Draft) -> Row:
        """Store a thread of this user's."""
        made = await self._one(
            "create", id=f"thread_{uuid.uuid4().hex}", title=draft.title, user=user, metadata=_written(user, draft)
        )
        if made is None:
            raise RuntimeError("the thread was not stored")
        return made

    async def update(self, thread_id: str, user: str, draft: Draft) -> Row:
        """Set the title where one was given, lay the given metadata over what is there. Raises RefusedError."""
        changed = await self._one(
            "update", id=thread_id, titled=draft.titled, title=draft.title, metadata=_written(user, draft)
        )
        if changed is None:
            raise not_found()
        return changed

    async def archive(self, thread_id: str) -> None:
        """Hide the thread for good."""
        async with self.engine.begin() as connection:
            await connection.execute(text(self.statements["archive"]), {"id": thread_id})

    async def messages(self, thread_id: str, window: Window) -> list[Row]:
        """A window of a thread's messages, oldest first."""
        values = {"id": thread_id, "limit": window.limit, "offset": window.offset}
        async with self.engine.connect() as connection:
            rows = await connection.execute(text(self.statements["messages"]), values)
            return [dict(row) for row in rows.mappings()]

    async def write_message(self, thread_id: str, role: str, content: str) -> None:
        """Add a message at the end."""
        values = {"id": f"msg_{uuid.uuid4().hex}", "thread": thread_id, "role": role, "content": content}
        async with self.engine.begin() as connection:
            await connection.execute(text(self.statements["write-message"]), values)

    async def _one(self, statement: str, **values: object) -> Row | None:
        async with self.engine.begin() as connection:
            row = (await connection.execute(text(self.statements[statement]), values)).mappings().first()
            return None if row is None else dict(row)


def _written(user: str, draft: Draft) -> str:
    """The metadata as it is stored: an object, and never another owner's name in it."""
    metadata = draft.metadata or {}
    return json.dumps({**metadata, "user_id": user} if "user_id" in metadata else metadata)


def refuse_foreign(row: Row | None) -> Row:
    """The row, when it is living and the asker's. Raises RefusedError: 403 for somebody else's, else 404."""
    if row is None or row["deleted_at"] is not None or not row["owned"]:
        raise not_found()
    if not row["own"]:
        raise RefusedError(403, "forbidden", "This thread belongs to somebody else.")
    return row
