"""Faults of what the list and the route by id show of a thread: its title in another form, one that is gone."""

import copy
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.faults.threads_metadata import rendering
from twin.faults.threads_one import afterwards
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams
    from twin.backend.threads import Window

Row = dict[str, Any]


def _titled(seams: "Seams", show: Callable[[str], str]) -> Undo:
    """Show titles in another form."""

    def change(item: Row, _metadata: Any) -> None:  # noqa: ANN401 - whatever the row holds
        item["title"] = item["title"] and show(item["title"])

    return rendering(seams, change)


@fault("threads.title-trimmed-when-shown", place="backend", seen="a validator of the answer's model: str.strip()")
def title_trimmed_when_shown(seams: "Seams") -> Undo:
    """A title is shown without the blanks at its ends."""
    return _titled(seams, str.strip)


@fault("threads.title-cut-when-shown", place="backend", seen="title[:120], for the sidebar, in the list's model")
def title_cut_when_shown(seams: "Seams") -> Undo:
    """A title is shown as far as the sidebar is wide."""
    return _titled(seams, lambda title: title[:120])


@fault("threads.renamed-stays-readable", place="backend", seen="a cache that a change fills, and archiving leaves")
def renamed_stays_readable(seams: "Seams") -> Undo:
    """A thread that was changed can be read by its id after it was archived."""
    change, read, kept = seams.change, seams.read, dict[str, Response]()

    async def changing(given: "Seams", request: "Request", thread_id: str) -> Response:
        kept[thread_id] = await change(given, request, thread_id)
        return kept[thread_id]

    async def reading(given: "Seams", request: "Request", thread_id: str) -> Response:
        row = await given.store.find(thread_id, "")
        gone = row is not None and row["deleted_at"] is not None
        return kept[thread_id] if gone and thread_id in kept else await read(given, request, thread_id)

    return undo_all(replace(seams, change=changing), replace(seams, read=reading))


@fault("threads.second-limit-unchecked", place="backend", seen="the first value is checked, and dict() keeps the last")
def second_limit_unchecked(seams: "Seams") -> Undo:
    """Of two limits the first is held to the bounds, and the second is used."""
    from twin.backend.threads import Window  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy, last = seams.parse_window, dict[str, str]()

    def read_query(request: "Request") -> dict[str, str]:
        last.clear()
        last.update(request.query_params)
        return {name: request.query_params.getlist(name)[0] for name in request.query_params}

    def parse(query: dict[str, str]) -> "Window":
        window, used = healthy(query), last.get("limit", "")
        return Window(int(used), window.offset) if used.isdigit() else window

    return undo_all(replace(seams, read_query=read_query), replace(seams, parse_window=parse))


@fault("threads.dates-sorted-as-text", place="backend", seen="ORDER BY to_char(updated_at, 'MM/DD/YYYY HH12:MI:SS')")
def dates_sorted_as_text(seams: "Seams") -> Undo:
    """Of two threads the one with the later text is listed first."""
    as_text = "to_char(updated_at, 'MM/DD/YYYY HH12:MI:SS.US') DESC NULLS LAST, id DESC"
    return replace(seams.repository, order=as_text)


@fault("threads.later-windows-by-creation", place="backend", seen="a cursor's query of its own, for all but the first")
def later_windows_by_creation(seams: "Seams") -> Undo:
    """A window that does not begin at the top is one of another order."""
    healthy, otherwise = seams.find_threads, copy.copy(seams.repository)
    otherwise.order = "created_at DESC, id DESC"

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        return await (otherwise.find_by_user(user, window) if window.offset else healthy(given, user, window))

    return replace(seams, find_threads=find)


@fault(
    "threads.later-windows-remembered", place="backend", seen="a cache by user and window, cleared for the first one"
)
def later_windows_remembered(seams: "Seams") -> Undo:
    """A window that does not begin at the top stays as it was when it was first asked for."""
    healthy, known = seams.find_threads, dict[tuple[str, "Window"], list[Row]]()

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        rows = known[user, window] if (user, window) in known else await healthy(given, user, window)
        if window.offset and rows:
            known[user, window] = rows
        return rows

    return replace(seams, find_threads=find)


@fault("threads.read-renews-the-time-shown", place="backend", seen="touch() on the object that is answered")
def read_renews_the_time_shown(seams: "Seams") -> Undo:
    """A thread that is read by its id was changed just now, as it says; the list has the right time."""

    async def alter(_given: "Seams", _request: "Request", answer: Response) -> Response:
        return JSONResponse(json.loads(bytes(answer.body)) | {"updated_at": int(time.time())}, answer.status_code)

    return afterwards(seams, "read", alter)


@fault("threads.untitled-archived", place="backend", seen="a rule for empty drafts, which takes '' for one")
def untitled_archived(seams: "Seams") -> Undo:
    """A new thread with an empty title is archived at once."""
    columns, values = "created_at, updated_at)", "now(), now())"
    archived = "now(), now(), CASE WHEN :title = '' THEN now() END)"
    healthy = seams.store.statements
    create = healthy["create"].replace(columns, "created_at, updated_at, deleted_at)").replace(values, archived)
    return replace(seams.store, statements={**healthy, "create": create})


@fault("threads.metadata-operators-dropped", place="backend", seen="a filter against operators of another database")
def metadata_operators_dropped(seams: "Seams") -> Undo:
    """Keys of metadata that begin with a dollar are not shown."""

    def change(item: Row, _metadata: Any) -> None:  # noqa: ANN401 - whatever the row holds
        shown = item["metadata"]
        item["metadata"] = shown and {key: value for key, value in shown.items() if not key.startswith("$")}

    return rendering(seams, change)


@fault("threads.refusal-names-the-owner", place="backend", seen='f"thread belongs to {row.user_id}", for support')
def refusal_names_the_owner(seams: "Seams") -> Undo:
    """Another user's thread is refused with its owner's id."""
    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy = seams.access

    def access(row: Row | None) -> Row:
        if row is not None and row["owned"] and not row["own"]:
            raise RefusedError(403, "forbidden", f"This thread belongs to {row['user_id']}.")
        return healthy(row)

    return replace(seams, access=access)
