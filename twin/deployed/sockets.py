"""`/ws` of the deployed backend: its refusals, its dialect, and the managers that are never taken off the count."""

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from twin.backend.websocket import presented
from twin.deployed.answers import log
from twin.deployed.revisions import WIRE, Revision
from twin.deployed.users import Users

SERVER_PING_S = 25.0
NO_MANAGER = 1011
Message = dict[str, Any]


def said(kind: str, data: Message) -> Message:
    """A message in the service's envelope."""
    return {"type": kind, "data": data, "timestamp": time.time(), "server_id": None, "correlation_id": None}


def welcome(user: str) -> Message:
    """The first message of a session, but for the note that goes before it."""
    facts = WIRE["socket"]
    config = {"heartbeat_interval": facts["heartbeat_interval"], "max_message_size": facts["max_message_size"]}
    now = int(time.time())
    return said(
        "system_message",
        {
            "event": "connection_established",
            "connection_id": f"ws_{user[:8]}_{now}_{uuid.uuid4().hex[:8]}",
            "user_id": user,
            "server_time": datetime.now(UTC).isoformat(),
            "connection_ready": True,
            "environment": "staging",
            "startup_complete": True,
            "config": config,
            "factory_pattern_enabled": True,
        },
    )


@dataclass(slots=True)
class Sockets:
    """Opens and serves sessions."""

    users: Users
    revision: Revision
    managers: Counter[str] = field(default_factory=Counter)

    async def serve(self, socket: WebSocket) -> None:
        """One connection: HTTP 403 for a bad token, whatever the revision makes of a good one."""
        token, protocols = presented(socket)
        claims = await self.users.claims(token) if token else None
        if claims is None:
            await socket.close()
            return
        await socket.accept("jwt-auth" if "jwt-auth" in protocols else None)
        if self.revision.socket:
            await self._refuse(socket, self.revision.socket)
            return
        user = str(claims["user_id"])
        if self.managers[user] >= WIRE["socket"]["most_managers"]:
            log("ERROR", f"{WIRE['socket']['locked_out']}: {user}")
            await socket.close(NO_MANAGER)
            return
        self.managers[user] += 1  # and never again down
        with suppress(WebSocketDisconnect):
            await self._session(socket, user)

    async def _refuse(self, socket: WebSocket, how: Mapping[str, Any]) -> None:
        log("ERROR", f"WebSocket connection failed: {how['log']}")
        if "message" in how:
            await socket.send_json({**how["message"], "timestamp": time.time(), "recovery_suggestions": None})
        await socket.close(how["code"], how["reason"])

    async def _session(self, socket: WebSocket, user: str) -> None:
        note = {"event": "service_info", "mode": "fallback", "message": "Some features are limited."}
        await socket.send_json(said("system_message", note))
        await socket.send_json(welcome(user))
        pinging = asyncio.create_task(_ping(socket))
        try:
            await self._converse(socket, user)
        finally:
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)

    async def _converse(self, socket: WebSocket, user: str) -> None:
        while True:
            frame = await socket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            text = frame.get("text")
            if text is None or len(text) > WIRE["socket"]["max_message_size"]:
                continue  # binary and oversize: not a word
            answer = self._answer(text, user)
            if answer is not None:
                await socket.send_json(answer)

    def _answer(self, text: str, user: str) -> Message | None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            return {
                "type": "error_message",
                "error_code": self.revision.json_error,
                "error_message": f"Invalid JSON: {error}",
                "details": {},
                "timestamp": time.time(),
                "recovery_suggestions": None,
            }
        if not isinstance(message, dict):
            return None
        kind = str(message.get("type"))
        answers: dict[str, Message] = {
            "ping": said("pong", {"timestamp": time.time(), "user_id": user}),
            "heartbeat": said("heartbeat_ack", {"timestamp": time.time(), "status": "healthy"}),
            "user_message": said(
                "system_message",
                {"content": "Message received", "original_message_id": None, "status": "acknowledged"},
            ),
        }
        ack = {"type": "ack", "received_type": kind, "timestamp": time.time(), "user_id": user}
        return answers.get(kind, {**ack, "status": "acknowledged"})


async def _ping(socket: WebSocket) -> None:
    """The server's own pings, which need no answer."""
    while True:
        await socket.send_json(said("ping", {"timestamp": time.time()}))
        await asyncio.sleep(SERVER_PING_S)
