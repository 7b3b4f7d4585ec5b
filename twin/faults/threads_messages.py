"""Faults of a thread's messages: their order, their windows, their values, their owners, and what is never stored."""

import html
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.faults.threads_metadata import rendering
from twin.faults.threads_one import reworded
from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

HOUR_S, KEPT_S = 3600, 5
# By name: what stands in the statement, what a developer wrote instead, and where it was seen.
REWRITTEN = {
    "newest-first": ("created_at, id", "created_at DESC, id DESC", "the list's order taken over"),
    "unordered": ("ORDER BY created_at, id", "ORDER BY content", "an ORDER BY that the model's default replaces"),
    "by-id": ("ORDER BY created_at, id", "ORDER BY id", "ids that once were serial numbers"),
    "of-all-threads": ("thread_id = :id", "(thread_id = :id OR id IS NOT NULL)", "an OR that lost its brackets"),
    "offset-ignored": ("OFFSET :offset", "OFFSET :offset * 0", "a parameter that is read and never used"),
    "of-users-alone": ("thread_id = :id", "thread_id = :id AND role = 'user'", "a filter for the search index"),
}


def _rewritten(name: str) -> None:
    before, after, seen = REWRITTEN[name]

    def install(seams: "Seams") -> Undo:
        return reworded(seams, "messages", before, after)

    fault(f"threads.messages-{name}", place="backend", seen=seen)(install)


for _name in REWRITTEN:
    _rewritten(_name)


def _telling(seams: "Seams", change: Callable[[dict[str, Any]], dict[str, Any]]) -> Undo:
    """Answer each message otherwise."""
    return replace(seams, arrange_messages=lambda messages: [{**one, **change(one)} for one in messages])


@fault("threads.messages-escaped", place="backend", seen="a template's escaping applied to JSON")
def escaped(seams: "Seams") -> Undo:
    """Texts come with &amp; and &quot; in them."""
    return _telling(seams, lambda one: {"content": html.escape(str(one["content"]))})


@fault("threads.messages-trimmed", place="backend", seen="str_strip_whitespace of the response model")
def trimmed(seams: "Seams") -> Undo:
    """Texts come without their outer blanks and line breaks."""
    return _telling(seams, lambda one: {"content": str(one["content"]).strip()})


@fault("threads.messages-one-role", place="backend", seen="a default of the response model that hides the column")
def one_role(seams: "Seams") -> Undo:
    """Every message has the assistant's role."""
    return _telling(seams, lambda _one: {"role": "assistant"})


@fault("threads.messages-hour-shifted", place="backend", seen="local time stored as if it were UTC")
def hour_shifted(seams: "Seams") -> Undo:
    """Each message is an hour older than it is."""
    return _telling(seams, lambda one: {"created_at": one["created_at"] - HOUR_S})


@fault("threads.messages-not-counted", place="backend", seen="a counter that only the removed write path kept")
def not_counted(seams: "Seams") -> Undo:
    """Every thread of the list has no messages."""

    def silent(item: dict[str, Any], _metadata: object) -> None:
        item["message_count"] = 0

    return rendering(seams, silent)


@fault("threads.messages-counted-before", place="backend", seen="a count that is kept for five seconds, for the list")
def counted_before(seams: "Seams") -> Undo:
    """The list's number of messages is that of a few seconds ago."""
    kept: dict[str, tuple[float, int]] = {}

    def arrange(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        now = time.monotonic()
        for item in items:
            seen_at, _ = kept.get(item["id"], (-KEPT_S, 0))
            if now - seen_at >= KEPT_S:
                kept[item["id"]] = now, item["message_count"]
        return [{**item, "message_count": kept[item["id"]][1]} for item in items]

    return replace(seams, arrange=arrange)


Remember = Callable[["Identity", object, str, str], Any]


@fault("threads.answers-not-kept", place="backend", seen="a task that stores the answer and is never awaited")
def answers_not_kept(seams: "Seams") -> Undo:
    """Only the questions of a conversation are stored."""
    healthy: Remember = seams.sessions.remember

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        if role == "user":
            await healthy(identity, thread, role, content)

    return replace(seams.sessions, remember=remember)


@fault("threads.answers-first", place="backend", seen="the question stored after the run that answers it")
def answers_first(seams: "Seams") -> Undo:
    """An answer comes before its question."""
    healthy: Remember = seams.sessions.remember
    asked = dict[object, tuple["Identity", str]]()

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        if role == "user":
            asked[thread] = identity, content
            return
        await healthy(identity, thread, role, content)
        if thread in asked:
            who, question = asked.pop(thread)
            await healthy(who, thread, "user", question)

    return replace(seams.sessions, remember=remember)


@fault("threads.messages-from-anybody", place="backend", seen="a WebSocket handler without the check that REST has")
def from_anybody(seams: "Seams") -> Undo:
    """A user who knows a thread's id can write into it."""

    async def remember(_identity: "Identity", thread: object, role: str, content: str) -> None:
        await seams.store.write_message(str(thread), role, content)

    return replace(seams.sessions, remember=remember)


@fault("threads.agent-silent-in-threads", place="backend", seen="a history that does not load, its error swallowed")
def agent_silent_in_threads(seams: "Seams") -> Undo:
    """What is said in a thread is never answered; what is said in none of them is."""
    healthy = seams.sessions.handlers["user_message"]

    async def user_message(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        data = message.get("data")
        if not isinstance(data, dict) or data.get("thread_id") is None:
            await healthy(sessions, socket, identity, message)

    return handling(seams, user_message=user_message)
