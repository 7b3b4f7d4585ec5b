"""`/api/threads` of the deployed backend: the list that reads everything, and five routes dead or alive by revision."""

import json
import time
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from twin.deployed.answers import SaidError, failure, log
from twin.deployed.revisions import Revision

FORBIDDEN, NOT_FOUND = 403, 404
OWN = (
    "SELECT threads.id, threads.object, threads.created_at, threads.metadata_ FROM threads "
    "WHERE (threads.metadata_ ->> :key) = :owner ORDER BY threads.created_at DESC"
)
COUNT = "SELECT count(*) FROM messages WHERE messages.thread_id = :id"
MESSAGES = "SELECT id, object, created_at, role, content FROM messages WHERE thread_id = :id ORDER BY created_at"
Limit = Annotated[int, Query(le=100)]  # and nothing from below
Offset = Annotated[int, Query(ge=0)]
Row = dict[str, Any]
Done = TypeVar("Done")


class TitleIsAnObjectError(TypeError):
    """A row's title is a JSON object."""


class Item(BaseModel):
    """An item of the list: what does not fit it is a 500 for the owner of the row."""

    id: str
    object: str
    title: str | None
    created_at: int
    updated_at: int | None
    metadata: dict[str, Any] | None
    message_count: int


class Draft(BaseModel):
    """What create and update take."""

    title: str | None = None
    metadata: dict[str, Any] | None = None


@dataclass(slots=True)
class Threads:
    """The table, as the service's code asks it."""

    engine: AsyncEngine
    revision: Revision

    async def window(self, owner: str, limit: int, offset: int) -> list[Item]:
        """All rows of the owner, deleted ones too, then the window; one more query for each row in it."""
        try:
            rows = await self.ask(OWN, key="user_id", owner=owner)
        except DBAPIError as error:
            log("ERROR", f"Error finding threads for user {owner}: ({type(_cause(error)).__name__}) {error}")
            raise
        return [await self.item(row) for row in rows[offset : offset + limit]]

    async def item(self, row: Row) -> Item:
        """A row as it is answered. Raises ValidationError and others for what metadata should not hold."""
        metadata = _read(row["metadata_"])
        counted = await self.ask(COUNT, id=row["id"])
        known = metadata or {}
        if isinstance(known.get("title"), dict):
            raise TitleIsAnObjectError(row["id"])
        return Item(
            id=row["id"],
            object=row["object"],
            title=known.get("title"),
            created_at=row["created_at"],
            updated_at=known.get("updated_at"),
            metadata=metadata,
            message_count=counted[0]["count"],
        )

    async def own(self, thread_id: str, owner: str) -> Row:
        """A row of the owner's. Raises SaidError, and ValueError where its metadata does not say who owns it."""
        rows = await self.ask("SELECT * FROM threads WHERE id = :id", id=thread_id)
        if not rows:
            raise SaidError(NOT_FOUND, "Thread not found")
        metadata = _read(rows[0]["metadata_"])
        if not metadata or "user_id" not in metadata:
            raise ValueError("Thread metadata is missing")
        if metadata["user_id"] != owner:
            raise SaidError(FORBIDDEN, "Access denied")
        return rows[0] | {"known": metadata}

    async def create(self, owner: str, draft: Draft) -> Item:
        """A new thread, stored where the revision does that."""
        metadata = {**(draft.metadata or {}), "user_id": owner, "status": "active"}
        if draft.title is not None:
            metadata["title"] = draft.title
        row = {"id": f"thread_{uuid.uuid4().hex[:16]}", "object": "thread", "created_at": int(time.time())}
        if self.revision.stores:
            await self.do(
                "INSERT INTO threads (id, object, created_at, metadata_) "
                "VALUES (:id, :object, :created_at, CAST(:metadata AS json))",
                **row,
                metadata=json.dumps(metadata),
            )
        return await self.item(row | {"metadata_": metadata})

    def refuse_dead(self, route: str) -> None:
        """Raise the 500 of a route that never works at this revision."""
        if route in self.revision.dead:
            raise failure(route, self.revision.dead[route])

    async def ask(self, statement: str, **values: object) -> list[Row]:
        """Rows."""
        async with self.engine.connect() as connection:
            found = await connection.execute(text(statement), values)
            return [dict(row) for row in found.mappings()]

    async def do(self, statement: str, **values: object) -> None:
        """A change."""
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)


