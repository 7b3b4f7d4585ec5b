"""Faults of an operation below single threads that no check asks for by name: it was added to the router later."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from twin.faults.auth_routes import changed_in
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from twin.backend.seams import Seams

Row = dict[str, Any]
TOUCH = "UPDATE threads SET updated_at = now() WHERE id = :id"


def _decided_by(seams: "Seams", access: "Callable[[Row | None], Row]") -> Undo:
    """Have the operation decide by itself whose thread it works on."""

    def change(own: "Seams", _request: "Request") -> None:
        own.access = access

    return changed_in(seams, "auto_rename", change)


@fault(
    "threads.auto-rename-of-any", place="backend", seen="an action that finds by id alone, beside a list that filters"
)
def auto_rename_of_any(seams: "Seams") -> Undo:
    """Any user gives another one's thread a title, and reads it."""
    healthy = seams.access
    return _decided_by(seams, lambda row: healthy(row and {**row, "own": True}))


@fault(
    "threads.auto-rename-crashes", place="backend", seen="thread.title of a repository that found None for this user"
)
def auto_rename_crashes(seams: "Seams") -> Undo:
    """Another user's thread is a 500."""

    def access(row: Row | None) -> Row:
        if row is None or not row["own"]:
            raise AttributeError("'NoneType' object has no attribute 'title'")
        return row

    return _decided_by(seams, access)


@fault("threads.action-touches-first", place="backend", seen="UPDATE ... SET updated_at by a trigger of each request")
def action_touches_first(seams: "Seams") -> Undo:
    """An operation that refuses another user has set the time of the last change before."""
    healthy = seams.auto_rename

    async def rename(given: "Seams", request: "Request", thread_id: str) -> "Response":
        async with given.store.engine.begin() as connection:
            await connection.execute(text(TOUCH), {"id": thread_id})
        return await healthy(given, request, thread_id)

    return replace(seams, auto_rename=rename)


@fault("threads.auto-rename-names-it", place="backend", seen="'You may not rename \"{title}\"', for the page to show")
def auto_rename_names_it(seams: "Seams") -> Undo:
    """The refusal has the title in it."""
    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy = seams.access

    def access(row: Row | None) -> Row:
        try:
            return healthy(row)
        except RefusedError as error:
            title = row and row["title"]
            raise RefusedError(error.status, error.code, f"You may not rename {title!r}.") from error

    return _decided_by(seams, access)
