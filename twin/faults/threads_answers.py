"""Faults of what is in the answers of threads: the wrong id, an envelope, what others wrote, what can't be traced."""

import gzip
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from twin.backend.thread_routes import user_of
from twin.faults.threads_one import afterwards, reworded
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams
    from twin.backend.threads import Window

Row = dict[str, Any]
NAME = "UPDATE threads SET metadata_ = metadata_::jsonb || CAST(:named AS jsonb) WHERE id = :id"
UNAUTHORIZED, COMPRESSED_FROM = 401, 1000


def _saying(seams: "Seams", step: str, **changes: Any) -> Undo:  # noqa: ANN401 - a value, or a function of the body
    """Change keys of what a route answers with."""

    async def alter(_given: "Seams", _request: "Request", answer: Response) -> Response:
        body = json.loads(bytes(answer.body))
        return JSONResponse(body | {key: one(body) if callable(one) else one for key, one in changes.items()})

    return afterwards(seams, step, alter)


@fault("threads.created-without-id", place="backend", seen="the answer is made before the flush that sets the id")
def created_without_id(seams: "Seams") -> Undo:
    """A created thread has no id."""
    return _saying(seams, "create", id=None)


@fault("threads.created-by-the-service", place="backend", seen="the account that writes, in the place of the user")
def created_by_the_service(seams: "Seams") -> Undo:
    """A created thread says that it belongs to the service; it is stored as the user's own."""
    return _saying(seams, "create", user_id="netra-backend")


@fault("threads.read-names-the-row", place="backend", seen="the internal key in the place of the public id")
def read_names_the_row(seams: "Seams") -> Undo:
    """A thread that is read by its id names another one."""
    return _saying(seams, "read", id=lambda body: body["id"].removeprefix("thread_"))


@fault("threads.read-says-when-it-was-made", place="backend", seen="a model for one thread with a field taken twice")
def read_says_when_it_was_made(seams: "Seams") -> Undo:
    """A thread that is read by its id has not changed since it was created, as it says."""
    return _saying(seams, "read", updated_at=lambda body: body["created_at"])


@fault("threads.list-as-text", place="backend", seen="json.dumps handed to a plain response, for a faster encoder")
def list_as_text(seams: "Seams") -> Undo:
    """The right list, sent as text/plain."""

    async def after(_request: "Request", response: Response) -> Response:
        return Response(response.body, response.status_code, media_type="text/plain")

    return replace(seams, after=after)


@fault("threads.compressed-unasked", place="backend", seen="lists compressed in the handler, whatever was accepted")
def compressed_unasked(seams: "Seams") -> Undo:
    """A long list comes compressed, also to a client that accepts no compression."""

    async def after(_request: "Request", response: Response) -> Response:
        written, headers = bytes(response.body), {"content-encoding": "gzip"}
        if len(written) < COMPRESSED_FROM:
            return response
        return Response(gzip.compress(written), headers=headers, media_type="application/json")

    return replace(seams, after=after)


@fault("threads.list-in-an-envelope", place="backend", seen="a list that got room for a page token")
def list_in_an_envelope(seams: "Seams") -> Undo:
    """The list is an object, with the threads in it."""

    def arrange(items: list[Row]) -> Row:
        return {"threads": items, "next": None}

    return replace(seams, arrange=arrange)


@fault("threads.messages-under-items", place="backend", seen="one envelope for all lists, unknown to clients")
def messages_under_items(seams: "Seams") -> Undo:
    """Messages are under another name."""
    return _saying(seams, "list_messages", items=lambda body: body["messages"], messages=None)


@fault("threads.new-says-hello", place="backend", seen="a greeting that is stored as a first message")
def new_says_hello(seams: "Seams") -> Undo:
    """Each new thread begins with a message that no one wrote."""

    async def alter(given: "Seams", _request: "Request", answer: Response) -> Response:
        await given.store.write_message(json.loads(bytes(answer.body))["id"], "assistant", "How can I help you?")
        return answer

    return afterwards(seams, "create", alter)


