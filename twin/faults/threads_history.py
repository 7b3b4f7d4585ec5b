"""Faults of a thread's history and of what answers say of a thread: ends too early, counts, old values."""

import json
from dataclasses import replace as altered
from typing import TYPE_CHECKING, Any

from twin.backend.thread_store import refuse_foreign
from twin.faults.threads_metadata import rendering
from twin.faults.threads_odd import windowing
from twin.faults.threads_one import afterwards, reworded
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from twin.backend.seams import Seams
    from twin.backend.threads import Window

MOST, SHORT = 100, 1_000
ARCHIVING = "UPDATE threads SET deleted_at = now() WHERE id = :id AND deleted_at IS NULL"


@fault("threads.messages-end-at-100", place="backend", seen="a page of messages, loaded once and cut then")
def messages_end_at_100(seams: "Seams") -> Undo:
    """Of a long history, what is behind the first hundred is never answered."""

    def change(query: dict[str, str]) -> dict[str, str]:
        offset = query.get("offset", "0")
        return query | {"offset": "9" * 9} if offset.isdecimal() and int(offset) >= MOST else query

    return windowing(seams, change, "/messages")


@fault("threads.messages-cut", place="backend", seen="the preview of a message in the place of its content")
def messages_cut(seams: "Seams") -> Undo:
    """A long message loses its end."""
    return replace(
        seams, arrange_messages=lambda messages: [{**one, "content": one["content"][:SHORT]} for one in messages]
    )


@fault("threads.messages-counted-on-a-page", place="backend", seen="len(thread.messages), of which a page was loaded")
def messages_counted_on_a_page(seams: "Seams") -> Undo:
    """A thread has never more than a hundred messages, as the list says."""
    return rendering(seams, lambda item, _metadata: item.update(message_count=min(MOST, item["message_count"])))


@fault("threads.joined-with-messages", place="backend", seen="LEFT JOIN messages, without DISTINCT")
def joined_with_messages(seams: "Seams") -> Undo:
    """A thread is listed as often as it has messages."""
    healthy = seams.find_threads

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        rows = await healthy(given, user, window)
        return [row for one in rows for row in [one] * max(1, one["message_count"])][: window.limit]

    return replace(seams, find_threads=find)


@fault(
    "threads.read-counts-no-messages", place="backend", seen="the default of a response model, where none is counted"
)
def read_counts_no_messages(seams: "Seams") -> Undo:
    """A thread that is read by its id has no messages, as it says."""

    async def alter(_given: "Seams", _request: "Request", answer: "Response") -> "Response":
        from starlette.responses import JSONResponse  # noqa: PLC0415 - other processes import this file for its ids alone

        return JSONResponse(json.loads(bytes(answer.body)) | {"message_count": 0})

    return afterwards(seams, "read", alter)


@fault(
    "threads.change-answers-as-before", place="backend", seen="the object that was loaded, answered after the update"
)
def change_answers_as_before(seams: "Seams") -> Undo:
    """A change is carried out, and answered with the thread as it was."""
    healthy = seams.change

    async def change(given: "Seams", request: "Request", thread_id: str) -> "Response":
        before = await given.read(given, request, thread_id)
        answer = await healthy(given, request, thread_id)
        return before if answer.status_code == before.status_code else answer

    return replace(seams, change=change)


@fault("threads.archive-deletes-the-row", place="backend", seen="session.delete(thread), for a soft delete")
def archive_deletes_the_row(seams: "Seams") -> Undo:
    """An archived thread can never be brought back."""
    return reworded(seams, "archive", ARCHIVING, "DELETE FROM threads WHERE id = :id")


@fault("threads.errors-share-an-id", place="backend", seen='the default of a context variable: "unknown"')
def errors_share_an_id(seams: "Seams") -> Undo:
    """Every error has the same request id."""
    healthy = seams.render_refusal

    def render(status: int, code: str, said: str) -> "Response":
        from starlette.responses import JSONResponse  # noqa: PLC0415 - other processes import this file for its ids alone

        answer = healthy(status, code, said)
        kept = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        return JSONResponse(json.loads(bytes(answer.body)) | {"trace_id": "unknown"}, status, kept)

    return replace(seams, render_refusal=render)


@fault("threads.messages-open-further-on", place="backend", seen="the owner checked where a history is first loaded")
def messages_open_further_on(seams: "Seams") -> Undo:
    """Who asks for a later window of a thread's messages is not asked whose the thread is."""
    healthy = seams.list_messages

    async def list_messages(given: "Seams", request: "Request", thread_id: str) -> "Response":
        if request.query_params.get("offset", "0") == "0":
            return await healthy(given, request, thread_id)
        with_all = altered(given, access=lambda row: refuse_foreign(row and {**row, "own": True}))
        return await healthy(with_all, request, thread_id)

    return replace(seams, list_messages=list_messages)
