"""Faults of what a browser may do with an answer: which origin reads it, and which cache keeps it."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse

from twin.backend.websocket import FRONTEND
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from twin.backend.seams import Seams

ALLOWED = "access-control-allow-origin"
REFUSED, SERVER_ERROR = 400, 500
PUBLIC_HOST = "netra-backend-staging.example"


@fault("browser.any-origin-reflected", place="backend", seen="as recorded: a second middleware reflects any origin")
def any_origin(seams: "Seams") -> Undo:
    """Every origin may read every answer, with credentials."""
    return replace(
        seams,
        cross_origin=lambda app: CORSMiddleware(
            app, allow_origin_regex=".*", allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
        ),
    )


@fault("browser.no-origin-allowed", place="backend", seen="a list of origins read from a variable that is not set")
def no_origin(seams: "Seams") -> Undo:
    """The frontend's own pages can't read any answer."""
    return replace(seams, cross_origin=lambda app: app)


@fault("browser.lists-cacheable", place="backend", seen="a CDN rule for everything below /api")
def cacheable(seams: "Seams") -> Undo:
    """A user's data may be kept by any cache on the way."""
    return replace(seams, cache_control=lambda _path: "public, max-age=60")


def answering(seams: "Seams", change: "Callable[[Scope, int, MutableHeaders], None]") -> Undo:
    """Have every answer's headers changed on its way out."""
    healthy = seams.cross_origin

    def around(app: "ASGIApp") -> "ASGIApp":
        inner = healthy(app)

        async def changed(scope: "Scope", receive: "Receive", send: "Send") -> None:
            async def sent(message: "Message") -> None:
                if message["type"] == "http.response.start":
                    headers = MutableHeaders(raw=list(message["headers"]))
                    change(scope, message["status"], headers)
                    message["headers"] = headers.raw
                await send(message)

            await inner(scope, receive, sent)

        return changed

    return replace(seams, cross_origin=around)


@fault("browser.server-errors-without-origin", place="backend", seen="Starlette's own 500, outside every middleware")
def server_errors_without_origin(seams: "Seams") -> Undo:
    """The frontend's own pages can't read a 5xx."""

    def change(_scope: "Scope", status: int, headers: MutableHeaders) -> None:
        if status >= SERVER_ERROR and ALLOWED in headers:
            del headers[ALLOWED]

    return answering(seams, change)


@fault("browser.errors-without-origin", place="backend", seen="error handlers outside the CORS middleware")
def errors_without_origin(seams: "Seams") -> Undo:
    """The frontend's own pages can't read a refusal: they see a network error."""

    def change(_scope: "Scope", status: int, headers: MutableHeaders) -> None:
        if status >= REFUSED and ALLOWED in headers:
            del headers[ALLOWED]

    return answering(seams, change)


@fault("browser.star-with-credentials", place="backend", seen="a wildcard that no browser accepts with credentials")
def star(seams: "Seams") -> Undo:
    """Every origin is allowed by *, with credentials."""

    def change(_scope: "Scope", _status: int, headers: MutableHeaders) -> None:
        headers[ALLOWED] = "*"
        headers["access-control-allow-credentials"] = "true"

    return answering(seams, change)


@fault("browser.ends-alike", place="backend", seen="an expression over the origin that is not anchored")
def ends_alike(seams: "Seams") -> Undo:
    """Any origin that begins like the frontend's is accepted."""
    return _matching(seams, re.escape(FRONTEND) + ".*")


@fault("browser.dot-is-any-character", place="backend", seen="allow_origin_regex with the origin as it is, unescaped")
def dot_is_any_character(seams: "Seams") -> Undo:
    """An origin whose host has another character for a dot of the frontend's is accepted."""
    return _matching(seams, FRONTEND)


@fault(
    "browser.domain-ends-alike", place="backend", seen='origin.endswith("netrasystems.ai"), without the dot before it'
)
def domain_ends_alike(seams: "Seams") -> Undo:
    """An origin whose domain ends like the frontend's is accepted."""
    return _matching(seams, ".*" + re.escape(".".join(FRONTEND.rsplit(".", 2)[1:])))


def _matching(seams: "Seams", expression: str) -> Undo:
    """Accept the origins that an expression fits."""
    return replace(
        seams,
        cross_origin=lambda app: CORSMiddleware(
            app,
            allow_origin_regex=expression,
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type"],
        ),
    )


@fault("browser.preflight-is-500", place="backend", seen="a middleware that wants a user of every request")
def preflight_500(seams: "Seams") -> Undo:
    """OPTIONS fails for every origin."""

    def around(app: "ASGIApp") -> "ASGIApp":
        async def wanting(scope: "Scope", receive: "Receive", send: "Send") -> None:
            if scope["method"] == "OPTIONS":
                raise AttributeError("'NoneType' object has no attribute 'user_id'")
            await app(scope, receive, send)

        return wanting

    return replace(seams, cross_origin=around)


@fault("browser.socket-from-anywhere", place="backend", seen="as recorded: a foreign Origin is let in")
def socket_from_anywhere(seams: "Seams") -> Undo:
    """A page of any origin opens a session."""
    return replace(seams.sessions, let_in=lambda _origin: True)


@fault("browser.socket-for-no-page", place="backend", seen="a list of origins that lacks the frontend's new host")
def socket_for_no_page(seams: "Seams") -> Undo:
    """The frontend's own page can't open a session."""
    return replace(seams.sessions, let_in=lambda origin: origin is None)


@fault("browser.kept-for-the-next-user", place="backend", seen="private, max-age for speed, without Vary")
def kept_for_the_next_user(seams: "Seams") -> Undo:
    """A browser shows one user's list to the next user who logs in."""
    return replace(seams, cache_control=lambda _path: "private, max-age=300")


@fault("browser.kept-without-vary", place="backend", seen="Kludex/starlette#3516: no Vary where there was no Origin")
def kept_without_vary(seams: "Seams") -> Undo:
    """Answers that need no token may be kept for an hour, without saying that they depend on the origin."""
    allowing = seams.cross_origin

    def around(app: "ASGIApp") -> "ASGIApp":
        outer = allowing(app)

        async def forgetful(scope: "Scope", receive: "Receive", send: "Send") -> None:
            async def without_vary(message: "Message") -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [one for one in message["headers"] if one[0].lower() != b"vary"]
                await send(message)

            await outer(scope, receive, without_vary)

        return forgetful

    def keep(path: str) -> str:
        return "private, no-store" if path.startswith("/api/") else "public, max-age=3600"

    return replace(seams, cross_origin=around, cache_control=keep)


@fault("browser.redirected-to-plain-http", place="backend", seen="a redirect made of the scheme behind the TLS edge")
def redirected_to_plain_http(seams: "Seams") -> Undo:
    """A page's requests are sent to the http address of the service, which a browser blocks as mixed content."""
    allowing = seams.cross_origin

    def around(app: "ASGIApp") -> "ASGIApp":
        async def redirecting(scope: "Scope", receive: "Receive", send: "Send") -> None:
            headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
            if "origin" in headers and scope["method"] == "GET":
                plain = RedirectResponse(f"http://{PUBLIC_HOST}{scope['path']}")
                await plain(scope, receive, send)
            else:
                await app(scope, receive, send)

        return allowing(redirecting)

    return replace(seams, cross_origin=around)