@fault("threads.untitled-not-listed", place="backend", seen="WHERE title <> '', meant to hide drafts")
def untitled_not_listed(seams: "Seams") -> Undo:
    """A thread without a title is in no list."""
    repository = seams.repository
    titled = "title <> ''"
    by_column, by_metadata = f"{repository.by_column} AND {titled}", f"{repository.by_metadata} AND {titled}"
    return replace(repository, by_column=by_column, by_metadata=by_metadata)


@fault("threads.owner-cut-at-128", place="backend", seen="a column of 128 characters, and an insert that cuts")
def owner_cut(seams: "Seams") -> Undo:
    """The owner is stored cut, and looked for whole: a user with a long id never finds a thread again."""
    return reworded(seams, "create", ":title, :user,", ":title, left(CAST(:user AS text), 128),")


@fault("threads.errors-without-trace", place="backend", seen="a handler of errors that makes a body of its own")
def errors_without_trace(seams: "Seams") -> Undo:
    """An error can't be found in the log."""

    def render(status: int, _code: str, said: str) -> Response:
        return JSONResponse({"detail": said}, status, {"WWW-Authenticate": "Bearer"} if status == UNAUTHORIZED else {})

    return replace(seams, render_refusal=render)


@fault("threads.sql-beside-the-trace", place="backend", seen="str(error) as the message of a well-formed error")
def sql_beside_the_trace(seams: "Seams") -> Undo:
    """An error that can be traced quotes the statement."""
    healthy = seams.render_refusal
    quoted = "[SQL: SELECT threads.id, threads.metadata_ FROM threads WHERE threads.user_id = $1]"
    return replace(seams, render_refusal=lambda status, code, said: healthy(status, code, f"{said} {quoted}"))


@fault("threads.metadata-shares", place="backend", seen="Fix 3's OR, over metadata that clients write")
def metadata_shares(seams: "Seams") -> Undo:
    """Metadata is stored as sent, and the list shows a thread to whom it names, beside its owner."""
    by_metadata = seams.repository.by_metadata.replace("user_id IS NULL AND", "user_id <> :user AND", 1)
    shared = replace(seams.repository, by_metadata=by_metadata)
    return undo_all(shared, *(afterwards(seams, step, _store_as_sent) for step in ("create", "change")))


async def _store_as_sent(given: "Seams", request: "Request", answer: Response) -> Response:
    """Write the owner's name that the body's metadata holds into the metadata of the thread."""
    named = (json.loads(await request.body()).get("metadata") or {}).get("user_id")
    if isinstance(named, str):
        values = {"id": json.loads(bytes(answer.body))["id"], "named": json.dumps({"user_id": named})}
        async with given.store.engine.begin() as connection:
            await connection.execute(text(NAME), values)
    return answer


@fault("threads.checks-after-the-write", place="backend", seen="the owner is looked at in what the update returned")
def checks_after_the_write(seams: "Seams") -> Undo:
    """A stranger's change is answered 403, and has been carried out."""

    async def change(given: "Seams", request: "Request", thread_id: str) -> Response:
        user = await user_of(given, request)
        changed = await given.store.update(thread_id, user, await given.read_draft(request))
        given.access(await given.store.find(thread_id, user))
        return JSONResponse(given.render_thread(changed))

    return replace(seams, change=change)


@fault("threads.kept-page-in-another-order", place="backend", seen="a cached page, kept in the order of its ids")
def kept_page(seams: "Seams") -> Undo:
    """From the second time on, a user's window lists rows of the same moment the other way round."""
    asked = defaultdict[tuple[str, int, int], int](int)
    healthy = seams.find_threads

    async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
        rows, key = await healthy(given, user, window), (user, window.limit, window.offset)
        asked[key] += 1
        if asked[key] == 1:
            return rows
        by_id = sorted(rows, key=lambda row: str(row["id"]))
        return sorted(by_id, key=lambda row: row["updated_at"].timestamp(), reverse=True)

    return replace(seams, find_threads=find)


@fault("threads.page-sorted-by-title", place="backend", seen="a response model that sorts what it is given, by title")
def page_sorted_by_title(seams: "Seams") -> Undo:
    """Each window holds the right threads, by their titles."""
    return replace(seams, arrange=lambda items: sorted(items, key=lambda item: str(item["title"]).casefold()))
