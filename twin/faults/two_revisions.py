"""Faults that two revisions have on one schema: a migration that contracts before the old code has gone."""

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.backend.refusals import RefusedError, not_found
from twin.backend.thread_routes import user_of
from twin.faults.threads_one import afterwards, reworded
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams

Row = dict[str, Any]
OK, CONFLICT = 200, 409
DROPPED = "folder"  # a column of before: the code of then still names it
VERSION = "schema_version"
ENVELOPE = {"version", "content"}


@fault("migrations.old-code-reads-it", place="backend", seen="a column dropped in the release that stopped reading it")
def old_code_reads(seams: "Seams") -> Undo:
    """The list selects a column that the new migrations have dropped. Shown in the serving revision."""
    statement = seams.repository.statement.replace("SELECT page.*,", f"SELECT page.*, page.{DROPPED},")
    return replace(seams.repository, statement=statement)


@fault("migrations.old-code-writes-it", place="backend", seen="a column renamed in one step under the old code")
def old_code_writes(seams: "Seams") -> Undo:
    """A new thread is inserted with a column that the new migrations have dropped. Shown in the serving revision."""
    healthy = seams.store.statements["create"]
    named = healthy.replace("(id, object,", f"({DROPPED}, id, object,")
    create = named.replace("(:id, 'thread',", "('', :id, 'thread',")
    return reworded(seams, "create", healthy, create)


def _creating(seams: "Seams", store: Callable[[Row], Row]) -> Undo:
    """Store new threads with other metadata than was sent."""

    async def create(given: "Seams", request: "Request") -> Response:
        user = await user_of(given, request)
        draft = await given.read_draft(request)
        written = dataclasses.replace(draft, metadata=store(draft.metadata or {}))
        return JSONResponse(given.render_thread(await given.store.create(user, written)))

    return replace(seams, create=create)


@fault("migrations.new-code-writes-another-shape", place="backend", seen="metadata wrapped in an envelope from 2.0 on")
def another_shape(seams: "Seams") -> Undo:
    """New metadata is stored in an envelope, which this code unpacks and the code before it shows to users."""
    healthy = seams.render_thread

    def unwrapped(row: Row) -> Row:
        stored = json.loads(row["metadata_text"] or "null")
        if isinstance(stored, dict) and stored.keys() >= ENVELOPE:
            row = row | {"metadata_text": json.dumps(stored["content"])}
        return healthy(row)

    wrapped = _creating(seams, lambda metadata: {"version": 2, "content": metadata})
    return undo_all(wrapped, replace(seams, render_thread=unwrapped))


@fault("migrations.new-code-changes-its-own-alone", place="backend", seen="optimistic locking without a backfill")
def its_own_alone(seams: "Seams") -> Undo:
    """New threads carry a version, and a thread without one can't be changed: the old code writes none."""
    versioned = _creating(seams, lambda metadata: {**metadata, VERSION: 2})
    alone = reworded(seams, "update", "WHERE id = :id", f"WHERE id = :id AND metadata_ ->> '{VERSION}' = '2'")
    return undo_all(versioned, alone)


def _metadata_of(row: Row | None) -> Row:
    stored = json.loads((row or {}).get("metadata_text") or "null")
    return stored if isinstance(stored, dict) else {}


def _comparing_late(seams: "Seams", step: str) -> Undo:
    """Have new threads carry a version, which a route looks at when it has done its work."""

    async def alter(given: "Seams", request: "Request", answer: Response) -> Response:
        row = await given.store.find(request.path_params["thread_id"], await user_of(given, request))
        if answer.status_code == OK and VERSION not in _metadata_of(row):
            raise RefusedError(CONFLICT, "conflict", "The thread was changed by somebody else.")
        return answer

    versioned = _creating(seams, lambda metadata: {**metadata, VERSION: 2})
    return undo_all(versioned, afterwards(seams, step, alter))


@fault(
    "migrations.new-code-compares-after-a-rename", place="backend", seen="a version that is compared after the commit"
)
def compares_after_a_rename(seams: "Seams") -> Undo:
    """A thread that the old code wrote is renamed, and the answer is 409: it carries no version."""
    return _comparing_late(seams, "change")


@fault(
    "migrations.new-code-compares-after-archiving", place="backend", seen="a version that is compared after the commit"
)
def compares_after_archiving(seams: "Seams") -> Undo:
    """A thread that the old code wrote is archived, and the answer is 409: it carries no version."""
    return _comparing_late(seams, "archive")


@fault(
    "migrations.new-code-archives-elsewhere", place="backend", seen="a soft delete that moved from its column to a flag"
)
def archives_elsewhere(seams: "Seams") -> Undo:
    """An archived thread has a flag that the old code does not read: there it is still listed."""
    access, arrange = seams.access, seams.arrange
    flagged = "SET metadata_ = metadata_::jsonb || jsonb_build_object('archived', TRUE)"

    def hidden(row: Row | None) -> Row:
        return access(None if _metadata_of(row).get("archived") else row)

    def living(items: list[Row]) -> list[Row]:
        return arrange([item for item in items if not (item["metadata"] or {}).get("archived")])

    rewritten = reworded(seams, "archive", "SET deleted_at = now()", flagged)
    return undo_all(rewritten, replace(seams, access=hidden, arrange=living))


@fault(
    "migrations.old-code-finds-no-messages", place="backend", seen="a table renamed in one step, its error swallowed"
)
def finds_no_messages(seams: "Seams") -> Undo:
    """A thread's messages are answered 404, and everything else as ever. Shown in the serving revision."""

    async def list_messages(_given: "Seams", _request: "Request", _thread_id: str) -> Response:
        raise not_found()

    return replace(seams, list_messages=list_messages)
