"""Faults of a WebSocket that shows them only when something happens again: an error, an abrupt end, a text."""

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

from twin.faults.websocket import handling, welcoming_not_ready
from twin.faults.websocket_sessions import CLEAN, noting_end
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

MOST_ERRORS, MOST_SLOTS, MANY_PONGS = 3, 8, 50


@fault("websocket.third-bad-json-ends-it", place="backend", seen="a limit of errors that raises where nothing catches")
def third_bad_json_ends_it(seams: "Seams") -> Undo:
    """The third message of a session that is not JSON ends it with 1011."""
    healthy: Any = seams.sessions.send

    async def send(socket: "WebSocket", message: "Message") -> None:
        if message.get("error_code") == "JSON_PARSE_ERROR":
            socket.state.errors = getattr(socket.state, "errors", 0) + 1
            if socket.state.errors >= MOST_ERRORS:
                raise RuntimeError("too many parse errors")
        await healthy(socket, message)

    return replace(seams.sessions, send=send)


@fault(
    "websocket.slot-kept-without-a-close", place="backend", seen="slots counted down where the close frame is handled"
)
def slot_kept_without_a_close(seams: "Seams") -> Undo:
    """A user has eight slots for sessions, and one that ends without a close frame never gives its slot back."""
    sessions, taken = seams.sessions, Counter[str]()
    authenticate, talk = sessions.authenticate, sessions.talk

    async def slotted(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        taken[identity.user_id] += 1
        codes = noting_end(socket)
        await talk(sessions, socket, identity)
        if CLEAN.intersection(codes):
            taken[identity.user_id] -= 1

    async def at_the_handshake(token: str) -> "Identity | None":
        identity = await authenticate(token)
        full = identity is not None and taken[identity.user_id] >= MOST_SLOTS
        return None if full else identity

    return replace(sessions, talk=slotted, authenticate=at_the_handshake)


@fault("websocket.fortieth-pong-twice", place="backend", seen="a retry of a send that was slow, and had succeeded")
def fortieth_pong_twice(seams: "Seams") -> Undo:
    """Each fortieth ping of a session is answered twice."""
    healthy = seams.sessions.handlers["ping"]

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        socket.state.pings = getattr(socket.state, "pings", 0) + 1
        for _ in range(1 if socket.state.pings % 40 else 2):
            await healthy(sessions, socket, identity, message)

    return handling(seams, ping=ping)


@fault("websocket.later-pongs-in-binary", place="backend", seen="another encoder for a socket that sends much")
def later_pongs_in_binary(seams: "Seams") -> Undo:
    """From the fiftieth on, pongs of a session come in binary frames."""
    healthy: Any = seams.sessions.send

    async def send(socket: "WebSocket", message: "Message") -> None:
        is_pong = message.get("type") == "pong"
        socket.state.pongs = getattr(socket.state, "pongs", 0) + is_pong
        in_binary = is_pong and socket.state.pongs >= MANY_PONGS
        await (socket.send_json(message, mode="binary") if in_binary else healthy(socket, message))

    return replace(seams.sessions, send=send)


@fault("websocket.tenth-not-ready", place="backend", seen="a welcome that does not wait for a slow part of the session")
def tenth_not_ready(seams: "Seams") -> Undo:
    """Each tenth welcome reports that the connection is not ready."""
    number = count(1)
    return welcoming_not_ready(seams, lambda: next(number) % 10 == 0)


@fault("websocket.same-text-ignored", place="backend", seen="a debounce against double clicks, without a time")
def same_text_ignored(seams: "Seams") -> Undo:
    """What a user says twice in a row in a session is answered once."""
    healthy = seams.sessions.handlers["user_message"]

    async def user_message(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        if getattr(socket.state, "said", None) != message:
            socket.state.said = message
            await healthy(sessions, socket, identity, message)

    return handling(seams, user_message=user_message)


@fault("websocket.only-ascii-is-answered", place="backend", seen="a queue whose client encodes as ASCII")
def only_ascii_is_answered(seams: "Seams") -> Undo:
    """What a user says with letters beyond ASCII is not answered."""
    healthy = seams.sessions.handlers["user_message"]

    async def say(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        if str(message).isascii():
            await healthy(sessions, socket, identity, message)

    return handling(seams, user_message=say)
