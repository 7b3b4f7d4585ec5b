"""Faults from public reports about what is around a handler: doors, clients, middlewares and log lines."""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
from starlette.responses import RedirectResponse

from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from twin.auth.service import Seams as AuthSeams
    from twin.backend.auth_client import Identity
    from twin.backend.bodies import Draft
    from twin.backend.seams import Seams
    from twin.platform.state import Platform

BACKEND = "netra-backend-staging"
OK, CALLS, BACKGROUND_S, SOON_S = 200, 8, 0.5, 0.25
Around = Callable[["ASGIApp", "Scope", "Receive", "Send"], Awaitable[None]]


def around(seams: "Seams", layer: Around) -> Undo:
    """Put one more layer under the outermost one."""
    healthy = seams.cross_origin

    def wrapped(app: "ASGIApp") -> "ASGIApp":
        inner = healthy(app)

        async def layered(scope: "Scope", receive: "Receive", send: "Send") -> None:
            await layer(inner, scope, receive, send)

        return layered

    return replace(seams, cross_origin=wrapped)


@fault(
    "auth.missing-token-is-403",
    place="backend",
    seen="fastapi/fastapi#10177: HTTPBearer answers a missing header with 403, and without a challenge",
)
def missing_is_403(seams: "Seams") -> Undo:
    """A request without a token gets 403, where clients wait for a 401 before they log in again."""
    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy = seams.validate

    async def validate(given: "Seams", token: str) -> "Identity | None":
        if not token:
            raise RefusedError(403, "forbidden", "Not authenticated")
        return await healthy(given, token)

    return replace(seams, validate=validate)


@fault(
    "auth.signature-removed-on-the-way",
    place="backend",
    seen="pomerium/pomerium#6677: Cloud Run checks the token itself and hands it on without its signature",
)
def signature_removed(seams: "Seams") -> Undo:
    """A valid token arrives as header and payload, and a word where its signature was."""
    healthy = seams.bearer_of
    return replace(
        seams,
        bearer_of=lambda request: ".".join([*healthy(request).split(".")[:2], "SIGNATURE_REMOVED_BY_GOOGLE"]),
    )


@fault(
    "auth.answers-left-open",
    place="backend",
    seen="encode/httpx#2139: a response that is not read to its end keeps its connection of the pool",
)
def answers_left_open(seams: "Seams") -> Undo:
    """Each refusal keeps a connection to the auth service; after a few, every request is refused with 503."""
    from twin.backend.auth_client import AuthUnavailableError, Identity  # noqa: PLC0415 - as above

    limits = httpx.Limits(max_connections=CALLS)
    client = httpx.AsyncClient(timeout=httpx.Timeout(1, pool=0.05), trust_env=False, limits=limits)

    async def validate(given: "Seams", token: str) -> "Identity | None":
        headers = {"X-Service-Key": given.auth.service_key}
        request = client.build_request("POST", f"{given.auth.url}/validate", json={"token": token}, headers=headers)
        try:
            answer = await client.send(request, stream=True)
            if answer.status_code != OK:
                return None
            body = json.loads(await answer.aread())
        except httpx.HTTPError as error:
            raise AuthUnavailableError(type(error).__name__) from error
        return Identity(body["user_id"], "")

    installed = replace(seams, validate=validate)

    async def undo() -> None:
        installed()
        await client.aclose()

    return undo


@fault(
    "logs.query-logged",
    place="backend",
    seen="greeves89/AI-Employee#373: an access line with the whole target, and a token in its query",
)
def query_logged(seams: "Seams") -> Undo:
    """Each request is logged with its query."""

    async def logged(inner: "ASGIApp", scope: "Scope", receive: "Receive", send: "Send") -> None:
        target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        seams.log.write("INFO", f'"{scope["method"]} {target} HTTP/1.1"')
        await inner(scope, receive, send)

    return around(seams, logged)


