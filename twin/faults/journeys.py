"""Faults of what a user does in several tabs, at several doors, and at routes that no client uses."""

import asyncio
import dataclasses
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import count
from typing import TYPE_CHECKING, Any

from twin.backend.websocket import LOOK_AGAIN_S
from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope
    from starlette.websockets import WebSocket

    from twin.auth.service import Seams as AuthSeams
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

MOST_CONNECTS, EACH = 29, 50
STOPPED_S = 12.0  # longer than a hang and a liveness answer are waited for


@fault("websocket.one-tab-told", place="backend", seen="one socket per user: the last one replaces the others")
def one_tab_told(seams: "Seams") -> Undo:
    """Only one of a user's tabs gets the agent's events."""

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        for socket in sessions.hub.recipients(user_id)[:1]:
            await sessions.send(socket, message)

    return replace(seams.sessions, tell=tell)


@fault("websocket.agent-never-ends", place="backend", seen="an agent whose last event is sent before it is awaited")
def agent_never_ends(seams: "Seams") -> Undo:
    """A run begins and never completes."""

    class Endless:
        async def run(self, _asked: str) -> "AsyncIterator[Message]":
            yield {"type": "agent_started", "data": {}}
            yield {"type": "agent_thinking", "data": {}}

    return replace(seams.sessions, supervisor=Endless)


@fault("websocket.managers-never-freed", place="backend", seen="as recorded: a manager per connection, kept for ever")
def managers_never_freed(seams: "Seams") -> Undo:
    """A user's thirtieth connection is refused, though all before it are long gone."""
    sessions = seams.sessions
    healthy, made = sessions.authenticate, defaultdict[str, int](int)

    async def authenticate(token: str) -> "Identity | None":
        identity = await healthy(token)
        if identity is None or made[identity.user_id] >= MOST_CONNECTS:
            return None
        made[identity.user_id] += 1
        return identity

    return replace(sessions, authenticate=authenticate)


@fault("websocket.each-fiftieth-lost", place="backend", seen="a buffer that is flushed every fifty messages")
def each_fiftieth_lost(seams: "Seams") -> Undo:
    """Each fiftieth ping of the process is not answered."""
    healthy, number = seams.sessions.handlers["ping"], count(1)

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        if next(number) % EACH:
            await healthy(sessions, socket, identity, message)

    return handling(seams, ping=ping)


@fault("auth.logout-forgotten", place="auth", seen="a logout that clears the browser's cookie and nothing else")
def logout_forgotten(seams: "AuthSeams") -> Undo:
    """A token is accepted after its logout."""
    return replace(seams, is_revoked=lambda _seams, _token: False)


@fault("auth.session-outlives-logout", place="backend", seen="a session that never asks about its token again")
def session_outlives_logout(seams: "Seams") -> Undo:
    """A session goes on after its token's logout."""

    async def still_good(_sessions: "Sessions", _socket: "WebSocket") -> bool:
        return True

    return replace(seams.sessions, still_good=still_good)


@fault("auth.session-looks-while-fresh", place="backend", seen="a comparison the wrong way round")
def session_looks_while_fresh(seams: "Seams") -> Undo:
    """A session asks about its token only if it has just asked: one that was silent for a while never does again."""
    look = seams.sessions.still_good

    async def still_good(sessions: "Sessions", socket: "WebSocket") -> bool:
        if time.monotonic() - socket.state.looked > LOOK_AGAIN_S:
            return True
        socket.state.looked -= LOOK_AGAIN_S  # it is due
        return await look(sessions, socket)

    return replace(seams.sessions, still_good=still_good)


@fault("identity.by-email", place="backend", seen="as recorded: REST finds the user by the token's email")
def by_email(seams: "Seams") -> Undo:
    """A user with the email of an earlier user is taken for that user."""
    first: dict[str, str] = {}

    def identify(_request: "Request", identity: "Identity") -> str:
        return first.setdefault(identity.email, identity.user_id)

    return replace(seams, identify=identify)


