"""Faults of the WebSocket: at connect, in identity and order, under hostile input, and in the long run."""

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

LONG_S = 3600.0
INTERNAL_ERROR = 1011


@fault("websocket.coroutine-at-connect", place="backend", seen="as found on 7 January: a factory was not awaited")
def coroutine_at_connect(seams: "Seams") -> Undo:
    """An async factory's coroutine is used as if it were its result."""

    async def load_state() -> dict[str, Any]:
        return {}

    def welcome(_identity: "Identity", _state: "Message") -> "Message":
        pending: Any = load_state()
        try:
            return {"type": "system_message", "data": pending.get("data")}
        finally:
            pending.close()

    return replace(seams.sessions, make_welcome=welcome)


@fault("websocket.subprotocol-not-selected", place="backend", seen="accept() without subprotocol: browsers hang up")
def not_selected(seams: "Seams") -> Undo:
    """The offered subprotocol is not selected."""
    return replace(seams.sessions, select_protocol=lambda _offered: None)


@fault("websocket.no-welcome", place="backend", seen="the welcome moved behind the agent's start-up")
def no_welcome(seams: "Seams") -> Undo:
    """No welcome is sent."""
    return replace(seams.sessions, make_welcome=lambda _identity, _state: None)


def welcoming_not_ready(seams: "Seams", now: Callable[[], bool]) -> Undo:
    """Have a welcome report that the connection is not ready, if `now` says so."""
    healthy = seams.sessions.make_welcome

    def welcome(identity: "Identity", state: "Message") -> "Message | None":
        message = healthy(identity, state)
        return message | {"data": message["data"] | {"connection_ready": False}} if message and now() else message

    return replace(seams.sessions, make_welcome=welcome)


@fault("websocket.not-ready", place="backend", seen="a welcome sent before the session's parts are ready")
def not_ready(seams: "Seams") -> Undo:
    """The welcome reports that the connection is not ready."""
    return welcoming_not_ready(seams, lambda: True)


@fault("websocket.welcome-names-no-session", place="backend", seen="a session's id that is no longer sent")
def names_no_session(seams: "Seams") -> Undo:
    """The welcome lacks the session's id, before a cut and after it."""
    healthy = seams.sessions.make_welcome

    def welcome(identity: "Identity", state: "Message") -> "Message | None":
        return healthy(identity, {key: value for key, value in state.items() if key != "session_id"})

    return replace(seams.sessions, make_welcome=welcome)


def _welcoming(seams: "Seams", user_of: Any) -> Undo:  # noqa: ANN401 - from an identity to a user id
    healthy = seams.sessions.make_welcome

    def welcome(identity: "Identity", state: "Message") -> "Message | None":
        message = healthy(identity, state)
        return message and message | {"data": message["data"] | {"user_id": user_of(identity)}}

    return replace(seams.sessions, make_welcome=welcome)


@fault("websocket.demo-user", place="backend", seen="demo mode left on: everybody is demo-user-001")
def demo_user(seams: "Seams") -> Undo:
    """The welcome names a demo user."""
    return _welcoming(seams, lambda _identity: "demo-user-001")


@fault("websocket.first-user-remembered", place="backend", seen="a user context in a module-level singleton")
def first_user(seams: "Seams") -> Undo:
    """The welcome names the user who connected first."""
    seen: list[str] = []

    def user_of(identity: "Identity") -> str:
        seen.append(identity.user_id)
        return seen[0]

    return _welcoming(seams, user_of)


def handling(seams: "Seams", **handlers: Any) -> Undo:  # noqa: ANN401 - handlers
    """Replace handlers of messages, by type."""
    return replace(seams.sessions, handlers={**seams.sessions.handlers, **handlers})


@fault("websocket.pongs-lost", place="backend", seen="answers through a lossy fan-out channel")
def pongs_lost(seams: "Seams") -> Undo:
    """Every third ping is not answered."""
    healthy, number = seams.sessions.handlers["ping"], count(1)

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        if next(number) % 3:
            await healthy(sessions, socket, identity, message)

    return handling(seams, ping=ping)


@fault("websocket.pongs-late", place="backend", seen="pings queued behind the agent's work")
def pongs_late(seams: "Seams") -> Undo:
    """Every ping waits seven seconds."""
    healthy = seams.sessions.handlers["ping"]

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        await asyncio.sleep(7)
        await healthy(sessions, socket, identity, message)

    return handling(seams, ping=ping)


@fault(
    "websocket.pongs-of-others",
    place="backend",
    seen="the current user in a module-level variable, read after an await",
)
def pongs_of_others(seams: "Seams") -> Undo:
    """A pong carries the user who pinged last, which with one user at a time is the right one."""
    healthy, last = seams.sessions.handlers["ping"], list["Identity"]()

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        last[:] = [identity]
        await asyncio.sleep(0.02)
        await healthy(sessions, socket, last[0], message)

    return handling(seams, ping=ping)


