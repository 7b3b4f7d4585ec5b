"""Faults that break no promise of the contract: only a comparison with the revision before shows them."""

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from twin.faults.threads_metadata import rendering
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.threads import Window
    from twin.backend.websocket import Message

SLOW_S = 0.04


@fault("compared.field-more", place="backend", seen="a response model that lost response_model_exclude")
def field_more(seams: "Seams") -> Undo:
    """Every item has a field that the contract does not have."""
    return rendering(seams, lambda item, _metadata: item.update(deleted_at=None))


@fault("compared.refusals-reworded", place="backend", seen="error codes renamed while they were 'cleaned up'")
def refusals_reworded(seams: "Seams") -> Undo:
    """A refusal has other words: clients that read the code don't know it."""
    healthy = seams.render_refusal

    def render(status: int, code: str, text: str) -> Response:
        return healthy(status, f"ERR_{code.upper()}", text)

    return replace(seams, render_refusal=render)


@fault("compared.welcome-renamed", place="backend", seen="a serializer that adds camelCase names to the old ones")
def welcome_otherwise(seams: "Seams") -> Undo:
    """The welcome has one more field, with a newer name that old clients don't know."""
    healthy = seams.sessions.make_welcome

    def welcome(identity: "Identity", state: "Message") -> "Message | None":
        message = healthy(identity, state)
        return message and message | {"data": message["data"] | {"connectionReady": True}}

    return replace(seams.sessions, make_welcome=welcome)


@fault("compared.slower-list", place="backend", seen="a query per row, hidden by a fast database")
def slower_list(seams: "Seams") -> Undo:
    """The list takes several times as long, and is still quick enough for every limit."""
    healthy = seams.find_threads

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        await asyncio.sleep(SLOW_S)
        return await healthy(given, user, window)

    return replace(seams, find_threads=find)


@fault("compared.error-logged-and-swallowed", place="backend", seen="a fallback that works, behind a client that fails")
def logged_and_swallowed(seams: "Seams") -> Undo:
    """Every list is right, and logs an error that was caught."""
    healthy = seams.find_threads

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        try:
            clients: dict[str, Any] = {}
            clients["cache"].get(user)
        except KeyError as error:
            given.log.write("ERROR", f"the cache failed: {error}", error)
        return await healthy(given, user, window)

    return replace(seams, find_threads=find)


@fault(
    "compared.browsers-fail",
    place="backend",
    seen="a parser of User-Agent that knew none of the newer ones",
    dependency=True,  # without other requests than ours, nothing shows it
)
def browsers_fail(seams: "Seams") -> Undo:
    """Only real users meet it: the list fails for clients that call themselves a browser."""
    healthy = seams.read_query

    def read(request: "Request") -> dict[str, str]:
        agent = request.headers.get("user-agent", "")
        if agent.startswith("Mozilla/"):
            raise LookupError(f"no such browser: {agent}")
        return healthy(request)

    return replace(seams, read_query=read)