@fault(
    "observability.trace-in-a-copied-context",
    place="backend",
    seen="Kludex/starlette#1081: a variable that is set in the task of an inner layer is unset outside of it",
)
def trace_in_a_copy(seams: "Seams") -> Undo:
    """The trace is there in the handler's task, and missing on the line that is written at the end."""
    from twin.telemetry import TRACE  # noqa: PLC0415 - as above

    async def copied(inner: "ASGIApp", scope: "Scope", receive: "Receive", send: "Send") -> None:
        trace = TRACE.get()
        TRACE.set("")

        async def inside() -> None:
            TRACE.set(trace)
            await inner(scope, receive, send)

        await asyncio.create_task(inside())

    return around(seams, copied)


@fault(
    "threads.root-path-eats-the-route",
    place="backend",
    seen="Kludex/starlette#2599: a root path is cut off every path that begins with its letters",
)
def root_path_eats(seams: "Seams") -> Undo:
    """The root path is /api/thread, so that of /api/threads an s is left, for which there is no route."""

    async def cut(inner: "ASGIApp", scope: "Scope", receive: "Receive", send: "Send") -> None:
        await inner({**scope, "path": re.sub("^/api/thread", "", scope["path"])}, receive, send)

    return around(seams, cut)


@fault(
    "auth.audience-taken-for-text",
    place="auth",
    seen="sentinel-hub/titiler-openeo#180: the provider wrote the audience as a list, which the standard allows",
)
def audience_taken_for_text(seams: "AuthSeams") -> Undo:
    """A token whose audience is a list crashes its validation."""
    from twin.auth.by_hand import payload_of  # noqa: PLC0415 - as above

    healthy = seams.read

    def read(given: "AuthSeams", token: object) -> dict[str, Any]:
        audience: Any = payload_of(str(token)).get("aud", "")
        if not isinstance(audience, dict | int | None):
            audience.strip()
        return healthy(given, token)

    return replace(seams, read=read)


@fault(
    "threads.create-takes-infinity",
    place="backend",
    seen="fastapi/fastapi#459: a value that JSON has no word for, and the answer with it is a 500",
)
def create_takes_infinity(seams: "Seams") -> Undo:
    """1e999 is read as infinity, and written without a check."""
    from twin.backend.bodies import Draft  # noqa: PLC0415 - as above

    healthy = seams.read_draft

    async def read(request: "Request") -> "Draft":
        body = await request.body()
        if b"1e999" not in body:
            return await healthy(request)
        written = json.loads(body)
        return Draft("title" in written, written.get("title"), written.get("metadata"))

    return replace(seams, read_draft=read)


@fault(
    "api.redirects-elsewhere",
    place="backend",
    seen="fastapi/fastapi#4990: the application does not know of the TLS in front of it, and redirects to http",
)
def redirects_elsewhere(seams: "Seams") -> Undo:
    """An extra slash is redirected to the address that the process itself is bound to."""

    async def layer(app: "ASGIApp", scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["path"].endswith("/"):
            await RedirectResponse(f"http://0.0.0.0:8080{scope['path'][:-1]}", 307)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return around(seams, layer)


@fault(
    "logs.closed-connection-used-again",
    place="platform",
    seen="conbench/conbench#1156: the server closes idle connections earlier than the balancer, which asks once",
)
def closed_connection_used_again(platform: "Platform") -> Undo:
    """A request over a connection that the server had closed for being idle is answered 502."""
    closes = replace(platform, idle_lasts_s=lambda service: SOON_S if service.name == BACKEND else math.inf)
    return undo_all(closes, replace(platform, asks_again=lambda: False))


@fault(
    "threads.answer-ends-after-the-background",
    place="backend",
    seen="Kludex/starlette#919: a middleware ends the answer when its background task is done",
)
def ends_after_the_background(seams: "Seams") -> Undo:
    """What follows a create holds the connection, and with it the next request, for half a second."""

    async def layer(app: "ASGIApp", scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def sent(message: "Message") -> None:
            if message["type"] != "http.response.body" or scope["method"] != "POST":
                await send(message)
                return
            await send({**message, "more_body": True})
            await asyncio.sleep(BACKGROUND_S)
            await send({"type": "http.response.body", "body": b""})

        await app(scope, receive, sent)

    return around(seams, layer)
