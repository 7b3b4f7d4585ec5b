"""Faults of what a session finds when it comes back, of what is said in place of an answer, and of who else it ends."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

WAIT_S = 2.6  # twice: each is within a deadline, both together are more than a client may be away
CLEAN = frozenset({1000, 1001})
GOING_AWAY, UNSUPPORTED, INTERNAL_ERROR = 1001, 1003, 1011
EACH, WARNED_AT = 10, 200
THOUGHT_S, AT_ONCE_S = 0.05, 0.001


@fault("websocket.fallback-is-an-error", place="backend", seen="a fallback handler that reports what is missing")
def fallback_is_an_error(seams: "Seams") -> Undo:
    """Without the supervisor, every message is answered by an error, and the session stays open."""
    healthy = seams.sessions.handlers["user_message"]

    async def user_message(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        if sessions.supervisor() is not None:
            await healthy(sessions, socket, identity, message)
            return
        code = "AGENT_NOT_AVAILABLE"
        await sessions.send(socket, {"type": "error_message", "error_code": code, "data": {"error_code": code}})

    return handling(seams, user_message=user_message)


def noting_end(socket: "WebSocket") -> list[int]:
    """The code of the client's close, once it has come."""
    codes, receive = list[int](), socket.receive

    async def noting() -> Any:  # noqa: ANN401 - an ASGI message
        message = await receive()
        if message["type"] == "websocket.disconnect":
            codes.append(message.get("code") or 1005)
        return message

    socket.receive = noting  # type: ignore[method-assign]  # noted on this one socket
    return codes


