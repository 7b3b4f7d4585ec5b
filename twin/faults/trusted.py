"""Faults of believing what a request says of its user, instead of its token."""

import json
from typing import TYPE_CHECKING, Any

from twin.faults.threads_one import afterwards
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

GIVE = "UPDATE threads SET user_id = :user WHERE id = :id"


@fault("threads.parameter-trusted", place="backend", seen="a filter for administrators, open to anyone: ?user_id=")
def parameter_trusted(seams: "Seams") -> Undo:
    """A parameter of the query names the user whose list it is."""
    healthy = seams.identify

    def identify(request: "Request", identity: "Identity") -> str:
        return request.query_params.get("user_id") or healthy(request, identity)

    return replace(seams, identify=identify)


async def _give_away(given: "Seams", request: "Request", answer: "Response") -> "Response":
    """Make the user whom the body names the owner of the thread."""
    from sqlalchemy import text  # noqa: PLC0415 - other processes import this file for its ids alone

    body = json.loads(await request.body())
    if body.get("user_id"):
        values = {"id": json.loads(bytes(answer.body))["id"], "user": body["user_id"]}
        async with given.store.engine.begin() as connection:
            await connection.execute(text(GIVE), values)
    return answer


@fault("threads.create-takes-the-owner", place="backend", seen="Thread(**body), and defaults for what is missing")
def create_takes_the_owner(seams: "Seams") -> Undo:
    """A new thread belongs to whom its body names."""
    return afterwards(seams, "create", _give_away)


@fault("threads.change-takes-the-owner", place="backend", seen="setattr for each key of the body")
def change_takes_the_owner(seams: "Seams") -> Undo:
    """A change gives the thread to whom its body names."""
    return afterwards(seams, "change", _give_away)


@fault("websocket.message-names-the-user", place="backend", seen='message["data"]["user_id"], as the frontend sends it')
def message_names_the_user(seams: "Seams") -> Undo:
    """The agent answers the user whom a message names."""
    from dataclasses import replace as altered  # noqa: PLC0415 - beside the registry's of the same name

    healthy = seams.sessions.handlers["user_message"]

    async def handle(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        data: Any = message.get("data")
        named = data.get("user_id") if isinstance(data, dict) else None
        await healthy(sessions, socket, altered(identity, user_id=named) if named else identity, message)

    return replace(seams.sessions, handlers={**seams.sessions.handlers, "user_message": handle})
