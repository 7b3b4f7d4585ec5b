"""Faults that two revisions have on one schema: a migration that contracts before the old code has gone."""

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.backend.thread_routes import user_of
from twin.faults.threads_one import reworded
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams

Row = dict[str, Any]
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
