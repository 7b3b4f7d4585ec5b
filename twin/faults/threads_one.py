"""Faults of single threads through the API: not stored, another user's, lost, or seen too late."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams

    Alter = Callable[[Seams, Request, Response], Awaitable[Response]]

OK = 200


def reworded(seams: "Seams", name: str, before: str, after: str) -> Undo:
    """Write one statement of the store otherwise."""
    healthy = seams.store.statements
    return replace(seams.store, statements={**healthy, name: healthy[name].replace(before, after)})


def afterwards(seams: "Seams", step: str, alter: "Alter") -> Undo:
    """Have a route do what it does, and answer with what `alter` makes of its answer."""
    healthy = getattr(seams, step)

    async def route(given: "Seams", request: "Request", *ids: str) -> Response:
        return await alter(given, request, await healthy(given, request, *ids))

    return replace(seams, **{step: route})


async def _failing(_seams: "Seams", _request: "Request", *_ids: str) -> Response:
    raise AttributeError("'SessionManager' object has no attribute 'validate_session_with_id'")


@fault("threads.create-dead", place="backend", seen="at 7d6ac350a: an id manager without the method that it calls")
def create_dead(seams: "Seams") -> Undo:
    """Create is 500, always."""
    return replace(seams, create=_failing)


@fault("threads.read-dead", place="backend", seen="at 7d6ac350a: a session manager without the method that it calls")
def read_dead(seams: "Seams") -> Undo:
    """Reading one thread is 500, always."""
    return replace(seams, read=_failing)


@fault("threads.rename-dead", place="backend", seen="at 7d6ac350a: as threads.read-dead")
def rename_dead(seams: "Seams") -> Undo:
    """Changing a thread is 500, always."""
    return replace(seams, change=_failing)


@fault("threads.archive-dead", place="backend", seen="at 7d6ac350a: as threads.read-dead")
def archive_dead(seams: "Seams") -> Undo:
    """Archiving is 500, always."""
    return replace(seams, archive=_failing)


@fault("threads.messages-dead", place="backend", seen="at 7d6ac350a: as threads.read-dead")
def messages_dead(seams: "Seams") -> Undo:
    """Messages are 500, always."""
    return replace(seams, list_messages=_failing)


@fault("threads.create-not-stored", place="backend", seen="at aebb16f77: an answer from memory, and no commit")
def create_not_stored(seams: "Seams") -> Undo:
    """Create answers with a thread that is in no table."""

    async def alter(given: "Seams", _request: "Request", answer: Response) -> Response:
        async with given.store.engine.begin() as connection:
            made = json.loads(bytes(answer.body))["id"]
            await connection.execute(text("DELETE FROM threads WHERE id = :id"), {"id": made})
        return answer

    return afterwards(seams, "create", alter)


@fault("threads.title-lost", place="backend", seen="a field that the insert's column list forgot")
def title_lost(seams: "Seams") -> Undo:
    """The title is not stored."""
    return reworded(seams, "create", ":title, :user", "CAST(NULLIF(CAST(:title AS text), :title) AS text), :user")


@fault("threads.rename-not-stored", place="backend", seen="a transaction that is rolled back")
def rename_not_stored(seams: "Seams") -> Undo:
    """A new title is accepted, and the old one stays."""
    return reworded(seams, "update", "CASE WHEN :titled THEN", "CASE WHEN :titled AND FALSE THEN")


@fault("threads.archived-still-there", place="backend", seen="deleted_at set in the object, and no flush")
def archived_still_there(seams: "Seams") -> Undo:
    """Archiving reports success, and the thread is still listed."""

    async def archive(_given: "Seams", _request: "Request", _thread_id: str) -> Response:
        return JSONResponse({"message": "Thread archived successfully"})

    return replace(seams, archive=archive)


@fault("threads.foreign-by-id", place="backend", seen="get(thread_id) without the owner in the condition")
def foreign_by_id(seams: "Seams") -> Undo:
    """A user who knows an id can read, change and archive the thread."""
    healthy = seams.access

    def access(row: "dict[str, Any] | None") -> "dict[str, Any]":
        return healthy(row and {**row, "own": True, "owned": True})

    return replace(seams, access=access)


def _then(seams: "Seams", step: str, change: Any) -> Undo:  # noqa: ANN401 - (seams, the body sent, the answer) -> awaitable
    """Have something happen after a route has done what it does."""

    async def alter(given: "Seams", request: "Request", answer: Response) -> Response:
        if answer.status_code == OK:
            await change(given, json.loads(await request.body()), json.loads(bytes(answer.body)))
        return answer

    return afterwards(seams, step, alter)


GIVE = "UPDATE threads SET user_id = :named WHERE id = :id"


def giving_away(seams: "Seams", step: str, name: "Callable[[dict[str, Any]], object]", statement: str = GIVE) -> Undo:
    """Make the user whom `name` finds in the body of a route's request the owner of the thread, by this statement."""

    async def give(given: "Seams", body: "dict[str, Any]", item: "dict[str, Any]") -> None:
        if named := name(body):
            async with given.store.engine.begin() as connection:
                await connection.execute(text(statement), {"named": named, "id": item["id"]})

    return _then(seams, step, give)


def in_metadata(body: "dict[str, Any]") -> object:
    """The user whom the metadata of a body names, if any."""
    return (body.get("metadata") or {}).get("user_id")


@fault("threads.created-for-another", place="backend", seen="the owner taken from the body's metadata")
def created_for_another(seams: "Seams") -> Undo:
    """A thread belongs to the user whom its metadata names."""
    return giving_away(seams, "create", in_metadata)


@fault("threads.rename-changes-owner", place="backend", seen="the whole of the metadata written over the old one")
def rename_changes_owner(seams: "Seams") -> Undo:
    """A user who changes a thread can give it to another user."""
    return giving_away(seams, "change", in_metadata)


@fault("threads.created-twice", place="backend", seen="a retry of the insert after a time-out that had succeeded")
def created_twice(seams: "Seams") -> Undo:
    """Each create stores a second thread."""

    async def again(given: "Seams", _body: "dict[str, Any]", item: "dict[str, Any]") -> None:
        async with given.store.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO threads (id, object, title, user_id, metadata_, created_at, updated_at) "
                    "SELECT id || '-2', object, title, user_id, metadata_, created_at, updated_at "
                    "FROM threads WHERE id = :id"
                ),
                {"id": item["id"]},
            )

    return _then(seams, "create", again)
