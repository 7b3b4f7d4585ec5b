"""Faults of threads whose owner is named in one place alone: the column, or the metadata."""

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.faults.threads_one import reworded
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams

GIVE = """
UPDATE threads SET metadata_ = metadata_ || jsonb_build_object('user_id', CAST(:named AS text))
WHERE id = :id AND user_id IS NULL
"""


@fault("threads.archived-by-column", place="backend", seen="UPDATE ... WHERE user_id = :me, and no look at the count")
def archived_by_column(seams: "Seams") -> Undo:
    """A thread that only its metadata gives to its owner is never archived, and the answer says that it was."""
    return reworded(seams, "archive", "deleted_at IS NULL", "deleted_at IS NULL AND user_id IS NOT NULL")


@fault("threads.changed-by-column", place="backend", seen="as threads.archived-by-column, with a change")
def changed_by_column(seams: "Seams") -> Undo:
    """A thread that only its metadata gives to its owner keeps its title, and the answer has the new one."""
    healthy = seams.change

    async def change(given: "Seams", request: "Request", thread_id: str) -> Response:
        row = await given.store.find(thread_id, "")
        if row is None or row["user_id"] is not None:
            return await healthy(given, request, thread_id)
        answer = await given.read(given, request, thread_id)
        draft = await given.read_draft(request)
        return JSONResponse({**json.loads(bytes(answer.body)), "title": draft.title}, answer.status_code)

    return replace(seams, change=change)


@fault("threads.unchanged-without-metadata", place="backend", seen="if row.metadata: around what a change does")
def unchanged_without_metadata(seams: "Seams") -> Undo:
    """A thread whose metadata is empty keeps its title, and the answer says that it was changed."""
    return reworded(seams, "update", ":titled THEN", ":titled AND metadata_::jsonb <> '{}'::jsonb THEN")


@fault("threads.messages-by-column", place="backend", seen="an owner that is compared where the column is set")
def messages_by_column(seams: "Seams") -> Undo:
    """Anybody reads the messages of a thread that only its metadata gives to its owner."""
    from twin.backend.thread_routes import user_of, window_of  # noqa: PLC0415 - as below
    from twin.backend.threads import unix_seconds  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy = seams.list_messages

    async def messages(given: "Seams", request: "Request", thread_id: str) -> Response:
        row = await given.store.find(thread_id, await user_of(given, request))
        if row is None or row["user_id"] is not None:
            return await healthy(given, request, thread_id)
        found = await given.store.messages(thread_id, window_of(given, request))
        shown = [{**one, "created_at": unix_seconds(one["created_at"])} for one in found]
        return JSONResponse({"thread_id": thread_id, "messages": shown})

    return replace(seams, list_messages=messages)


@fault("threads.listed-by-column", place="backend", seen="a migration that forgot the rows of before it")
def listed_by_column(seams: "Seams") -> Undo:
    """A thread that only its metadata gives to its owner is in no list."""
    return replace(seams.repository, by_metadata="FALSE")


@fault("threads.given-away-in-metadata", place="backend", seen="PUT writes the metadata that the client sent")
def given_away(seams: "Seams") -> Undo:
    """A change of a thread that only its metadata gives to its owner may name another owner."""
    healthy = seams.change

    async def change(given: "Seams", request: "Request", thread_id: str) -> Response:
        from sqlalchemy import text  # noqa: PLC0415 - as above

        answer = await healthy(given, request, thread_id)
        body: dict[str, Any] = json.loads(await request.body())
        named = (body.get("metadata") or {}).get("user_id")
        if named and answer.status_code == 200:  # noqa: PLR2004 - done
            async with given.store.engine.begin() as connection:
                await connection.execute(text(GIVE), {"named": named, "id": thread_id})
        return answer

    return replace(seams, change=change)


@fault("threads.ownerless-listed", place="backend", seen="WHERE user_id = :me OR user_id IS NULL")
def ownerless_listed(seams: "Seams") -> Undo:
    """A thread without an owner is in everybody's list."""
    nobodys = "user_id IS NULL AND metadata_ ->> 'user_id' IS NULL"
    return replace(seams.repository, by_metadata=f"(({seams.repository.by_metadata}) OR ({nobodys}))")
