"""Faults from public reports about WebSockets and the Redis that is behind them."""

import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from redis.asyncio import ConnectionPool

from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

CLIENTS = 20
Resume = Callable[[str], Awaitable["Message"]]


def _resuming(seams: "Seams", resume: Resume) -> Undo:
    """Have sessions resumed otherwise; sequence numbers are noted as ever."""
    from twin.backend.websocket import SessionStore  # noqa: PLC0415 - other processes import this file for its ids alone

    class Otherwise(SessionStore):
        async def resume(self, user_id: str) -> "Message":
            return await resume(user_id)

    healthy = seams.sessions.store
    return replace(seams.sessions, store=Otherwise(healthy.redis, healthy.lives_s))


@fault(
    "websocket.state-of-another",
    place="backend",
    seen="redis/redis-py#2624: a command that was cancelled leaves its answer unread, and the next one reads it",
)
def state_of_another(seams: "Seams") -> Undo:
    """Every session is resumed with the state of the one before it."""
    healthy, unread = seams.sessions.store, list["Message"]([{"session_id": "of a cancelled request", "last_seq": 0}])

    async def resume(user_id: str) -> "Message":
        unread.append(await healthy.resume(user_id))
        return unread.pop(0)

    return _resuming(seams, resume)


@fault(
    "websocket.redis-connections-leak",
    place="backend",
    seen="redis/redis-py#2831: a client for each session, whose close leaves its connection open",
)
def redis_connections_leak(seams: "Seams") -> Undo:
    """After twenty sessions Redis accepts no more clients, and every session ends in an error."""
    healthy = seams.sessions.store
    pool = ConnectionPool(max_connections=CLIENTS, **healthy.redis.connection_pool.connection_kwargs)

    async def resume(user_id: str) -> "Message":
        await pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py types it in part
        return await healthy.resume(user_id)

    installed = _resuming(seams, resume)

    async def undo() -> None:
        installed()
        await pool.disconnect()

    return undo


@fault(
    "websocket.dead-tab-stops-the-rest",
    place="backend",
    seen="NeverScapeAlone/never-scape-alone#216: one by one, and the first that has closed raises out of the loop",
)
def dead_tab(seams: "Seams") -> Undo:
    """A closed socket stays on the list: the sockets after it get no event, and the asker's session breaks."""
    healthy, gone = seams.sessions.talk, defaultdict[str, list["WebSocket"]](list)

    async def talk(sessions: "Sessions", socket: "WebSocket", identity: "Identity") -> None:
        try:
            await healthy(sessions, socket, identity)
        finally:
            gone[identity.user_id].append(socket)

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        for one in [*gone[user_id], *sessions.hub.recipients(user_id)]:
            await sessions.send(one, message)

    return undo_all(replace(seams.sessions, talk=talk), replace(seams.sessions, tell=tell))


@fault(
    "websocket.subscription-lost",
    place="backend",
    seen="redis/redis-py#2089: after a restart of Redis publishing works again, and the subscription never does",
)
def subscription_lost(seams: "Seams") -> Undo:
    """The agent's events are published, and no process hears them."""

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        await sessions.store.redis.publish(f"events:{user_id}", json.dumps(message))

    return replace(seams.sessions, tell=tell)


@fault(
    "websocket.empty-text-taken-for-none",
    place="backend",
    seen="Kludex/starlette#3381: an empty text is false, so the bytes are looked for, and there are none",
)
def empty_text_taken_for_none(seams: "Seams") -> Undo:
    """An empty text frame ends the session with 1011."""
    healthy = seams.sessions.parse

    def parse(frame: "Message") -> "Message":
        if not frame.get("text") and frame.get("bytes") is None:
            raise KeyError("bytes")
        return healthy(frame)

    return replace(seams.sessions, parse=parse)


@fault(
    "websocket.subscription-lost-in-silence",
    place="backend",
    seen="redis/redis-py#3092: something on the way forgets an idle connection, and the subscriber never notices",
)
def subscription_lost_in_silence(seams: "Seams") -> Undo:
    """When no event was published for an hour, no later one is heard."""
    from twin.faults.websocket_soak import lasting  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy, longest, last = seams.sessions.tell, lasting(3600.0), time.monotonic()

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        nonlocal last
        if time.monotonic() - last < longest:
            last = time.monotonic()
            await healthy(sessions, user_id, message)

    return replace(seams.sessions, tell=tell)
