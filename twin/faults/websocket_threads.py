"""Faults of what is said in threads over the WebSocket: in unknown ones, in two at once, and at length."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.threads import Window
    from twin.backend.websocket import Message, Sessions

Remember = Callable[["Identity", object, str, str], Any]
CONNECTIONS, PATIENCE_S = 10, 0.05


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
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - as above

    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - as above

    engine = create_async_engine(seams.store.engine.url, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=PATIENCE_S)
    kept, listed = list["AsyncConnection"](), seams.find_threads
    healthy: Remember = seams.sessions.remember

    async def connected() -> "AsyncConnection":
        try:
            return await engine.connect()
        except NoneLeft:
            raise RefusedError(503, "unavailable", "Try again.") from None

    async def remember(identity: "Identity", thread: object, role: str, content: str) -> None:
        connection = await connected()
        kept.append(connection)
        await healthy(identity, thread, role, content)
        kept.remove(connection)
        await connection.close()

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        connection = await connected()
        try:
            return await listed(given, user, window)
        finally:
            await connection.close()

    undo = [replace(seams.sessions, remember=remember), replace(seams, find_threads=find)]

    async def undone() -> None:
        for back in undo:
            back()
        for connection in kept:
            await connection.close()
        await engine.dispose()

    return undone
