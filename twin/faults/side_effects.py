"""Faults of what is done beside what was asked: to other threads, to a thread's messages, for those who come later."""

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from twin.faults.threads_one import afterwards
from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from twin.auth.service import Seams as Auth
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.threads import Window
    from twin.backend.websocket import Message, Sessions

KEPT_S, PREPARED_S, EVENT_S = 3.0, 0.8, 0.02
OTHERS = "(SELECT id FROM threads WHERE id <> :id AND user_id = (SELECT user_id FROM threads WHERE id = :id))"


def _also(seams: "Seams", step: str, statement: str) -> Undo:
    """Have a step of a single thread execute one statement more."""

    async def alter(given: "Seams", request: "Request", answer: "Response") -> "Response":
        async with given.store.engine.begin() as connection:
            await connection.execute(text(statement), {"id": request.url.path.rpartition("/")[2]})
        return answer

    return afterwards(seams, step, alter)


@fault("threads.change-drops-messages", place="backend", seen="cascade='all, delete-orphan' and a replaced thread")
def change_drops_messages(seams: "Seams") -> Undo:
    """A thread that is changed has no messages any more."""
    return _also(seams, "change", "DELETE FROM messages WHERE thread_id = :id")


@fault("threads.archive-drops-others-messages", place="backend", seen="DELETE ... WHERE user_id, for a thread's rows")
def archive_drops_others_messages(seams: "Seams") -> Undo:
    """Archiving a thread deletes the messages of its owner's other threads."""
    return _also(seams, "archive", f"DELETE FROM messages WHERE thread_id IN {OTHERS}")  # noqa: S608 - a constant


@fault("threads.archive-renews-others", place="backend", seen="an UPDATE of the user's threads, to expire a cache")
def archive_renews_others(seams: "Seams") -> Undo:
    """Archiving a thread sets the time of a change of its owner's other threads."""
    statement = f"UPDATE threads SET updated_at = now() + interval '2 s' WHERE id IN {OTHERS}"  # noqa: S608 - a constant
    return _also(seams, "archive", statement)


@fault("threads.talk-renames", place="backend", seen="titles made of the last thing said, whether there is one or not")
def talk_renames(seams: "Seams") -> Undo:
    """What a user says in a thread becomes its title."""
    healthy = seams.sessions.remember

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        await healthy(identity, thread, role, content)
        if role == "user":
            async with seams.store.engine.begin() as connection:
                statement = text("UPDATE threads SET title = left(:content, 40) WHERE id = :id")
                await connection.execute(statement, {"id": thread, "content": content})

    return replace(seams.sessions, remember=remember)


@fault("websocket.one-thread-per-session", place="backend", seen="session.thread_id = session.thread_id or thread_id")
def one_thread_per_session(seams: "Seams") -> Undo:
    """All that is said in a session is kept in the thread in which something was said first."""
    healthy = seams.sessions.handlers["user_message"]

    async def user_message(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        data = message.get("data")
        if isinstance(data, dict) and isinstance(data.get("thread_id"), str):
            socket.state.thread = getattr(socket.state, "thread", data["thread_id"])
            message = {**message, "data": {**data, "thread_id": socket.state.thread}}
        await healthy(sessions, socket, identity, message)

    return handling(seams, user_message=user_message)


@fault("threads.history-remembered", place="backend", seen="a cache of three seconds, by thread and window")
def history_remembered(seams: "Seams") -> Undo:
    """A thread's messages are answered as they were when somebody read them last, for some seconds."""
    from twin.backend.thread_routes import user_of  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy, kept = seams.list_messages, dict[tuple[str, str], tuple[float, Any]]()

    async def list_messages(given: "Seams", request: "Request", thread_id: str) -> "Response":
        asked = await user_of(given, request), str(request.url)
        until, answer = kept.get(asked, (0.0, None))
        if until < time.monotonic():
            answer = await healthy(given, request, thread_id)
            kept[asked] = time.monotonic() + KEPT_S, answer
        result: Response = answer
        return result

    return replace(seams, list_messages=list_messages)


@fault("threads.first-list-prepares", place="backend", seen="a user's settings, fetched at the first request")
def first_list_prepares(seams: "Seams") -> Undo:
    """A user's first list takes most of a second."""
    healthy, known = seams.find_threads, set[str]()

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        if user not in known:
            known.add(user)
            await asyncio.sleep(PREPARED_S)
        return await healthy(given, user, window)

    return replace(seams, find_threads=find)


class _Forgetting(set[Any]):
    """The sockets of a user, of which none is left when one closes."""

    def discard(self, _element: object) -> None:
        self.clear()


@fault("websocket.one-close-forgets-all", place="backend", seen="sockets.pop(user_id) where one of them closes")
def one_close_forgets_all(seams: "Seams") -> Undo:
    """When one tab of a user closes, the others hear no answer any more."""
    from twin.backend.websocket import Hub  # noqa: PLC0415 - other processes import this file for its ids alone

    return replace(seams.sessions, hub=Hub(defaultdict(_Forgetting)))


@fault("websocket.last-words-to-the-next", place="backend", seen="a queue for offline users, without their names")
def last_words_to_the_next(seams: "Seams") -> Undo:
    """Events for a user without a session are sent to the user who connects next."""
    sessions, kept = seams.sessions, list["Message"]()
    tell, talk = sessions.tell, sessions.talk

    async def keeping(given: "Sessions", user_id: str, message: "Message") -> None:
        await asyncio.sleep(EVENT_S)
        if not given.hub.recipients(user_id):
            kept.append(message)
        await tell(given, user_id, message)

    async def telling(given: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        while kept:
            await given.send(socket, kept.pop(0))
        await talk(given, socket, identity)

    return replace(sessions, tell=keeping, talk=telling)


@fault("auth.known-by-its-signature", place="backend", seen="a cache of decisions, keyed by token.split('.')[-1]")
def known_by_its_signature(seams: "Seams") -> Undo:
    """A token whose signature was seen on a valid one is valid for some seconds, whatever its payload says."""
    healthy, kept = seams.validate, dict[str, tuple[float, Any]]()

    async def validate(given: "Seams", token: str) -> Any:  # noqa: ANN401 - an Identity or None
        signature = token.rpartition(".")[2]
        until, identity = kept.get(signature, (0.0, None))
        if until < time.monotonic() and (identity := await healthy(given, token)) is not None:
            kept[signature] = time.monotonic() + KEPT_S, identity
        return identity

    return replace(seams, validate=validate)


@fault("auth.second-logout-is-500", place="auth", seen="sessions.pop(token) without a default")
def second_logout_is_500(seams: "Auth") -> Undo:
    """Who logs out again, in another tab, is answered 500."""
    healthy = seams.read_for_logout

    def read(given: "Auth", token: str) -> dict[str, Any]:
        if given.is_revoked(given, token):
            raise KeyError("no session of this token")
        return healthy(given, token)

    return replace(seams, read_for_logout=read)
