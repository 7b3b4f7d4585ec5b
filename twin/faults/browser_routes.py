"""Faults of what a browser may do on some routes alone: with a single thread, with POST, with a body of JSON."""

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from twin.faults.browser import ALLOWED, answering
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from twin.backend.seams import Seams

SINGLE = "/api/threads/"  # what the path of a single thread begins with
NEEDED = "content-type"
ERRORS = range(400, 600)


@fault("browser.preflight-of-the-list-alone", place="backend", seen="an OPTIONS handler written for one route")
def preflight_of_the_list_alone(seams: "Seams") -> Undo:
    """OPTIONS on a single thread's path is answered with Allow, and says nothing of origins."""
    healthy = seams.cross_origin

    def around(app: "ASGIApp") -> "ASGIApp":
        allowing = healthy(app)

        async def by_path(scope: "Scope", receive: "Receive", send: "Send") -> None:
            handled = scope["method"] != "OPTIONS" or not scope["path"].startswith(SINGLE)
            await (allowing if handled else app)(scope, receive, send)

        return by_path

    return replace(seams, cross_origin=around)


@fault("browser.content-type-not-allowed", place="backend", seen="allowed headers by hand: Authorization alone")
def content_type_not_allowed(seams: "Seams") -> Undo:
    """A page may not send JSON: the preflight's answer does not name Content-Type."""

    def change(_scope: "Scope", _status: int, headers: MutableHeaders) -> None:
        allowed = headers.get("access-control-allow-headers", "")
        kept = [one for one in allowed.split(", ") if one.lower() != NEEDED]
        if allowed:
            headers["access-control-allow-headers"] = ", ".join(kept)

    return answering(seams, change)


@fault("browser.single-threads-without-origin", place="backend", seen="a middleware of one router, not of the app")
def single_threads_without_origin(seams: "Seams") -> Undo:
    """The frontend's own pages can't read any answer of a single thread's routes."""

    def change(scope: "Scope", _status: int, headers: MutableHeaders) -> None:
        if scope["path"].startswith(SINGLE) and scope["method"] != "OPTIONS":
            del headers[ALLOWED]

    return answering(seams, change)


@fault("browser.posts-without-origin", place="backend", seen="headers set by a decorator that only GET routes have")
def posts_without_origin(seams: "Seams") -> Undo:
    """The frontend's own pages can't read an answer to POST."""

    def change(scope: "Scope", _status: int, headers: MutableHeaders) -> None:
        if scope["method"] == "POST":
            del headers[ALLOWED]

    return answering(seams, change)


@fault("browser.single-threads-for-anyone", place="backend", seen="one router that reflects Origin, left from a demo")
def single_threads_for_anyone(seams: "Seams") -> Undo:
    """Pages of any origin can read the answers of a single thread's routes."""

    def change(scope: "Scope", _status: int, headers: MutableHeaders) -> None:
        origin = Headers(scope=scope).get("origin")
        if origin and scope["path"].startswith(SINGLE) and scope["method"] != "OPTIONS":
            headers[ALLOWED] = origin
            headers["access-control-allow-credentials"] = "true"

    return answering(seams, change)


@fault("threads.errors-called-html", place="backend", seen="a proxy's rule for error pages, which spares the body")
def errors_called_html(seams: "Seams") -> Undo:
    """Errors are JSON, and sent as HTML."""

    def change(_scope: "Scope", status: int, headers: MutableHeaders) -> None:
        if status in ERRORS:
            headers["content-type"] = "text/html"

    return answering(seams, change)


@fault("browser.later-windows-public", place="backend", seen="max-age for all but the first page, which alone changes")
def later_windows_public(seams: "Seams") -> Undo:
    """A window that does not begin at the top may be kept by any cache on the way."""

    def change(scope: "Scope", _status: int, headers: MutableHeaders) -> None:
        if b"offset=" in scope["query_string"]:
            headers["cache-control"] = "public, max-age=60"

    return answering(seams, change)


@fault("browser.single-threads-cacheable", place="backend", seen="a CDN rule for GET below one prefix, to save reads")
def single_threads_cacheable(seams: "Seams") -> Undo:
    """A single thread and its messages may be kept by any cache on the way."""
    healthy = seams.cache_control

    def keep(path: str) -> str:
        return "public, max-age=300" if path.startswith(SINGLE) else healthy(path)

    return replace(seams, cache_control=keep)


@fault("browser.histories-cacheable", place="backend", seen="messages never change, and so a day seemed fine")
def histories_cacheable(seams: "Seams") -> Undo:
    """A thread's messages may be kept by any cache on the way."""
    healthy = seams.cache_control

    def keep(path: str) -> str:
        return "max-age=86400" if path.startswith(SINGLE) and path.endswith("/messages") else healthy(path)

    return replace(seams, cache_control=keep)


def _setting_cookie(seams: "Seams", path: str, attributes: str) -> Undo:
    """Have answers to GET below a path put the request's token into a cookie."""

    def change(scope: "Scope", _status: int, headers: MutableHeaders) -> None:
        token = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
        if token and scope["method"] == "GET" and scope["path"].startswith(path):
            headers.append("set-cookie", f"access_token={token}; Path=/{attributes}")

    return answering(seams, change)


@fault("browser.token-in-a-cookie", place="backend", seen="a cookie for a page that can't set headers (EventSource)")
def token_in_a_cookie(seams: "Seams") -> Undo:
    """Each answer to the list sets a cookie with the token, which every script of the page can read."""
    return _setting_cookie(seams, "/api/threads", "")


@fault("browser.token-in-an-insecure-cookie", place="backend", seen="Secure left out, for a developer's machine")
def token_in_an_insecure_cookie(seams: "Seams") -> Undo:
    """An answer about one thread sets a cookie with the token, which a browser sends without TLS too."""
    return _setting_cookie(seams, SINGLE, "; HttpOnly; SameSite=Lax")
