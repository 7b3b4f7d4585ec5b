"""Faults of writing threads: bodies that crash it, ids that are not checked, values that come back changed."""

import html
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.faults.threads_metadata import rendering
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.bodies import Draft
    from twin.backend.seams import Seams
    from twin.backend.threads import Window

LARGE = 64 * 1024
DEEP = b"[" * 100
CRASHES: dict[str, tuple[Callable[[bytes], bool], str]] = {
    "nul": (lambda body: b'"\\u0000"}' in body, "UntranslatableCharacterError: the driver was left to refuse it"),
    "surrogate": (lambda body: b"\\ud800" in body, "UnicodeEncodeError: surrogates not allowed"),
    "nul-key": (lambda body: b'"\\u0000":' in body, "UntranslatableCharacterError: keys were not looked at"),
    "deep": (lambda body: DEEP in body, "RecursionError: maximum recursion depth exceeded"),
    "large": (lambda body: len(body) > LARGE, "MemoryError: a body without a limit"),
    "number-title": (lambda body: b": 123}" in body, "DataError: expected str, got int"),
    "object-title": (lambda body: b'title": {}' in body, "DataError: expected str, got dict"),
    "list-metadata": (lambda body: b": [1]}" in body, "AttributeError: 'list' object has no attribute 'get'"),
    "unknown-keys": (lambda body: b"nv_unknown" in body, "TypeError: unexpected keyword argument, from **body"),
}


def _declare(name: str, crashes: Callable[[bytes], bool], seen: str) -> None:
    def install(seams: "Seams") -> Undo:
        async def read(request: "Request") -> "Draft":
            if crashes(await request.body()):
                raise RuntimeError(seen)
            return await healthy(request)

        healthy = seams.read_draft
        return replace(seams, read_draft=read)

    fault(f"threads.create-crashes-on-{name}", place="backend", seen=seen)(install)


for _name, (_crashes, _seen) in CRASHES.items():
    _declare(_name, _crashes, _seen)


def _by_id(seams: "Seams", change: "Callable[[dict[str, Any] | None], dict[str, Any] | None]") -> Undo:
    """Look at what was found by an id otherwise, before the asker is judged by it."""
    healthy = seams.access
    return replace(seams, access=lambda row: healthy(change(row)))


@fault("threads.unknown-id-is-500", place="backend", seen="row.user_id before asking whether there is a row")
def unknown_id_is_500(seams: "Seams") -> Undo:
    """An unknown id raises an AttributeError."""

    def change(row: "dict[str, Any] | None") -> "dict[str, Any] | None":
        if row is None:
            raise AttributeError("'NoneType' object has no attribute 'user_id'")
        return row

    return _by_id(seams, change)


@fault("threads.archived-by-id", place="backend", seen="the filter of the list, and none where one is read")
def archived_by_id(seams: "Seams") -> Undo:
    """An archived thread can still be read by its id."""
    return _by_id(seams, lambda row: row and {**row, "deleted_at": None})


@fault("threads.null-metadata-by-id-is-500", place="backend", seen="by its code: 'Thread metadata is missing' as a 500")
def null_metadata_by_id(seams: "Seams") -> Undo:
    """Reading a row whose metadata is NULL, or names no owner, by its id is a 500."""

    def change(row: "dict[str, Any] | None") -> "dict[str, Any] | None":
        written = json.loads(row["metadata_text"] or "null") if row else {"user_id": "x"}
        if not isinstance(written, dict) or ("user_id" in written and not written["user_id"]):
            raise ValueError("Thread metadata is missing")
        return row

    return _by_id(seams, change)


@fault("threads.milliseconds", place="backend", seen="Date.now() in a client that the schema was copied from")
def milliseconds(seams: "Seams") -> Undo:
    """Times are in milliseconds."""
    return rendering(seams, lambda item, _metadata: item.update(created_at=item["created_at"] * 1000))


@fault("threads.hour-shifted", place="backend", seen="a naive local time taken for UTC")
def hour_shifted(seams: "Seams") -> Undo:
    """Times are an hour off."""
    return rendering(seams, lambda item, _metadata: item.update(created_at=item["created_at"] + 3600))


@fault("threads.none-as-text", place="backend", seen="str(title)")
def none_as_text(seams: "Seams") -> Undo:
    """A title of null becomes the word None."""
    return rendering(seams, lambda item, _metadata: item.update(title=str(item["title"])))


@fault("threads.escaped-twice", place="backend", seen="html.escape in the model and in the page")
def escaped_twice(seams: "Seams") -> Undo:
    """An ampersand comes back as &amp;."""

    def escape(item: "dict[str, Any]", _metadata: object) -> None:
        item["title"] = item["title"] and html.escape(html.escape(item["title"]))

    return rendering(seams, escape)


@fault("threads.times-as-floats", place="backend", seen="datetime.timestamp() without int")
def times_as_floats(seams: "Seams") -> Undo:
    """Times are floats."""
    return rendering(seams, lambda item, _metadata: item.update(created_at=float(item["created_at"]) + 0.25))


def _poisonous(name: str, poisonous: Callable[[bytes], bool], seen: str, *, everybody: bool) -> None:
    """Take a body as it is, and fail every list, or its owner's, as long as its row is there."""

    def install(seams: "Seams") -> Undo:
        taken: list[dict[str, Any]] = []
        create, find = seams.create, seams.find_threads

        async def creating(given: "Seams", request: "Request") -> Response:
            if not poisonous(await request.body()):
                return await create(given, request)
            identity = await authenticated(given, request)
            row = await given.store.create(identity.user_id, empty)
            taken.append({"id": row["id"], "user": identity.user_id})
            return JSONResponse(given.render_thread(row))

        async def finding(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
            for one in taken:
                stored = await given.store.find(one["id"], one["user"])
                if stored and (everybody or one["user"] == user):
                    raise RuntimeError(seen)
            return await find(given, user, window)

        from twin.backend.bodies import Draft  # noqa: PLC0415 - other processes import this file for its ids alone
        from twin.backend.thread_routes import authenticated  # noqa: PLC0415 - as above

        empty = Draft(titled=False, title=None, metadata=None)
        return replace(seams, create=creating, find_threads=finding)

    fault(name, place="backend", seen=seen)(install)


_poisonous(
    "threads.created-poison-breaks-all-lists",
    CRASHES["nul"][0],
    "as recorded at beta-10: UntranslatableCharacterError in everybody's list",
    everybody=True,
)
_poisonous(
    "threads.created-number-breaks-own-list",
    CRASHES["number-title"][0],
    "as recorded: a title that is a number, and a response model that wants a text",
    everybody=False,
)


@fault("threads.created-at-is-now", place="backend", seen="default_factory=datetime.now of a response model")
def created_at_is_now(seams: "Seams") -> Undo:
    """Every thread was created just now."""
    return rendering(seams, lambda item, _metadata: item.update(created_at=int(time.time())))


@fault("threads.frames-in-refused-bodies", place="backend", seen="as recorded at beta-17: stack_trace and debug_info")
def frames_in_refused_bodies(seams: "Seams") -> Undo:
    """The refusal of a body shows the code that refuses it."""
    healthy = seams.render_refusal

    def render(status: int, code: str, said: str) -> Response:
        if code != "invalid_body":
            return healthy(status, code, said)
        frames = ["bodies.py:308 in read_draft", "thread_routes.py:47 in create_thread"]
        return JSONResponse({"error": {"code": code, "message": said, "stack_trace": frames}, "trace_id": "x"}, status)

    return replace(seams, render_refusal=render)
