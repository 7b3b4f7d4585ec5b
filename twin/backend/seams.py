"""The backend's parts, put together. A fault replaces one of them; the code that uses them does not know."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Scope

from twin.backend import health, thread_routes
from twin.backend.auth_client import AuthClient, Identity
from twin.backend.bodies import Draft, read_draft
from twin.backend.front import as_get
from twin.backend.operations import OPERATIONS, Operation
from twin.backend.thread_store import Row, ThreadStore, refuse_foreign
from twin.backend.threads import BoundsError, ThreadRepository, Window, parse_window, render_thread
from twin.backend.websocket import FRONTEND, Sessions
from twin.telemetry import SERVER_ERROR, Log, error_body


class Metrics:
    """The process' metrics, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Requests by route and status", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram("http_request_seconds", "Seconds by route", ["route"], registry=self.registry)
        self.sockets = Gauge("websocket_sessions", "Open sessions", registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def expose(self) -> Response:
        """Prometheus text."""
        return Response(generate_latest(self.registry), media_type="text/plain; version=0.0.4; charset=utf-8")


def bearer_of(request: Request) -> str:
    """The one bearer token of a request; empty when there is none, more than one, or another scheme."""
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        return ""
    scheme, _, token = values[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def once_each(request: Request) -> dict[str, str]:
    """The query's parameters. Raises BoundsError when one is given twice."""
    given = request.query_params
    if len(given.multi_items()) > len(given):
        raise BoundsError("a parameter is given twice")
    return dict(given)


def plain_error(_error: BaseException) -> JSONResponse:
    """What a client learns of an uncaught error."""
    return JSONResponse(error_body("internal", "Something went wrong."), SERVER_ERROR)


async def nothing_after(_request: Request, response: Response) -> Response:
    """The answer as it is."""
    return response


def refusal(status: int, code: str, text: str) -> Response:
    """A client's error, as every client gets it."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(status, {})
    return JSONResponse(error_body(code, text), status, headers)


def allow_frontend(app: ASGIApp) -> ASGIApp:
    """Let pages of the frontend's origin, and of no other, read every answer, with credentials."""
    return CORSMiddleware(
        app,
        allow_origins=[FRONTEND],
        allow_credentials=True,
        max_age=600,
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "traceparent", "X-Cloud-Trace-Context"],
    )


def keep_private(path: str) -> str:
    """What caches may do with an answer: nothing at all with what belongs to a user."""
    return "private, no-store" if path.startswith("/api/") else "no-store"


async def _as_json(body: dict[str, Any]) -> Response:
    return JSONResponse(body)


@dataclass(slots=True, kw_only=True)
class Seams:
    """Every replaceable part."""

    environment: str
    repository: ThreadRepository
    auth: AuthClient
    checks: Mapping[str, health.Check]
    sessions: Sessions
    log: Log
    store: ThreadStore
    metrics: Metrics = field(default_factory=Metrics)
    read_query: Callable[[Request], dict[str, str]] = once_each
    parse_window: Callable[[dict[str, str]], Window] = parse_window
    render_thread: Callable[[dict[str, Any]], dict[str, Any]] = render_thread
    bearer_of: Callable[[Request], str] = bearer_of
    identify: Callable[[Request, Identity], str] = field(default=lambda _request, identity: identity.user_id)
    find_threads: Callable[["Seams", str, Window], Awaitable[list[dict[str, Any]]]] = field(
        default=lambda seams, user, window: seams.repository.find_by_user(user, window)
    )
    arrange: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = field(default=lambda items: items)
    validate: Callable[["Seams", str], Awaitable[Identity | None]] = field(
        default=lambda seams, token: seams.auth.validate(token)
    )
    run_checks: Callable[[Mapping[str, health.Check]], Awaitable[dict[str, Any]]] = health.run_checks
    find_failures: Callable[[Mapping[str, Any]], list[str]] = health.find_failures
    report: Callable[[Mapping[str, Any], list[str], str], dict[str, Any]] = health.report
    answer_health: Callable[[dict[str, Any]], Awaitable[Response]] = field(default=_as_json)
    answer_probe: Callable[[str, dict[str, Any], int], Response] = field(
        default=lambda _probe, body, status: JSONResponse(body, status)
    )
    expose_metrics: Callable[["Seams"], Response] = field(default=lambda seams: seams.metrics.expose())
    render_error: Callable[[BaseException], JSONResponse] = plain_error
    render_refusal: Callable[[int, str, str], Response] = field(default=refusal)
    after: Callable[[Request, Response], Awaitable[Response]] = nothing_after
    create: Callable[["Seams", Request], Awaitable[Response]] = thread_routes.create_thread
    read: Callable[["Seams", Request, str], Awaitable[Response]] = thread_routes.read_thread
    change: Callable[["Seams", Request, str], Awaitable[Response]] = thread_routes.change_thread
    archive: Callable[["Seams", Request, str], Awaitable[Response]] = thread_routes.archive_thread
    auto_rename: Callable[["Seams", Request, str], Awaitable[Response]] = thread_routes.auto_rename_thread
    list_messages: Callable[["Seams", Request, str], Awaitable[Response]] = thread_routes.list_messages
    read_draft: Callable[[Request], Awaitable[Draft]] = read_draft
    access: Callable[[Row | None], Row] = field(default=refuse_foreign)
    arrange_messages: Callable[[list[Row]], list[Row]] = field(default=lambda messages: messages)
    publish: Callable[[dict[str, Any]], dict[str, Any]] = field(default=lambda document: document)
    operations: Mapping[str, Operation] = field(default_factory=lambda: dict(OPERATIONS))
    cross_origin: Callable[[ASGIApp], ASGIApp] = field(default=allow_frontend)
    cache_control: Callable[[str], str] = field(default=keep_private)
    as_get: Callable[[Scope], Scope] = as_get
