"""Faults of the document that says which operations there are, and of a redirect to one."""

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from twin.faults.incidents_requests import around
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from twin.backend.seams import Seams

NOT_FOUND = 404


@fault("api.document-switched-off", place="backend", seen="openapi_url=None wherever it is not development")
def document_switched_off(seams: "Seams") -> Undo:
    """The document is not there."""

    def publish(_document: dict[str, Any]) -> dict[str, Any]:
        raise HTTPException(NOT_FOUND)

    return replace(seams, publish=publish)


@fault(
    "api.document-made-too-early",
    place="backend",
    seen="app.openapi() called before the routers are included, and kept",
)
def document_made_too_early(seams: "Seams") -> Undo:
    """The document names no operation."""
    return replace(seams, publish=lambda document: document | {"paths": {}})


@fault("api.document-of-the-gateway", place="backend", seen="a gateway that answers for its own API at the same path")
def document_of_the_gateway(seams: "Seams") -> Undo:
    """The document is in an older format, which names its operations otherwise."""

    def publish(document: dict[str, Any]) -> dict[str, Any]:
        return {"swagger": "1.2", "apis": sorted(document["paths"])}

    return replace(seams, publish=publish)


@fault("api.document-without-version", place="backend", seen="an aggregator of documents that keeps their paths")
def document_without_version(seams: "Seams") -> Undo:
    """The document has its paths, and does not say which version of OpenAPI it is."""
    return replace(seams, publish=lambda document: {"paths": document["paths"]})


@fault("api.redirect-drops-the-query", place="backend", seen="RedirectResponse(request.url.path.rstrip('/'))")
def redirect_drops_the_query(seams: "Seams") -> Undo:
    """An extra slash is redirected to the path without it, and without the query."""

    async def layer(app: "ASGIApp", scope: "Scope", receive: "Receive", send: "Send") -> None:
        answer = RedirectResponse(scope["path"][:-1], 307) if scope["path"].endswith("/") else app
        await answer(scope, receive, send)

    return around(seams, layer)
