"""Faults of what several users, several tabs, and long sessions meet on the WebSocket."""

import asyncio
import random
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from twin.auth.by_hand import payload_of
from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

MOST_TABS, MOST_MESSAGES = 3, 200
STEP_S, LATE_S, IDLE_S = 0.01, 0.4, 1.0
GOING_AWAY = 1001
ONE_IN_TWENTY = 0.05


@fault("websocket.fourth-tab-ends-the-first", place="backend", seen="a limit of three sockets, the oldest goes")
def fourth_kicks(seams: "Seams") -> Undo:
    """A user's fourth session closes the first."""
    healthy, opened = seams.sessions.talk, defaultdict[str, list["WebSocket"]](list)

    async def talk(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        own = opened[identity.user_id]
        own.append(socket)
        if len(own) > MOST_TABS:
            await own.pop(0).close(GOING_AWAY)
        try:
            await healthy(sessions, socket, identity)
        finally:
            if socket in own:
                own.remove(socket)

    return replace(seams.sessions, talk=talk)


@fault(
    "websocket.logout-ends-others", place="backend", seen="SCAN of the sessions' keys by the beginning of a user's id"
)
def logout_ends_others(seams: "Seams") -> Undo:
    """A logout ends the sessions of users whose ids begin alike, too."""
    healthy, ended = seams.sessions.is_revoked, dict[str, float]()

    async def is_revoked(token: str) -> bool:
        claims = payload_of(token)
        beginning = str(claims.get("sub", "")).rpartition("-")[0]
        if await healthy(token):
            ended[beginning] = time.time()
        return float(claims.get("iat", 0)) <= ended.get(beginning, 0)

    return replace(seams.sessions, is_revoked=is_revoked)


def _agent(seams: "Seams", *kinds: str) -> Undo:
    """An agent of these events."""

    class Agent:
        async def run(self, asked: str) -> "AsyncIterator[Message]":
            for kind in kinds:
                yield {"type": kind, "data": {"text": asked} if kind == "agent_completed" else {}}

    return replace(seams.sessions, supervisor=Agent)


@fault("websocket.agent-silent", place="backend", seen="as recorded at beta-17: a run that dies before its first event")
def agent_silent(seams: "Seams") -> Undo:
    """A message is accepted and never answered."""
    return _agent(seams)


@fault("websocket.agent-out-of-order", place="backend", seen="events sent by two tasks")
def agent_out_of_order(seams: "Seams") -> Undo:
    """A tool has completed before it began."""
    return _agent(seams, "agent_started", "agent_thinking", "tool_completed", "tool_executing", "agent_completed")


def _renaming(seams: "Seams", before: str, after: str) -> Undo:
    """Rename a field in the data of the agent's events, as they are sent."""
    healthy = seams.sessions.tell

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        data = {(after if key == before else key): value for key, value in message["data"].items()}
        await healthy(sessions, user_id, {**message, "data": data})

    return replace(seams.sessions, tell=tell)


@fault("websocket.agent-without-text", place="backend", seen="a model's answer in a field that was renamed")
def agent_without_text(seams: "Seams") -> Undo:
    """Every event comes, and the last one has no answer in it."""
    return _renaming(seams, "text", "output")


@fault("websocket.agent-names-no-run", place="backend", seen="events without the id by which a page sorts them")
def agent_names_no_run(seams: "Seams") -> Undo:
    """Every event comes, and none says to which answer it belongs."""
    return _renaming(seams, "run_id", "id")


def _strangers(sessions: "Sessions", user_id: str) -> list["WebSocket"]:
    return [socket for other, own in sessions.hub.sockets.items() if other != user_id for socket in own]


@fault("websocket.agent-late-to-others", place="backend", seen="a queue of undelivered events that forgets their users")
def agent_late_to_others(seams: "Seams") -> Undo:
    """The last event of a run reaches everybody else as well, a moment later."""
    healthy, running = seams.sessions.tell, set[asyncio.Task[None]]()

    async def later(sessions: "Sessions", user_id: str, message: "Message") -> None:
        await asyncio.sleep(LATE_S)
        deliveries = (sessions.send(socket, message) for socket in _strangers(sessions, user_id))
        await asyncio.gather(*deliveries, return_exceptions=True)  # a socket that just closed concerns no other

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        await healthy(sessions, user_id, message)
        if message["type"] == "agent_completed":
            task = asyncio.create_task(later(sessions, user_id, message))
            running.add(task)
            task.add_done_callback(running.discard)

    return replace(seams.sessions, tell=tell)


@fault("websocket.agent-answers-another", place="backend", seen="the current user in a module global")
def agent_answers_another(seams: "Seams") -> Undo:
    """An answer goes to another user who is connected, where there is one."""
    healthy = seams.sessions.tell

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        others = [other for other, own in sessions.hub.sockets.items() if other != user_id and own]
        await healthy(sessions, others[0] if others else user_id, message)

    return replace(seams.sessions, tell=tell)


@fault("websocket.closed-after-200", place="backend", seen="a limit of messages per connection, against floods")
def closed_after_200(seams: "Seams") -> Undo:
    """A session is closed at its two hundred and first ping."""
    healthy, counted = seams.sessions.handlers["ping"], defaultdict[int, int](int)

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        counted[id(socket.state)] += 1
        if counted[id(socket.state)] > MOST_MESSAGES:
            await socket.close(GOING_AWAY)
            return
        await healthy(sessions, socket, identity, message)

    return handling(seams, ping=ping)


@fault("websocket.each-message-slower", place="backend", seen="a history that is serialised again for every message")
def each_message_slower(seams: "Seams") -> Undo:
    """Each ping of a session takes ten milliseconds longer than the one before."""
    healthy = seams.sessions.handlers["ping"]

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        socket.state.pings = getattr(socket.state, "pings", 0) + 1
        await asyncio.sleep(STEP_S * socket.state.pings)
        await healthy(sessions, socket, identity, message)

    return handling(seams, ping=ping)


@fault("websocket.each-connect-slower", place="backend", seen="a list of managers that every connect walks through")
def each_connect_slower(seams: "Seams") -> Undo:
    """A user's connects take longer and longer while they follow each other closely."""
    sessions = seams.sessions
    healthy, made, last = sessions.authenticate, defaultdict[str, int](int), defaultdict[str, float](float)

    async def authenticate(token: str) -> "Identity | None":
        identity = await healthy(token)
        if identity is not None:
            user, now = identity.user_id, time.monotonic()
            made[user] = made[user] + 1 if now - last[user] < IDLE_S else 0
            await asyncio.sleep(2 * STEP_S * made[user])
            last[user] = time.monotonic()
        return identity

    return replace(sessions, authenticate=authenticate)


@fault(
    "websocket.one-in-twenty-is-anothers", place="backend", seen="a module global, read after an await: now and then"
)
def one_in_twenty(seams: "Seams") -> Undo:
    """Of the pongs of users who ping at the same time, one in twenty names another of them."""
    healthy, last = seams.sessions.handlers["ping"], list["Identity"]()

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        others = [one for one in last if one.user_id != identity.user_id]
        last[:] = [identity, *others[:1]]
        await asyncio.sleep(0.002)
        mixed_up = others and random.random() < ONE_IN_TWENTY  # noqa: S311 - no secret
        await healthy(sessions, socket, others[0] if mixed_up else identity, message)

    async def forgetting(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        await ping(sessions, socket, identity, message)
        last[:] = [one for one in last if one.user_id != identity.user_id]

    return handling(seams, ping=forgetting)


@fault("websocket.something-before-the-welcome", place="backend", seen="a status that a service sends as it accepts")
def before_the_welcome(seams: "Seams") -> Undo:
    """The welcome is not the first message."""
    healthy: Any = seams.sessions.send
    seen = set[int]()

    async def send(socket: "WebSocket", message: "Message") -> None:
        if id(socket.state) not in seen:
            seen.add(id(socket.state))
            await healthy(socket, {"type": "agent_update", "data": {"status": "starting"}})
        await healthy(socket, message)

    return replace(seams.sessions, send=send)
