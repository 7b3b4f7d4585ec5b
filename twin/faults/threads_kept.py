"""Faults of what is kept of threads, and how long: metadata, times, a cache by id, no owner, the length of a list."""

import json
import time
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.auth.by_hand import payload_of
from twin.backend.threads import MAX_LIMIT, Window, understand_metadata
from twin.faults.threads_one import OK, reworded
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams

CACHED_S = 3.0
Row = dict[str, Any]
WRITTEN = "CAST(:metadata AS jsonb)"


@fault("threads.metadata-lost", place="backend", seen="a field that the insert's column list forgot")
def metadata_lost(seams: "Seams") -> Undo:
    """The metadata of a new thread is not stored."""
    return reworded(seams, "create", WRITTEN, f"NULLIF({WRITTEN}, {WRITTEN})")


@fault("threads.created-an-hour-ahead", place="backend", seen="local time written into a column with a zone")
def created_ahead(seams: "Seams") -> Undo:
    """A new thread was made an hour from now."""
    return reworded(seams, "create", "now(), now())", "now() + interval '1 hour', now())")


@fault("threads.rename-loses-metadata", place="backend", seen="an update that copies the title alone")
def rename_loses_metadata(seams: "Seams") -> Undo:
    """The metadata of a change is not stored."""
    keys = f"ARRAY(SELECT jsonb_object_keys({WRITTEN}))"
    return reworded(seams, "update", f"|| {WRITTEN}", f"|| ({WRITTEN} - {keys})")


@fault("threads.read-cached-for-3-s", place="backend", seen="a cache by id, and no write that clears it")
def read_cached(seams: "Seams") -> Undo:
    """A thread that was read by its id is answered as it was, for three seconds."""
    healthy, kept = seams.read, dict[tuple[str, str], tuple[float, Any]]()

    async def read(given: "Seams", request: "Request", thread_id: str) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = str(payload_of(token).get("sub")), thread_id  # each request has a token of its own
        until, known = kept.get(key, (0.0, None))
        if until > time.monotonic():
            return JSONResponse(known)
        answer = await healthy(given, request, thread_id)
        if answer.status_code == OK:
            kept[key] = time.monotonic() + CACHED_S, json.loads(bytes(answer.body))
        return answer

    return replace(seams, read=read)


@fault("threads.ownerless-for-anybody", place="backend", seen="an owner that is compared where metadata names one")
def ownerless_for_anybody(seams: "Seams") -> Undo:
    """A thread whose metadata has no user_id is shown to every user."""
    healthy = seams.access

    def access(row: "dict[str, Any] | None") -> "dict[str, Any]":
        known = understand_metadata(row["metadata_text"]) if row else None
        named = isinstance((known or {}).get("user_id"), str)
        return healthy(row if named else row and {**row, "own": True, "owned": True})

    return replace(seams, access=access)


@fault("threads.added-counted-twice", place="backend", seen="offsets kept right for new rows, by the page and the API")
def added_counted_twice(seams: "Seams") -> Undo:
    """What was added since a user's first page moves the later ones twice as far."""
    healthy, before = seams.find_threads, dict[str, int]()

    async def find(given: "Seams", user: str, window: Window) -> list[Row]:
        own = len(await healthy(given, user, Window(MAX_LIMIT, 0)))
        if window.offset == 0:
            before[user] = own
        added = max(0, own - before.get(user, own))
        return await healthy(given, user, Window(window.limit, window.offset + 2 * added))

    return replace(seams, find_threads=find)
