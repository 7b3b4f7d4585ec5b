"""Faults of archiving: it takes more than the one thread, or not every one, and it stays in the way of new ones."""

from typing import TYPE_CHECKING

from twin.faults.threads_one import reworded
from twin.switching.registry import Undo, fault

if TYPE_CHECKING:
    from twin.backend.seams import Seams

SAME_TITLE = "(title, user_id) IN (SELECT title, user_id FROM threads WHERE id = :id)"
WITHOUT_MESSAGES = "NOT EXISTS (SELECT 1 FROM messages WHERE thread_id = threads.id)"
TAKEN = (
    "EXISTS (SELECT 1 FROM threads WHERE user_id = :user AND title = CAST(:title AS text) AND deleted_at IS NOT NULL)"
)


@fault("threads.archived-by-title", place="backend", seen="a button that removes duplicates, sharing the statement")
def archived_by_title(seams: "Seams") -> Undo:
    """Archiving a thread archives its owner's others of the same title."""
    return reworded(seams, "archive", "id = :id", f"(id = :id OR {SAME_TITLE})")


@fault("threads.renamed-by-title", place="backend", seen="one statement for a thread and the copies of it")
def renamed_by_title(seams: "Seams") -> Undo:
    """Changing a thread changes its owner's others of the same title."""
    return reworded(seams, "update", "WHERE id = :id", f"WHERE (id = :id OR {SAME_TITLE})")


@fault("threads.archive-spares-messages", place="backend", seen="a rule for empty drafts, in the statement of all")
def archive_spares_messages(seams: "Seams") -> Undo:
    """A thread with messages is never archived, and the answer says that it was."""
    return reworded(seams, "archive", "id = :id", f"id = :id AND {WITHOUT_MESSAGES}")


@fault("threads.archived-title-is-taken", place="backend", seen="a unique index without WHERE deleted_at IS NULL")
def archived_title_is_taken(seams: "Seams") -> Undo:
    """A thread can't have the title of one that its owner has archived: a 500."""
    return reworded(seams, "create", "(:id,", f"(CASE WHEN {TAKEN} THEN NULL ELSE :id END,")
