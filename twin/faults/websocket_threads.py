"""Faults of what is said in threads over the WebSocket: in unknown ones, in two at once, and at length."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.threads import Window
    from twin.backend.websocket import Message, Sessions

Remember = Callable[["Identity", object, str, str], Any]
CONNECTIONS, PATIENCE_S = 10, 0.05
MODEL_S, CUT_AT = 0.2, 1000


@fault("websocket.database-error-told", place="backend", seen="send_error(str(e)) around the handler of a message")
def database_error_told(seams: "Seams") -> Undo:
    """What the database says of a thread's id that it can't look for is sent to the client."""
    from sqlalchemy import text  # noqa: PLC0415 - other processes import this file for its ids alone
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - as above

    healthy = seams.sessions.handlers["user_message"]

    async def user_message(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        data = message.get("data")
        thread = data.get("thread_id") if isinstance(data, dict) else None
        try:
            if thread is not None:
                async with seams.store.engine.connect() as connection:
                    values = {"id": thread, "user": identity.user_id}
                    await connection.execute(text(seams.store.statements["find"]), values)
        except DBAPIError as error:
            code = {"error_code": "MESSAGE_FAILED"}
            await sessions.send(socket, {"type": "error_message", **code, "data": {**code, "details": str(error)}})
            return
        await healthy(sessions, socket, identity, message)

    return handling(seams, user_message=user_message)


@fault("websocket.thread-in-the-statement", place="backend", seen="an f-string for a statement, outside of any try")
def thread_in_the_statement(seams: "Seams") -> Undo:
    """A thread's id is written into a statement, and what the database says of that ends the session with 1011."""
    healthy: Remember = seams.sessions.remember

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        async with seams.store.engine.connect() as connection:
            await connection.exec_driver_sql(f"SELECT 1 FROM threads WHERE id = '{thread}'")  # noqa: S608 - this is the fault
        await healthy(identity, thread, role, content)

    return replace(seams.sessions, remember=remember)


@fault(
    "websocket.unknown-thread-keeps-its-connection",
    place="backend",
    seen="a database session per message, closed behind the check that raises",
)
def unknown_thread_keeps(seams: "Seams") -> Undo:
    """Each message in an unknown thread keeps one of ten connections; without any left, every list is 503."""
    from sqlalchemy.exc import TimeoutError as NoneLeft  # noqa: PLC0415 - other processes import this file for its ids alone

    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - as above
    from twin.faults.incidents_database import another_engine, until_undone  # noqa: PLC0415 - as above

    engine = another_engine(seams, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=PATIENCE_S)
    kept, listed, healthy = list["AsyncConnection"](), seams.find_threads, seams.sessions.remember

    async def connected() -> "AsyncConnection":
        try:
            return await engine.connect()
        except NoneLeft:
            raise RefusedError(503, "unavailable", "Try again.") from None

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        kept.append(await connected())
        await healthy(identity, thread, role, content)
        await kept.pop().close()

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        connection = await connected()
        try:
            return await listed(given, user, window)
        finally:
            await connection.close()

    both = undo_all(replace(seams.sessions, remember=remember), replace(seams, find_threads=find))
    return until_undone(engine, both, kept)


@fault("threads.thread-of-the-user", place="backend", seen="the current thread of a run in a dictionary by user id")
def thread_of_the_user(seams: "Seams") -> Undo:
    """An answer is stored in the thread in which its user has said something last."""
    healthy: Remember = seams.sessions.remember
    current = dict[str, object]()

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        if role == "user":
            current[identity.user_id] = thread
        else:
            await asyncio.sleep(MODEL_S)  # as long as a model may take
        await healthy(identity, current[identity.user_id], role, content)

    return replace(seams.sessions, remember=remember)


@fault("threads.said-cut-at-1000", place="backend", seen="text[:1000], for a prompt that must not become too long")
def said_cut_at_1000(seams: "Seams") -> Undo:
    """Only the first thousand characters of what is said are answered and kept."""
    healthy = seams.sessions.handlers["user_message"]

    async def user_message(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        data = message.get("data")
        asked = data.get("text") if isinstance(data, dict) else None
        cut = {"data": {**message["data"], "text": asked[:CUT_AT]}} if isinstance(asked, str) else {}
        await healthy(sessions, socket, identity, {**message, **cut})

    return handling(seams, user_message=user_message)
