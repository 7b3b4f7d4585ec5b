"""`/ws`: token by header or subprotocol, welcome, ping, heartbeat, messages to the agent.

A session's state belongs to its user and lives in Redis, so that after a cut any instance goes on with it: the
welcome carries `session_id` and `last_seq`, the last `seq` that a ping carried. A session does not end when its
token expires: the token opened it, and closing is the platform's or the client's. A logout does end it: with 1008,
at the first message that comes a second or more after the last look.
"""

import base64
import hashlib
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from twin.backend.agent import AgentSupervisor, error_message, on_user_message, tell_every_tab
from twin.backend.auth_client import AuthUnavailableError, Identity
from twin.telemetry import Log, error_body

PROTOCOL = "jwt-auth"
FRONTEND = "https://app.staging.netrasystems.ai"
POLICY_VIOLATION = 1008
LOOK_AGAIN_S = 1.0  # how long a session is good without asking whether its token was revoked
LONGEST_MESSAGE = 8192
HOUR_S = 3600.0
COME_BACK_S = 60.0  # real seconds, however short the twin's hour is: a client's way back does not shrink with it
Message = dict[str, Any]


def state_lives(hour_s: float) -> float:
    """How long a session's state outlives the last word of it, in seconds, where an hour takes `hour_s`.

    The platform cuts a connection after an hour at most, so one that says nothing is still found an hour after that.
    """
    return hour_s + max(hour_s, COME_BACK_S)


@dataclass(slots=True)
class SessionStore:
    """What outlives a connection, by user. Each welcome and each ping renews it."""

    redis: Redis
    lives_s: float = state_lives(HOUR_S)

    async def resume(self, user_id: str) -> Message:
        """The user's session id and last sequence number; a new session where there was none."""
        key = f"session:{user_id}"
        async with self.redis.pipeline(transaction=True) as all_at_once:  # nothing can expire between the three
            all_at_once.hsetnx(key, "id", str(uuid.uuid4()))
            all_at_once.pexpire(key, round(self.lives_s * 1e3))
            all_at_once.hgetall(key)
            state: dict[bytes, bytes] = (await all_at_once.execute())[-1]
        return {"session_id": state[b"id"].decode(), "last_seq": int(state.get(b"last_seq", b"0"))}

    async def note(self, user_id: str, seq: int) -> None:
        """Remember the last sequence number."""
        key = f"session:{user_id}"
        async with self.redis.pipeline(transaction=True) as both:
            both.hset(key, "last_seq", str(seq))
            both.pexpire(key, round(self.lives_s * 1e3))
            await both.execute()


@dataclass(slots=True)
class Hub:
    """Open sockets by user."""

    sockets: dict[str, set[WebSocket]] = field(default_factory=lambda: defaultdict(set))

    def recipients(self, user_id: str) -> list[WebSocket]:
        """Whom a message of this user reaches: the user's own sockets."""
        return list(self.sockets[user_id])


async def keep_nothing(_identity: Identity, _thread: object, _role: str, _text: str) -> None:
    """No messages are kept."""


async def never(_token: str) -> bool:
    """No token is ever revoked."""
    return False


async def look_again(sessions: "Sessions", socket: WebSocket) -> bool:
    """Whether the token that opened a session has not been revoked since; looked up once a second at most."""
    if time.monotonic() - socket.state.looked < LOOK_AGAIN_S:
        return True
    socket.state.looked = time.monotonic()
    return not await sessions.is_revoked(socket.state.token)


@dataclass(slots=True)
class Revocations:
    """Which tokens a logout has ended, as the auth service wrote it down: by fingerprint, never the token itself."""

    redis: Redis
    log: Log

    async def hold(self, token: str) -> bool:
        """Whether the token is revoked; where that can't be found out, the session goes on."""
        try:
            return bool(await self.redis.exists(f"revoked:{hashlib.sha256(token.encode()).hexdigest()}"))
        except RedisError as error:
            self.log.write("WARNING", f"revocations can't be read: {type(error).__name__}")
            return False


def welcome(identity: Identity, state: Message) -> Message:
    """The first message of a session."""
    data = {"event": "connection_established", "connection_ready": True, "user_id": identity.user_id, **state}
    return {"type": "system_message", "data": data}


def parse_frame(frame: Message) -> Message:
    """A message from a frame. Raises ProtocolError for bytes, too long a text, bad JSON or no object."""
    text = frame.get("text")
    if text is None:
        raise ProtocolError("BINARY_NOT_SUPPORTED")
    if len(text.encode()) > LONGEST_MESSAGE:
        raise ProtocolError("MESSAGE_TOO_LARGE")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("JSON_PARSE_ERROR") from error
    if not isinstance(message, dict):
        raise ProtocolError("JSON_PARSE_ERROR")
    return message


