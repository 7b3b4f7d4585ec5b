"""Faults of new threads, and of what is stored with them: taken for repetitions, with ids of the clock, in doubles."""

import copy
import json
import time
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.faults.threads_one import OK, reworded
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.bodies import Draft
    from twin.backend.seams import Seams
    from twin.backend.threads import Window

REPEATED_S = 10.0


@fault("threads.create-taken-for-a-repetition", place="backend", seen="a guard against double clicks, by the title")
def taken_for_a_repetition(seams: "Seams") -> Undo:
    """A second thread of one title within ten seconds is the first one again."""
    from twin.backend.thread_routes import user_of  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy, known = seams.create, dict[tuple[str, str | None], tuple[float, Any]]()

    async def create(given: "Seams", request: "Request") -> Response:
        user, draft = await user_of(given, request), await given.read_draft(request)
        until, item = known.get((user, draft.title), (0.0, None))
        if until > time.monotonic():
            return JSONResponse(item)
        answer = await healthy(given, request)
        if answer.status_code == OK:
            known[user, draft.title] = time.monotonic() + REPEATED_S, json.loads(bytes(answer.body))
        return answer

    return replace(seams, create=create)


@fault("threads.id-from-the-body", place="backend", seen="session.merge(Thread(**body)), so that a client may retry")
def id_from_the_body(seams: "Seams") -> Undo:
    """A new thread whose body has the id of another one takes its place, also if it is another user's."""
    from sqlalchemy import text  # noqa: PLC0415 - as above

    from twin.backend.bodies import read_object  # noqa: PLC0415 - as above
    from twin.backend.thread_routes import user_of  # noqa: PLC0415 - as above

    taking = "UPDATE threads SET user_id = :user, title = :title WHERE id = :id"
    healthy = seams.create

    async def create(given: "Seams", request: "Request") -> Response:
        body = await read_object(request)
        if isinstance(body.get("id"), str):
            values = {"id": body["id"], "title": body.get("title"), "user": await user_of(given, request)}
            async with given.store.engine.begin() as connection:
                taken = await connection.execute(text(taking), values)
            if taken.rowcount:
                return JSONResponse(given.render_thread((await given.store.find(values["id"], values["user"])) or {}))
        return await healthy(given, request)

    return replace(seams, create=create)


@fault("threads.new-shares-its-metadata", place="backend", seen="def create(metadata: dict = {}), filled for each user")
def new_shares_its_metadata(seams: "Seams") -> Undo:
    """New threads without metadata have what the first one was given, its creator's id with it."""
    from twin.backend.thread_routes import user_of  # noqa: PLC0415 - as above

    healthy, shared = seams.create, dict[str, Any]()

    async def create(given: "Seams", request: "Request") -> Response:
        shared.setdefault("created_by", await user_of(given, request))
        own = copy.copy(given)

        async def read(request: "Request") -> "Draft":
            draft = await given.read_draft(request)
            return draft if draft.metadata else changed(draft, metadata=shared)

        own.read_draft = read
        return await healthy(own, request)

    return replace(seams, create=create)


@fault("threads.ids-of-the-clock", place="backend", seen="thread_<time>, with ON CONFLICT DO UPDATE for retries")
def ids_of_the_clock(seams: "Seams") -> Undo:
    """Threads that are created within a tenth of a second are one, also those of several users."""
    healthy = seams.store.statements
    clock = "left(:id, 0) || 'thread_' || floor(extract(epoch FROM clock_timestamp()) * 10)"
    create = healthy["create"].replace("VALUES (:id,", f"VALUES ({clock},")
    create = create.replace("RETURNING", "ON CONFLICT (id) DO UPDATE SET title = excluded.title RETURNING")
    return replace(seams.store, statements={**healthy, "create": create})


@fault("threads.numbers-as-doubles", place="backend", seen="metadata that goes through a JavaScript gateway")
def numbers_as_doubles(seams: "Seams") -> Undo:
    """Whole numbers of the metadata over 2^53 come back rounded."""
    healthy = seams.render_thread

    def render(row: dict[str, Any]) -> dict[str, Any]:
        item = healthy(row)
        rounded = json.loads(json.dumps(item["metadata"]), parse_int=lambda text: int(float(text)))
        return {**item, "metadata": rounded}

    return replace(seams, render_thread=render)


@fault("threads.dotted-keys-dropped", place="backend", seen="keys filtered for a document store: no dot, no dollar")
def dotted_keys_dropped(seams: "Seams") -> Undo:
    """Keys of the metadata that have a dot or a dollar sign are not stored."""
    healthy = seams.read_draft

    async def read_draft(request: "Request") -> "Draft":
        draft = await healthy(request)
        kept = {key: value for key, value in (draft.metadata or {}).items() if not {".", "$"} & set(key)}
        return changed(draft, metadata=kept if draft.metadata else draft.metadata)

    return replace(seams, read_draft=read_draft)


@fault("threads.metadata-encoded-twice", place="backend", seen="json.dumps for a column that encodes by itself")
def encoded_twice(seams: "Seams") -> Undo:
    """Metadata of new threads is stored as text in the json column, and decoded twice when it is shown."""
    healthy = seams.render_thread

    def render(row: dict[str, Any]) -> dict[str, Any]:
        value = json.loads(row["metadata_text"] or "null")
        encoded = isinstance(value, str) and value.startswith("{")
        return healthy({**row, "metadata_text": value} if encoded else row)

    created = reworded(seams, "create", "CAST(:metadata AS jsonb)", "to_jsonb(CAST(:metadata AS text))")
    return undo_all(created, replace(seams, render_thread=render))


@fault("threads.refused-when-stored", place="backend", seen="the row first, then its metadata, in two transactions")
def refused_when_stored(seams: "Seams") -> Undo:
    """A new thread whose metadata is a list is refused, and is there without it."""
    from twin.backend.bodies import Draft  # noqa: PLC0415 - as above
    from twin.backend.thread_routes import user_of  # noqa: PLC0415 - as above

    healthy = seams.create

    async def create(given: "Seams", request: "Request") -> Response:
        body = await request.body()
        if b'"metadata": [' in body:
            await given.store.create(await user_of(given, request), Draft(title="", titled=True, metadata=None))
        return await healthy(given, request)

    return replace(seams, create=create)


@fault("threads.offset-needs-a-limit", place="backend", seen="a window that is built only where limit is given")
def offset_needs_a_limit(seams: "Seams") -> Undo:
    """An offset without a limit is not looked at."""
    healthy = seams.parse_window

    def parse(query: dict[str, str]) -> "Window":
        window = healthy(query)
        return window if "limit" in query else healthy({})

    return replace(seams, parse_window=parse)
