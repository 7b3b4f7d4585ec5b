"""Faults of two changes of one thread at the same time: rows that are saved as a whole, transactions that give up."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from twin.backend.bodies import Draft
from twin.backend.refusals import not_found
from twin.backend.thread_store import FIND, ThreadStore
from twin.backend.threads import understand_metadata
from twin.faults.threads_one import reworded
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.thread_store import Row

MODEL_S = 0.3  # as long as a model may take
SAVE = "UPDATE threads SET title = :title, deleted_at = NULL WHERE id = :id"


class _Whole(ThreadStore):
    """Reads a thread, changes it in memory, and saves all of it."""

    async def update(self, thread_id: str, user: str, draft: Draft) -> "Row":
        row = await self.find(thread_id, user) or {}
        title = draft.title if draft.titled else row["title"]
        metadata = (understand_metadata(row["metadata_text"]) or {}) | (draft.metadata or {})
        return await ThreadStore.update(self, thread_id, user, Draft(titled=True, title=title, metadata=metadata))


@fault("threads.saved-whole", place="backend", seen="session.merge(thread): every column, as it was read")
def saved_whole(seams: "Seams") -> Undo:
    """A new title and new metadata at the same time: the later one takes back the earlier one."""
    return replace(seams, store=_Whole(seams.store.engine, seams.store.statements))


@fault("threads.saved-back-to-life", place="backend", seen="session.merge(thread), its deleted_at with it")
def saved_back_to_life(seams: "Seams") -> Undo:
    """A thread that is archived while it is renamed comes back."""
    return undo_all(
        reworded(seams, "update", "SET updated_at = now()", "SET deleted_at = NULL, updated_at = now()"),
        reworded(seams, "update", "WHERE id = :id AND deleted_at IS NULL", "WHERE id = :id"),
    )


class _Snapshot(ThreadStore):
    """Reads and changes in one transaction that sees nothing of others."""

    async def update(self, thread_id: str, user: str, draft: Draft) -> "Row":
        said = {key: value for key, value in (draft.metadata or {}).items() if key != "user_id"}
        values = {"id": thread_id, "titled": draft.titled, "title": draft.title, "metadata": json.dumps(said)}
        async with self.engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
            await connection.execute(text(FIND), {"id": thread_id, "user": user})
            row = (await connection.execute(text(self.statements["update"]), values)).mappings().first()
            await connection.commit()
        if row is None:
            raise not_found()
        return dict(row)


@fault("threads.change-without-retry", place="backend", seen="REPEATABLE READ for all, and no retry of error 40001")
def change_without_retry(seams: "Seams") -> Undo:
    """Of two changes at the same time, one is answered 500."""
    return replace(seams, store=_Snapshot(seams.store.engine, seams.store.statements))


@fault(
    "threads.agent-saves-the-thread", place="backend", seen="a thread object kept for a run, and saved with its answer"
)
def agent_saves_the_thread(seams: "Seams") -> Undo:
    """What its owner changed while the agent answered in a thread is taken back."""
    healthy, kept = seams.sessions.remember, dict[object, Any]()

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        if role == "user":
            kept[thread] = await seams.store.find(str(thread), identity.user_id)
        elif row := kept.pop(thread, None):
            await asyncio.sleep(MODEL_S)
            async with seams.store.engine.begin() as connection:
                await connection.execute(text(SAVE), {"id": row["id"], "title": row["title"]})
        await healthy(identity, thread, role, content)

    return replace(seams.sessions, remember=remember)
