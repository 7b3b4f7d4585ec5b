"""Faults of the WebSocket that only the hour shows: cut-offs, leaks, lifetimes. Times are of that hour."""

import asyncio
import base64
import json
import os
import time
from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions
    from twin.platform.state import Platform

HOUR_S = 3600.0
LEAK_S = 3 * HOUR_S + 180.0  # not at the hour, when the platform cuts
INTERNAL_ERROR, POLICY_VIOLATION = 1011, 1008


def lasting(seconds: float) -> float:
    """How long seconds of the hour take in this process' twin."""
    return seconds * float(os.environ.get("TWIN_HOUR_S", HOUR_S)) / HOUR_S


@fault(
    "websocket.cut-at-300", place="platform", seen="a load balancer's backend timeout of 300 s before Cloud Run's 3600"
)
def cut_at_300(platform: "Platform") -> Undo:
    """Every WebSocket is cut after five minutes, though the service's request timeout is an hour."""
    return replace(platform, cut_after=lambda _platform, _service: 300.0)


def _beside(seams: "Seams", end: Any) -> Undo:  # noqa: ANN401 - (socket, identity) -> awaitable of a close code
    """Run `end(socket, identity)` along with every session; what it returns is the code that closes the session."""
    healthy = seams.sessions.talk

    async def talk(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        ending = asyncio.ensure_future(end(socket, identity))
        talking = asyncio.ensure_future(healthy(sessions, socket, identity))
        try:
            await asyncio.wait({ending, talking}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and not talking.done():
                await socket.close(ending.result())
        finally:
            for task in (ending, talking):
                task.cancel()
            await asyncio.gather(ending, talking, return_exceptions=True)

    return replace(seams.sessions, talk=talk)


@fault("websocket.leak-drops-late", place="backend", seen="a buffer per session that is never emptied: MemoryError")
def leak_drops_late(seams: "Seams") -> Undo:
    """A session is dropped a little over three hours after it first connected, however often it came back since."""
    begun: dict[str, float] = {}

    async def end(_socket: "WebSocket", identity: "Identity") -> int:
        now = time.monotonic()
        await asyncio.sleep(max(begun.setdefault(identity.user_id, now) + lasting(LEAK_S) - now, 0.0))
        del begun[identity.user_id]
        return INTERNAL_ERROR

    return _beside(seams, end)


@fault("websocket.token-expiry-ends", place="backend", seen="the token's `exp` checked in the receive loop")
def token_expiry_ends(seams: "Seams") -> Undo:
    """A session ends when the token that opened it expires."""
    sessions = seams.sessions
    healthy = sessions.authenticate
    expires: dict[str, float] = {}

    async def authenticate(token: str) -> "Identity | None":
        identity = await healthy(token)
        if identity is not None:
            body = token.split(".")[1]
            expires[identity.user_id] = json.loads(base64.urlsafe_b64decode(body + "=="))["exp"]
        return identity

    async def end(_socket: "WebSocket", identity: "Identity") -> int:
        await asyncio.sleep(max(expires[identity.user_id] - time.time(), 0.0))
        return POLICY_VIOLATION

    return undo_all(_beside(seams, end), replace(sessions, authenticate=authenticate))


@fault("websocket.slots-never-freed", place="backend", seen="a limit per user, counted up and never down")
def slots_never_freed(seams: "Seams") -> Undo:
    """A user's third connection is refused, though the first two are long gone."""
    sessions = seams.sessions
    healthy = sessions.authenticate
    taken: dict[str, int] = defaultdict(int)

    async def authenticate(token: str) -> "Identity | None":
        identity = await healthy(token)
        if identity is None or taken[identity.user_id] == 2:  # noqa: PLR2004 - the limit
            return None
        taken[identity.user_id] += 1
        return identity

    return replace(sessions, authenticate=authenticate)


@fault("websocket.state-expires-early", place="backend", seen="a TTL set when the session opens and never renewed")
def state_expires_early(seams: "Seams") -> Undo:
    """A session's state lives half an hour from its opening: the reconnect after an hour finds none."""
    healthy = seams.sessions.store
    known: dict[str, tuple[float, str]] = {}
    number = count(1)

    class Expiring:
        async def resume(self, user_id: str) -> dict[str, Any]:
            opened, name = known.get(user_id, (0.0, ""))
            if name and time.monotonic() - opened < lasting(HOUR_S / 2):
                return await healthy.resume(user_id)
            known[user_id] = (time.monotonic(), f"session-{next(number)}")
            return {"session_id": known[user_id][1], "last_seq": 0}

        async def note(self, user_id: str, seq: int) -> None:
            await healthy.note(user_id, seq)

    return replace(seams.sessions, store=Expiring())


@fault("websocket.state-lives-an-hour", place="backend", seen="a TTL of the request timeout less a minute")
def state_lives_an_hour(seams: "Seams") -> Undo:
    """A session's state lives 59 minutes from its opening, never renewed: at the first cut it is gone."""
    healthy = seams.sessions.store
    longest_ms = round(lasting(HOUR_S - 60.0) * 1e3)

    class Unrenewed:
        async def resume(self, user_id: str) -> dict[str, Any]:
            left_ms = await self._left_ms(user_id)
            state = await healthy.resume(user_id)
            await healthy.redis.pexpire(f"session:{user_id}", left_ms if left_ms > 0 else longest_ms)
            return state

        async def note(self, user_id: str, seq: int) -> None:
            left_ms = await self._left_ms(user_id)
            if left_ms > 0:  # a ping does not bring back what has expired
                await healthy.note(user_id, seq)
                await healthy.redis.pexpire(f"session:{user_id}", left_ms)

        async def _left_ms(self, user_id: str) -> int:
            """What is left of the state; a session from before the fault, or one that opens right now, has more."""
            return min(await healthy.redis.pttl(f"session:{user_id}"), longest_ms)

    return replace(seams.sessions, store=Unrenewed())


@fault("websocket.last-words-lost", place="backend", seen="sequence numbers written behind, every few seconds")
def last_words_lost(seams: "Seams") -> Undo:
    """What a client said in the last moments before a cut is not in the state that it finds again."""
    healthy = seams.sessions.store

    class Behind:
        async def resume(self, user_id: str) -> dict[str, Any]:
            return await healthy.resume(user_id)

        async def note(self, user_id: str, seq: int) -> None:
            await healthy.note(user_id, max(seq - 2, 0))

    return replace(seams.sessions, store=Behind())


@fault("websocket.echo-doubled-after-reconnect", place="backend", seen="the old connection's task is still subscribed")
def echo_doubled(seams: "Seams") -> Undo:
    """A user who has reconnected gets every answer twice."""
    healthy, sessions = seams.sessions.handlers["ping"], seams.sessions
    seen: dict[str, int] = defaultdict(int)
    resumed = sessions.store

    class Counting:
        async def resume(self, user_id: str) -> dict[str, Any]:
            seen[user_id] += 1
            return await resumed.resume(user_id)

        async def note(self, user_id: str, seq: int) -> None:
            await resumed.note(user_id, seq)

    async def ping(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        for _ in range(min(seen[identity.user_id], 2)):
            await healthy(sessions, socket, identity, message)

    return undo_all(handling(seams, ping=ping), replace(sessions, store=Counting()))


def _noting_silence(socket: "WebSocket") -> list[float]:
    """When the client last said something, kept up to date."""
    last = [time.monotonic()]
    receive = socket.receive

    async def noting() -> Any:  # noqa: ANN401 - an ASGI message
        message = await receive()
        last[0] = time.monotonic()
        return message

    socket.receive = noting  # type: ignore[method-assign]  # noted on this one socket
    return last


@fault(
    "websocket.idle-reaped",
    place="backend",
    seen="a reaper of sessions without traffic: proxy_read_timeout and its like",
)
def idle_reaped(seams: "Seams") -> Undo:
    """A session that says nothing for five minutes is closed."""
    return _reaping(seams, lasting(300.0))


@fault("websocket.idle-for-a-moment", place="backend", seen="an idle timeout meant in minutes, and read in seconds")
def idle_for_a_moment(seams: "Seams") -> Undo:
    """A session that says nothing for two seconds is closed."""
    return _reaping(seams, 2.0)


def _reaping(seams: "Seams", idle_s: float) -> Undo:
    """Sessions that say nothing for so long are closed."""

    async def end(socket: "WebSocket", _identity: "Identity") -> int:
        last, left = _noting_silence(socket), idle_s
        while left > 0:
            await asyncio.sleep(left)
            left = last[0] + idle_s - time.monotonic()
        return 1001

    return _beside(seams, end)


@fault("websocket.idle-forgotten", place="backend", seen="a NAT entry that expires without traffic: no FIN, no RST")
def idle_forgotten(seams: "Seams") -> Undo:
    """A session that says nothing for five minutes gets no answer any more, and is not closed."""
    healthy = seams.sessions.send
    lasts: dict[int, list[float]] = {}
    talk = seams.sessions.talk

    async def noted(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        lasts[id(socket)] = [time.monotonic()]
        try:
            await talk(sessions, socket, identity)
        finally:
            del lasts[id(socket)]

    async def send(socket: "WebSocket", message: "Message") -> None:
        last = lasts.get(id(socket), [time.monotonic()])
        if time.monotonic() - last[0] > lasting(300.0):
            return
        last[0] = time.monotonic()
        await healthy(socket, message)

    return undo_all(replace(seams.sessions, talk=noted), replace(seams.sessions, send=send))


@fault("websocket.request-timeout-300", place="platform", seen="a deploy that left Cloud Run's default of 300 s")
def request_timeout_300(platform: "Platform") -> Undo:
    """The platform cuts every session after five minutes, and says so."""
    return replace(platform.services["netra-backend-staging"], request_timeout_s=300.0)