class ProtocolError(Exception):
    """A message that can't be accepted; `code` is sent to the client."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True, kw_only=True)
class Sessions:
    """Opens and serves WebSocket sessions. Every part that can be got wrong is a part of its own."""

    authenticate: Callable[[str], Awaitable[Identity | None]]
    store: SessionStore
    log: Log
    hub: Hub = field(default_factory=Hub)
    supervisor: Callable[[], AgentSupervisor | None] = field(default=AgentSupervisor)
    select_protocol: Callable[[list[str]], str | None] = field(
        default=lambda offered: PROTOCOL if PROTOCOL in offered else None
    )
    send: Callable[[WebSocket, Message], Awaitable[None]] = field(
        default=lambda socket, message: socket.send_json(message)
    )
    talk: Callable[["Sessions", WebSocket, Identity], Awaitable[None]] = field(
        default=lambda self, s, i: self.converse(s, i)
    )
    make_welcome: Callable[[Identity, Message], Message | None] = field(default=welcome)
    handlers: dict[str, Callable[["Sessions", WebSocket, Identity, Message], Awaitable[None]]] = field(
        default_factory=lambda: {"ping": on_ping, "heartbeat": on_heartbeat, "user_message": on_user_message}
    )
    parse: Callable[[Message], Message] = field(default=parse_frame)
    count_open: Callable[[int], None] = field(default=lambda _change: None)
    remember: Callable[[Identity, object, str, str], Awaitable[None]] = field(default=keep_nothing)
    tell: Callable[["Sessions", str, Message], Awaitable[None]] = field(default=tell_every_tab)
    is_revoked: Callable[[str], Awaitable[bool]] = field(default=never)
    still_good: Callable[["Sessions", WebSocket], Awaitable[bool]] = field(default=look_again)
    let_in: Callable[[str | None], bool] = field(default=lambda origin: origin in {None, FRONTEND})

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from the handshake to its end."""
        token, protocols = presented(socket)
        if not self.let_in(socket.headers.get("origin")):
            await socket.send_denial_response(JSONResponse(error_body("forbidden", "Not from this origin."), 403))
            return
        try:
            identity = await self.authenticate(token)
        except AuthUnavailableError:
            await socket.send_denial_response(JSONResponse(error_body("unavailable", "Try again."), 503))
            return
        if identity is None:
            body = error_body("AUTH_FAILED", "Authentication failed.")
            await socket.send_denial_response(JSONResponse(body, 401, {"WWW-Authenticate": "Bearer"}))
            return
        await socket.accept(self.select_protocol(protocols))
        socket.state.token, socket.state.looked = token, time.monotonic()
        self.count_open(1)
        try:
            first = self.make_welcome(identity, await self.store.resume(identity.user_id))
            # Not before: what the agent tells the user's other sessions meanwhile must not come before the welcome.
            self.hub.sockets[identity.user_id].add(socket)
            if first is not None:
                await self.send(socket, first)
            await self.talk(self, socket, identity)
        except WebSocketDisconnect:
            self.log.write("INFO", "WebSocket session ended")
        finally:
            self.hub.sockets[identity.user_id].discard(socket)
            self.count_open(-1)

    async def converse(self, socket: WebSocket, identity: Identity) -> None:
        """Answer message by message, in order, until the client leaves."""
        while True:
            frame = await socket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            if not await self.still_good(self, socket):
                await socket.close(POLICY_VIOLATION, "The token was revoked.")
                return
            try:
                message = self.parse(dict(frame))
            except ProtocolError as error:
                await self.send(socket, error_message(error.code))
                continue
            handler = self.handlers.get(str(message.get("type")))
            if handler is None:
                await self.send(socket, error_message("UNKNOWN_MESSAGE_TYPE"))
            else:
                await handler(self, socket, identity, message)


def presented(socket: WebSocket) -> tuple[str, list[str]]:
    """The token and the offered subprotocols; no token where two were presented, or something else than Bearer."""
    protocols = [one.strip() for one in socket.headers.get("sec-websocket-protocol", "").split(",") if one.strip()]
    values = socket.headers.getlist("authorization")
    if values:
        scheme, _, token = values[0].partition(" ")
        return (token if len(values) == 1 and scheme.lower() == "bearer" else ""), protocols
    coded = next((one[4:] for one in protocols if one.startswith("jwt.")), "")
    return decode_token(coded), protocols


def decode_token(coded: str) -> str:
    """The JWT of a `jwt.<base64url>` subprotocol; empty when it is none."""
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("ascii")
    except ValueError:  # includes binascii.Error and UnicodeDecodeError
        return ""


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def on_ping(sessions: Sessions, socket: WebSocket, identity: Identity, message: Message) -> None:
    """Answer with a pong; remember the sequence number that came with it."""
    seq = message.get("seq")
    if isinstance(seq, int):
        await sessions.store.note(identity.user_id, seq)
    await sessions.send(socket, {"type": "pong", "data": {"timestamp": _now(), "user_id": identity.user_id}})


async def on_heartbeat(sessions: Sessions, socket: WebSocket, identity: Identity, message: Message) -> None:
    """Acknowledge."""
    del identity, message
    await sessions.send(socket, {"type": "heartbeat_ack", "data": {"timestamp": _now()}})
