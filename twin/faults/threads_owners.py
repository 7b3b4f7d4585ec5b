"""Faults of threads whose owner is named in one place alone: the column, or the metadata."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from twin.faults.threads_one import giving_away, in_metadata, reworded
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams

    Route = Callable[[Seams, Request, str], Awaitable[Response]]

GIVE = """
UPDATE threads SET metadata_ = metadata_ || jsonb_build_object('user_id', CAST(:named AS text))
WHERE id = :id AND user_id IS NULL
"""


def _where_the_column_is_empty(seams: "Seams", step: str, route: "Route") -> Undo:
    """Have a step done by another route for threads whose owner only the metadata names."""
    healthy: Route = getattr(seams, step)

    async def chosen(given: "Seams", request: "Request", thread_id: str) -> Response:
        row = await given.store.find(thread_id, "")
        taken = healthy if row is None or row["user_id"] is not None else route
        return await taken(given, request, thread_id)

    return replace(seams, **{step: chosen})


@fault("threads.archived-by-column", place="backend", seen="UPDATE ... WHERE user_id = :me, and no look at the count")
def archived_by_column(seams: "Seams") -> Undo:
    """A thread that only its metadata gives to its owner is never archived, and the answer says that it was."""
    return reworded(seams, "archive", "deleted_at IS NULL", "deleted_at IS NULL AND user_id IS NOT NULL")


@fault("threads.change-drops-the-owner", place="backend", seen="metadata replaced as a whole, the owner's name with it")
def change_drops_the_owner(seams: "Seams") -> Undo:
    """A thread that only its metadata gives to its owner has no owner any more, once its metadata was changed."""
    kept = "metadata_ = CASE WHEN jsonb_typeof(metadata_::jsonb) = 'object' THEN metadata_::jsonb"
    return reworded(seams, "update", kept, f"{kept} - 'user_id'")


@fault("threads.changed-by-column", place="backend", seen="as threads.archived-by-column, with a change")
def changed_by_column(seams: "Seams") -> Undo:
    """A thread that only its metadata gives to its owner keeps its title, and the answer has the new one."""

    async def change(given: "Seams", request: "Request", thread_id: str) -> Response:
        answer = await given.read(given, request, thread_id)
        draft = await given.read_draft(request)
        return JSONResponse({**json.loads(bytes(answer.body)), "title": draft.title}, answer.status_code)

    return _where_the_column_is_empty(seams, "change", change)


@fault("threads.unchanged-without-metadata", place="backend", seen="if row.metadata: around what a change does")
def unchanged_without_metadata(seams: "Seams") -> Undo:
    """A thread whose metadata is empty keeps its title, and the answer says that it was changed."""
    return reworded(seams, "update", ":titled THEN", ":titled AND metadata_::jsonb <> '{}'::jsonb THEN")


@fault("threads.messages-by-column", place="backend", seen="an owner that is compared where the column is set")
def messages_by_column(seams: "Seams") -> Undo:
    """Anybody reads the messages of a thread that only its metadata gives to its owner."""
    from twin.backend.thread_routes import user_of, window_of  # noqa: PLC0415 - as below
    from twin.backend.threads import unix_seconds  # noqa: PLC0415 - other processes import this file for its ids alone

    async def messages(given: "Seams", request: "Request", thread_id: str) -> Response:
        await user_of(given, request)
        found = await given.store.messages(thread_id, window_of(given, request))
        shown = [{**one, "created_at": unix_seconds(one["created_at"])} for one in found]
        return JSONResponse({"thread_id": thread_id, "messages": shown})

    return _where_the_column_is_empty(seams, "list_messages", messages)


@fault("threads.found-by-the-beginning", place="backend", seen="WHERE id LIKE :id || '%', for short links")
def found_by_the_beginning(seams: "Seams") -> Undo:
    """A thread is found by what its id begins with."""
    return reworded(seams, "find", "WHERE id = :id", "WHERE id LIKE :id || '%'")


@fault("threads.owner-in-any-case", place="backend", seen="a citext column, or lower() for addresses as user ids")
def owner_in_any_case(seams: "Seams") -> Undo:
    """By its id, a thread is also that of a user whose id has other capitals; lists have each user's own."""
    return reworded(seams, "find", "(user_id = :user)", "(lower(user_id) = lower(:user))")


@fault("threads.listed-by-column", place="backend", seen="a migration that forgot the rows of before it")
def listed_by_column(seams: "Seams") -> Undo:
    """A thread that only its metadata gives to its owner is in no list."""
    return replace(seams.repository, by_metadata="FALSE")


@fault("threads.given-away-in-metadata", place="backend", seen="PUT writes the metadata that the client sent")
def given_away(seams: "Seams") -> Undo:
    """A change of a thread that only its metadata gives to its owner may name another owner."""
    return giving_away(seams, "change", in_metadata, GIVE)


@fault("threads.ownerless-listed", place="backend", seen="WHERE user_id = :me OR user_id IS NULL")
def ownerless_listed(seams: "Seams") -> Undo:
    """A thread without an owner is in everybody's list."""
    nobodys = "user_id IS NULL AND metadata_ ->> 'user_id' IS NULL"
    return replace(seams.repository, by_metadata=f"(({seams.repository.by_metadata}) OR ({nobodys}))")