@fault("websocket.out-of-order", place="backend", seen="each message handled in a task of its own")
def out_of_order(seams: "Seams") -> Undo:
    """Pings are answered after later messages."""
    healthy = seams.sessions.handlers["ping"]
    running: set[asyncio.Task[None]] = set()

    async def later(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        await asyncio.sleep(0.05)
        await healthy(sessions, socket, identity, message)

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        task = asyncio.create_task(later(sessions, socket, identity, message))
        running.add(task)
        task.add_done_callback(running.discard)

    return handling(seams, ping=ping)


@fault("websocket.broadcast-to-all", place="backend", seen="one manager with a list of all sockets")
def broadcast(seams: "Seams") -> Undo:
    """An agent's answer reaches every socket, with the question in it."""
    hub = seams.sessions.hub
    return replace(seams.sessions, hub=_Everybody(hub.sockets))


class _Everybody:
    def __init__(self, sockets: Any) -> None:  # noqa: ANN401 - the hub's own mapping
        self.sockets = sockets

    def recipients(self, _user_id: str) -> list[Any]:
        return [socket for own in self.sockets.values() for socket in own]


@fault("websocket.no-fallback", place="backend", seen="supervisor.run() where the supervisor may be None")
def no_fallback(seams: "Seams") -> Undo:
    """Without the supervisor, a message ends the session with an error."""

    async def user_message(
        sessions: "Sessions", socket: "WebSocket", _identity: "Identity", message: "Message"
    ) -> None:
        agent: Any = sessions.supervisor()
        async for event in agent.run(str(message.get("data"))):
            await sessions.send(socket, event)

    return handling(seams, user_message=user_message)


@fault(
    "dependency.agent-supervisor-missing", place="backend", seen="app.state without agent_supervisor", dependency=True
)
def supervisor_missing(seams: "Seams") -> Undo:
    """The supervisor is not there; the fallback has to answer."""
    return replace(seams.sessions, supervisor=lambda: None)


def _ending(seams: "Seams", end: Any) -> Undo:  # noqa: ANN401 - (number of the session, socket) -> awaitable
    """Run `end(number, socket)` along with every session."""
    healthy, number = seams.sessions.talk, count(1)

    async def talk(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        tasks = [
            asyncio.ensure_future(end(next(number), socket)),
            asyncio.ensure_future(healthy(sessions, socket, identity)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return replace(seams.sessions, talk=talk)


@fault("websocket.one-in-ten-dropped", place="backend", seen="a sidecar that restarts under memory pressure")
def one_in_ten_dropped(seams: "Seams") -> Undo:
    """Every tenth session is dropped after a moment, with an internal error."""

    async def end(number: int, socket: "WebSocket") -> None:
        await asyncio.sleep(LONG_S if number % 10 else 0.6)
        await socket.close(INTERNAL_ERROR)

    return _ending(seams, end)


@fault("websocket.cut-at-one-age", place="backend", seen="an idle or a read timeout somewhere on the way")
def cut_at_one_age(seams: "Seams") -> Undo:
    """Every session is cut when it is one second old."""

    async def end(_number: int, _socket: "WebSocket") -> None:
        await asyncio.sleep(1.0)

    return _ending(seams, end)


@fault("websocket.silent-half-open", place="backend", seen="a NAT entry that expired: no FIN, no RST, no answer")
def silent_half_open(seams: "Seams") -> Undo:
    """After a moment nothing is answered any more, and nothing is closed."""
    healthy = seams.sessions.send
    begun: dict[int, float] = {}

    async def send(socket: "WebSocket", message: "Message") -> None:
        if time.monotonic() - begun.setdefault(id(socket), time.monotonic()) > 0.7:  # noqa: PLR2004 - the moment
            return
        await healthy(socket, message)

    return replace(seams.sessions, send=send)


@fault("websocket.binary-frames", place="backend", seen="a faster JSON library, whose output is bytes")
def binary_frames(seams: "Seams") -> Undo:
    """Every message is sent in a binary frame."""
    return replace(seams.sessions, send=lambda socket, message: socket.send_json(message, mode="binary"))


@fault("websocket.reconnect-refused", place="backend", seen="one session per user, and the old one never cleaned up")
def reconnect_refused(seams: "Seams") -> Undo:
    """A user who was here before is refused."""
    sessions = seams.sessions
    healthy = sessions.authenticate
    seen: set[str] = set()

    async def authenticate(token: str) -> "Identity | None":
        identity = await healthy(token)
        if identity is None or identity.user_id in seen:
            return None
        seen.add(identity.user_id)
        return identity

    return replace(sessions, authenticate=authenticate)


@fault("websocket.state-lost", place="backend", seen="session state in the process' memory, by connection")
def state_lost(seams: "Seams") -> Undo:
    """A reconnect begins a new session."""
    number = count(1)

    class Forgetful:
        async def resume(self, _user_id: str) -> dict[str, Any]:
            return {"session_id": f"session-{next(number)}", "last_seq": 0}

        async def note(self, _user_id: str, _seq: int) -> None:
            return None

    return replace(seams.sessions, store=Forgetful())


@fault("websocket.accept-after-error", place="backend", seen="accept() in a finally, whatever authentication said")
def server_error_at_refusal(seams: "Seams") -> Undo:
    """An invalid token gets a server error at the handshake."""
    sessions = seams.sessions
    healthy = sessions.authenticate

    async def authenticate(token: str) -> "Identity | None":
        identity = await healthy(token)
        if identity is None:
            raise RuntimeError("no user in session context")
        return identity

    return replace(sessions, authenticate=authenticate)