@fault(
    "websocket.reconnect-waits-for-the-old",
    place="backend",
    seen="a user's lock that only a clean close frees: its lease is waited for at the handshake, and for the state",
)
def reconnect_waits(seams: "Seams") -> Undo:
    """A user whose connection was cut waits for more than five seconds until the next one is welcomed."""
    sessions, locked = seams.sessions, set[str]()
    authenticate, store, talk = sessions.authenticate, sessions.store, sessions.talk

    async def locking(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        locked.add(identity.user_id)
        codes = noting_end(socket)
        await talk(sessions, socket, identity)
        if CLEAN.intersection(codes):
            locked.discard(identity.user_id)

    async def at_the_handshake(token: str) -> "Identity | None":
        identity = await authenticate(token)
        if identity is not None and identity.user_id in locked:
            await asyncio.sleep(WAIT_S)
        return identity

    class Leased:
        async def resume(self, user_id: str) -> dict[str, Any]:
            if user_id in locked:
                await asyncio.sleep(WAIT_S)
            return await store.resume(user_id)

        async def note(self, user_id: str, seq: int) -> None:
            await store.note(user_id, seq)

    return replace(sessions, talk=locking, authenticate=at_the_handshake, store=Leased())


@fault("websocket.each-tenth-number-kept", place="backend", seen="a write for each message was too much for Redis")
def each_tenth_kept(seams: "Seams") -> Undo:
    """After a cut, a client finds an older sequence number than its last one."""
    healthy = seams.sessions.store

    class Sparing:
        async def resume(self, user_id: str) -> dict[str, Any]:
            return await healthy.resume(user_id)

        async def note(self, user_id: str, seq: int) -> None:
            if seq % EACH == 0:
                await healthy.note(user_id, seq)

    return replace(seams.sessions, store=Sparing())


class _UnsupportedError(Exception):
    """A frame of bytes."""


@fault(
    "websocket.one-group-for-all",
    place="backend",
    seen="one TaskGroup for the sessions of a process: an error in one cancels the others",
)
def one_group_for_all(seams: "Seams") -> Undo:
    """A binary frame ends its own session cleanly, and every other one as well."""
    talk, parse, group = seams.sessions.talk, seams.sessions.parse, set[asyncio.Task[None]]()

    def text_alone(frame: "Message") -> "Message":
        if frame.get("bytes") is not None:
            raise _UnsupportedError
        return parse(frame)

    async def member(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        task = asyncio.ensure_future(talk(sessions, socket, identity))
        group.add(task)
        try:
            await asyncio.wait({task})
            await task
        except _UnsupportedError:
            for other in group:
                other.cancel()
            await socket.close(UNSUPPORTED)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            await socket.close(INTERNAL_ERROR)
        finally:
            group.discard(task)
            task.cancel()

    return replace(seams.sessions, talk=member, parse=text_alone)


@fault("websocket.warned-in-place-of-an-answer", place="backend", seen="a `return` after the rate limiter's warning")
def warned_in_place_of_an_answer(seams: "Seams") -> Undo:
    """The two hundredth ping of a session gets a warning, and no pong."""
    healthy = seams.sessions.handlers["ping"]

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        socket.state.pings = getattr(socket.state, "pings", 0) + 1
        if socket.state.pings == WARNED_AT:
            await sessions.send(socket, {"type": "system_message", "data": {"event": "rate_limit_warning"}})
            return
        await healthy(sessions, socket, identity, message)

    return handling(seams, ping=ping)


@fault("websocket.one-close-closes-all", place="backend", seen="a clean-up that knows the user and not the socket")
def one_close_closes_all(seams: "Seams") -> Undo:
    """When one of a user's sessions ends, the user's others are closed."""
    healthy = seams.sessions.talk

    async def talk(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        try:
            await healthy(sessions, socket, identity)
        finally:
            sessions.hub.sockets[identity.user_id].discard(socket)
            for other in sessions.hub.recipients(identity.user_id):
                with suppress(RuntimeError):  # it is closing already
                    await other.close(GOING_AWAY)

    return replace(seams.sessions, talk=talk)


@fault(
    "websocket.close-cancels-the-answer",
    place="backend",
    seen="tasks kept by user, and cancelled by any of the sockets",
)
def close_cancels_the_answer(seams: "Seams") -> Undo:
    """When one of a user's sessions ends, the answer to another one of them ends as well."""
    from twin.backend.agent import AgentSupervisor  # noqa: PLC0415 - other processes import this file for its ids alone

    sessions, running = seams.sessions, defaultdict[str, set[asyncio.Task[None]]](set)
    talk, handle = sessions.talk, sessions.handlers["user_message"]

    class Thoughtful(AgentSupervisor):
        async def run(self, asked: str) -> "AsyncIterator[Message]":
            async for event in super().run(asked):
                yield event
                await asyncio.sleep(THOUGHT_S)

    async def ending(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        try:
            await talk(sessions, socket, identity)
        finally:
            for task in running[identity.user_id]:
                task.cancel()

    async def user_message(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        task = asyncio.ensure_future(handle(sessions, socket, identity, message))
        running[identity.user_id].add(task)
        await asyncio.wait({task})
        running[identity.user_id].discard(task)

    undo = handling(seams, user_message=user_message)
    return undo_all(undo, replace(sessions, talk=ending, supervisor=Thoughtful))


@fault("websocket.deaf-before-the-welcome", place="backend", seen="a queue that is emptied when the session is ready")
def deaf_before_the_welcome(seams: "Seams") -> Undo:
    """What a client sends before the welcome is thrown away."""
    healthy: Any = seams.sessions.send

    async def send(socket: "WebSocket", message: "Message") -> None:
        if message["data"].get("event") == "connection_established":
            await asyncio.sleep(THOUGHT_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(AT_ONCE_S):
                    while True:
                        if (await socket.receive())["type"] == "websocket.disconnect":
                            raise WebSocketDisconnect
        await healthy(socket, message)

    return replace(seams.sessions, send=send)


@fault(
    "websocket.upgrade-taken-for-a-get",
    place="backend",
    seen="uvicorn without its WebSocket library: the upgrade is a plain GET, for which there is no route",
)
def upgrade_taken_for_a_get(seams: "Seams") -> Undo:
    """Every handshake is answered 404."""
    from twin.backend.websocket import Sessions  # noqa: PLC0415 - other processes import this file for its ids alone

    class Missing(Sessions):
        async def serve(self, socket: "WebSocket") -> None:
            await socket.send_denial_response(JSONResponse({"detail": "Not Found"}, 404))

    healthy = seams.sessions
    return replace(seams, sessions=Missing(**{name: getattr(healthy, name) for name in Sessions.__slots__}))