def _operation(seams: "Seams", path: str, **changes: Any) -> Undo:  # noqa: ANN401 - values of the operation
    return replace(seams, operations={**seams.operations, path: dataclasses.replace(seams.operations[path], **changes)})


@fault("api.a-route-is-500", place="backend", seen="as recorded: seven of the first twenty published GETs")
def route_500(seams: "Seams") -> Undo:
    """A published route that no client uses fails."""

    async def answer(_seams: "Seams", _identity: "Identity | None") -> Any:  # noqa: ANN401 - nothing
        raise RuntimeError("'NoneType' object has no attribute 'get_status'")

    return _operation(seams, "/api/agents", answer=answer)


@fault("api.a-router-is-not-there", place="backend", seen="a router that can't be imported is left out, with a warning")
def router_not_there(seams: "Seams") -> Undo:
    """The published routes below /api/users do not exist."""
    left = {path: one for path, one in seams.operations.items() if not path.startswith("/api/users")}
    return replace(seams, operations=left)


@fault("api.open-to-anyone", place="backend", seen="a router that was included without its dependency")
def open_to_anyone(seams: "Seams") -> Undo:
    """A published route for users answers without a token."""
    return _operation(seams, "/api/users/sessions", for_anyone=True)


@fault("api.behind-the-login", place="backend", seen="a dependency of the app, for every route")
def behind_the_login(seams: "Seams") -> Undo:
    """What a page reads before its login is refused without a token."""
    return _operation(seams, "/api/config/public", for_anyone=False)


@fault("api.a-route-hangs", place="backend", seen="as recorded: three of the first twenty published GETs")
def route_hangs(seams: "Seams") -> Undo:
    """A published route never answers."""

    async def answer(_seams: "Seams", _identity: "Identity | None") -> Any:  # noqa: ANN401 - nothing
        await asyncio.Event().wait()

    return _operation(seams, "/api/system/info", answer=answer)


@fault("api.a-route-stops-everything", place="backend", seen="as recorded: after some GETs nothing was answered")
def route_stops_everything(seams: "Seams") -> Undo:
    """A published route keeps the whole process from answering, for a while."""

    async def answer(_seams: "Seams", _identity: "Identity | None") -> Any:  # noqa: ANN401 - JSON
        time.sleep(STOPPED_S)  # noqa: ASYNC251 - that it blocks the loop is the fault
        return {}

    return _operation(seams, "/api/system/info", answer=answer)


@fault("api.head-is-500", place="backend", seen="a handler that reads the body of what it was not sent")
def head_500(seams: "Seams") -> Undo:
    """HEAD fails on every route."""

    def as_get(_scope: "Scope") -> "Scope":
        raise KeyError("HEAD")

    return replace(seams, as_get=as_get)


@fault("api.head-of-a-thread-is-500", place="backend", seen="the length of a body that a stream does not know yet")
def head_of_a_thread_500(seams: "Seams") -> Undo:
    """HEAD fails on the routes of a single thread."""
    healthy = seams.as_get

    def as_get(scope: "Scope") -> "Scope":
        if scope["path"].startswith("/api/threads/"):
            raise KeyError("content-length")
        return healthy(scope)

    return replace(seams, as_get=as_get)


@fault("auth.remembered-past-expiry", place="backend", seen="as recorded: decisions are cached for 300 s")
def remembered_past_expiry(seams: "Seams") -> Undo:
    """A token that was valid once is accepted for ever."""
    healthy, known = seams.validate, dict[str, "Identity"]()

    async def validate(given: "Seams", token: str) -> "Identity | None":
        identity = known.get(token) or await healthy(given, token)
        if identity is not None:
            known[token] = identity
        return identity

    return replace(seams, validate=validate)


@fault("api.information-shows-the-dsn", place="backend", seen="a debug route that returns its settings")
def information_shows_the_dsn(seams: "Seams") -> Undo:
    """What anybody may ask about the system has the address of the database, with its password."""

    async def answer(_seams: "Seams", _identity: object) -> dict[str, str]:
        return {"service": "netra", "database_url": "postgresql://netra:nv-password@db.example/netra"}

    return _operation(seams, "/api/system/info", answer=answer)