def _read(written: object) -> dict[str, Any] | None:
    value = json.loads(written) if isinstance(written, str) else written
    return value if isinstance(value, dict) else None


def _cause(error: DBAPIError) -> BaseException:
    """The driver's own error."""
    return (error.orig and error.orig.__cause__) or error


async def owner_of(request: Request) -> str:
    """The user whose token the request carries. Raises SaidError."""
    owner: str = await request.app.state.users.of_request(request)
    return owner


async def threads_of(request: Request) -> Threads:
    """The table that the app reads."""
    threads: Threads = request.app.state.threads
    return threads


Owner = Annotated[str, Depends(owner_of)]
Table = Annotated[Threads, Depends(threads_of)]
router = APIRouter()  # of an app whose state has `users` and `threads`


@router.get("/api/threads")
@router.get("/api/threads/", include_in_schema=False)
async def list_threads(owner: Owner, threads: Table, limit: Limit = 20, offset: Offset = 0) -> list[Item]:
    """A window of the user's threads."""
    return await attempt("list", threads.window(owner, limit, offset))


@router.post("/api/threads")
async def create(owner: Owner, threads: Table, draft: Draft) -> Item:
    """A new thread."""
    threads.refuse_dead("create")
    return await attempt("create", threads.create(owner, draft))


@router.get("/api/threads/{thread_id}")
async def read(owner: Owner, threads: Table, thread_id: str) -> Item:
    """One thread."""
    threads.refuse_dead("read")
    return await attempt("read", threads.item(await attempt("read", threads.own(thread_id, owner))))


@router.put("/api/threads/{thread_id}")
async def change(owner: Owner, threads: Table, thread_id: str, draft: Draft) -> Item:
    """Change title or metadata."""
    threads.refuse_dead("change")
    row = await attempt("change", threads.own(thread_id, owner))
    return await attempt("change", changed(threads, row, draft))


@router.delete("/api/threads/{thread_id}")
async def archive(owner: Owner, threads: Table, thread_id: str) -> dict[str, str]:
    """Mark a thread as deleted."""
    threads.refuse_dead("archive")
    await attempt("archive", threads.own(thread_id, owner))
    await threads.do("UPDATE threads SET deleted_at = now() WHERE id = :id", id=thread_id)
    return {"message": "Thread archived successfully"}


@router.post("/api/threads/{thread_id}/auto-rename")
async def rename(owner: Owner, threads: Table, thread_id: str) -> Item:
    """Give a thread a title."""
    threads.refuse_dead("rename")
    row = await attempt("rename", threads.own(thread_id, owner))
    return await attempt("rename", changed(threads, row, Draft(title="New conversation")))


@router.get("/api/threads/{thread_id}/messages")
async def messages(
    owner: Owner, threads: Table, thread_id: str, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """A window of a thread's messages."""
    threads.refuse_dead("messages")
    await attempt("messages", threads.own(thread_id, owner))
    rows = await threads.ask(MESSAGES, id=thread_id)
    window = {"limit": limit, "offset": offset, "total": len(rows)}
    return {"thread_id": thread_id, "messages": rows[offset : offset + limit], **window}


async def changed(threads: Threads, row: Row, draft: Draft) -> Item:
    """Lay title and metadata over what is there; the owner stays."""
    title = {} if draft.title is None else {"title": draft.title}
    metadata = {**row["known"], **(draft.metadata or {}), **title, "updated_at": int(time.time())}
    metadata["user_id"] = row["known"]["user_id"]
    await threads.do(
        "UPDATE threads SET metadata_ = CAST(:metadata AS json) WHERE id = :id",
        id=row["id"],
        metadata=json.dumps(metadata),
    )
    return await threads.item(row | {"metadata_": metadata})


async def attempt(route: str, work: Awaitable[Done]) -> Done:
    """Whatever goes wrong becomes the route's 500, with its own text, but for a title that is an object.

    That one is a bare 500 in the recording; the facts do not say why. Raises SaidError and TitleIsAnObjectError.
    """
    try:
        return await work
    except (SaidError, TitleIsAnObjectError):
        raise
    except Exception as error:
        raise failure(route, error) from error
