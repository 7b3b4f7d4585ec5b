"""Faults of believing what a request says of its user, instead of its token."""

from typing import TYPE_CHECKING, Any

from twin.faults.threads_one import giving_away
from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

BY_HEADER = "by-header:"


@fault("threads.parameter-trusted", place="backend", seen="a filter for administrators, open to anyone: ?user_id=")
def parameter_trusted(seams: "Seams") -> Undo:
    """A parameter of the query names the user whose list it is."""
    healthy = seams.identify

    def identify(request: "Request", identity: "Identity") -> str:
        return request.query_params.get("user_id") or healthy(request, identity)

    return replace(seams, identify=identify)


def _in_the_body(body: dict[str, Any]) -> object:
    return body.get("user_id")


@fault("threads.create-takes-the-owner", place="backend", seen="Thread(**body), and defaults for what is missing")
def create_takes_the_owner(seams: "Seams") -> Undo:
    """A new thread belongs to whom its body names."""
    return giving_away(seams, "create", _in_the_body)


@fault("threads.change-takes-the-owner", place="backend", seen="setattr for each key of the body")
def change_takes_the_owner(seams: "Seams") -> Undo:
    """A change gives the thread to whom its body names."""
    return giving_away(seams, "change", _in_the_body)


@fault("websocket.message-names-the-user", place="backend", seen='message["data"]["user_id"], as the frontend sends it')
def message_names_the_user(seams: "Seams") -> Undo:
    """The agent answers the user whom a message names."""
    from dataclasses import replace as altered  # noqa: PLC0415 - beside the registry's of the same name

    healthy = seams.sessions.handlers["user_message"]

    async def handle(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        data: Any = message.get("data")
        named = data.get("user_id") if isinstance(data, dict) else None
        await healthy(sessions, socket, altered(identity, user_id=named) if named else identity, message)

    return handling(seams, user_message=handle)


@fault("auth.header-in-place-of-a-token", place="backend", seen="X-Forwarded-User of a proxy that is gone")
def header_in_place_of_a_token(seams: "Seams") -> Undo:
    """A request without a token is its user's whom a header names."""
    from twin.backend.auth_client import Identity  # noqa: PLC0415 - other processes import this file for its ids alone

    bearer_of, validate = seams.bearer_of, seams.validate

    def presented(request: "Request") -> str:
        named = request.headers.get("x-forwarded-user")
        return f"{BY_HEADER}{named}" if named and "authorization" not in request.headers else bearer_of(request)

    async def validated(given: "Seams", token: str) -> "Identity | None":
        name = token.removeprefix(BY_HEADER)
        return Identity(user_id=name, email="") if name != token else await validate(given, token)

    return undo_all(replace(seams, bearer_of=presented), replace(seams, validate=validated))
