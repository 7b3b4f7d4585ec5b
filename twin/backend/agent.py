"""The agent: a user's message is answered by a run of events, in order, in every tab of that user and in no other.

The events have the names of the service's public code. With `thread_id` in the message, the question and the answer
become messages of that thread.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from twin.backend.bodies import storable
from twin.backend.refusals import RefusedError

if TYPE_CHECKING:
    from twin.backend.auth_client import Identity
    from twin.backend.websocket import Sessions

Message = dict[str, Any]


class AgentSupervisor:
    """Answers a user's message."""

    async def run(self, asked: str) -> AsyncIterator[Message]:
        """The events of one run, from its start to its answer; the last one holds it."""
        yield {"type": "agent_started", "data": {"agent": "supervisor"}}
        yield {"type": "agent_thinking", "data": {"thought": "Looking at the question."}}
        yield {"type": "tool_executing", "data": {"tool": "search"}}
        yield {"type": "tool_completed", "data": {"tool": "search"}}
        yield {"type": "agent_completed", "data": {"text": asked, "handled_by": "supervisor"}}


class FallbackAgent:
    """Answers when the supervisor is missing, so that the user does not see a missing dependency as an error."""

    async def run(self, asked: str) -> AsyncIterator[Message]:
        """An answer that says what it is."""
        del asked
        yield {"type": "agent_started", "data": {"agent": "fallback"}}
        yield {"type": "agent_completed", "data": {"text": "The agent is not available.", "handled_by": "fallback"}}


async def on_user_message(sessions: "Sessions", socket: WebSocket, identity: "Identity", message: Message) -> None:
    """Have the agent answer, event by event, to every socket of this user."""
    data = message.get("data")
    data = data if isinstance(data, dict) else {}
    asked, thread = data.get("text", data.get("content", "")), data.get("thread_id")
    if not isinstance(asked, str) or not storable(asked):
        await sessions.send(socket, error_message("INVALID_MESSAGE"))
        return
    if thread is not None:
        try:
            await sessions.remember(identity, thread, "user", asked)
        except RefusedError:
            await sessions.send(socket, error_message("THREAD_NOT_FOUND"))
            return
    run, number = {"run_id": str(uuid.uuid4()), "thread_id": thread, "user_id": identity.user_id}, 0
    async for event in (sessions.supervisor() or FallbackAgent()).run(asked):
        number += 1
        sent = {"type": event["type"], "data": {**run, "sequence": number, "timestamp": _now(), **event["data"]}}
        if thread is not None and "text" in event["data"]:  # stored before it is sent
            with suppress(RefusedError):  # the thread was archived meanwhile: its owner hears the answer all the same
                await sessions.remember(identity, thread, "assistant", event["data"]["text"])
        await sessions.tell(sessions, identity.user_id, sent)


async def tell_every_tab(sessions: "Sessions", user_id: str, message: Message) -> None:
    """Send to every socket of a user; one that is closing at this moment takes nothing from the others."""

    async def tell(socket: WebSocket) -> None:
        try:
            await sessions.send(socket, message)
        except (WebSocketDisconnect, RuntimeError):  # starlette's words for a socket that has closed
            sessions.hub.sockets[user_id].discard(socket)

    await asyncio.gather(*(tell(one) for one in sessions.hub.recipients(user_id)))


def error_message(code: str) -> Message:
    """An error as a message."""
    return {"type": "error_message", "error_code": code, "data": {"error_code": code}}


def _now() -> str:
    return datetime.now(UTC).isoformat()
