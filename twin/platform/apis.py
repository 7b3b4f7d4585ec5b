"""The Google APIs on one port: `entries:list`, the Cloud Run Admin API v2, Cloud Monitoring's time series."""

import base64
import hashlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from twin.platform.admin import describe_revision, describe_service
from twin.platform.monitoring import Unimplemented, list_time_series
from twin.platform.query import QueryError, nanoseconds, parse
from twin.platform.state import Platform, Service
from twin.platform.traffic import change_traffic, operation

DEFAULT_PAGE, MOST_PAGE = 50, 1000
MOST_LISTINGS = 32  # of which pages are left to be asked for: several runs, each of which reads several spans at once
MINUTE_S = 60.0
SERVICE = "/v2/projects/{project}/locations/{region}/services/{name}"
PAGING = frozenset({"pageSize", "pageToken"})
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


def error(code: int, message: str) -> Response:
    """An error as Google's APIs answer it."""
    status = STATUSES.get(code, "UNKNOWN")
    return JSONResponse({"error": {"code": code, "message": message, "status": status}}, code)


def create_app(platform: Platform) -> FastAPI:
    """All three APIs on one port."""
    apis = Apis(platform)
    app = FastAPI(openapi_url=None)
    for kind in (HTTPException, QueryError, Unimplemented):
        app.add_exception_handler(kind, on_problem)
    for method, path, handler in apis.routes:
        app.add_api_route(path, handler, methods=[method])
    return app


async def on_problem(_request: Request, problem: Exception) -> Response:
    """What a handler raised, as Google's APIs answer it."""
    if isinstance(problem, HTTPException):
        return error(problem.status_code, str(problem.detail))
    return error(501 if isinstance(problem, Unimplemented) else 400, str(problem))


@dataclass(slots=True)
class Apis:
    """The handlers of the three APIs over one platform."""

    platform: Platform
    reads: deque[float] = field(default_factory=deque)  # when each `entries:list` of the last minute came
    pages: int = 0

    @property
    def routes(self) -> tuple[tuple[str, str, Callable[..., Awaitable[Response]]], ...]:
        """Method, path and handler of each."""
        return (
            ("POST", "/v2/entries:list", self.list_entries),
            ("GET", SERVICE, self.read_service),
            ("PATCH", SERVICE, self.change_service),
            ("GET", f"{SERVICE}/revisions", self.list_revisions),
            ("GET", "/v3/projects/{project}/timeSeries", self.list_time_series),
        )

    async def list_entries(self, request: Request) -> Response:
        """A page of the log, unless the caller is refused or the minute's quota is used up."""
        refused = self.platform.refuse_api()
        if refused:
            return error(*refused)
        now = time.monotonic()
        if not self._within_quota(now):
            return error(429, "Quota exceeded for quota metric 'Read requests' of service 'logging.googleapis.com'.")
        self.pages += 1
        body = await _body(request)
        if self.platform.empty_page_every and self.pages % self.platform.empty_page_every == 0:
            return JSONResponse({"nextPageToken": body.get("pageToken") or _token(_entries_query(body), 0, now)})
        return _entries(self.platform, body, now)

    def _within_quota(self, now: float) -> bool:
        """Whether this read is within the quota; it is counted if so."""
        while self.reads and self.reads[0] < now - MINUTE_S:
            self.reads.popleft()
        if len(self.reads) >= self.platform.read_quota_per_minute:
            return False
        self.reads.append(now)
        return True

    async def read_service(self, project: str, region: str, name: str) -> Response:
        """The service with its traffic."""
        service = _service(self.platform, project, region, name)
        return JSONResponse(self.platform.describe(self.platform, service, describe_service(self.platform, service)))

    async def change_service(self, request: Request, project: str, region: str, name: str) -> Response:
        """Change the service's traffic; the answer is an operation that is done."""
        service = _service(self.platform, project, region, name)
        if request.query_params.get("updateMask") != "traffic":
            raise HTTPException(405, "Of a service, the traffic alone can be changed here: updateMask=traffic.")
        await change_traffic(service, await _body(request))
        described = describe_service(self.platform, service)
        return JSONResponse(operation(described, self.platform.describe(self.platform, service, described)))

    async def list_revisions(self, request: Request, project: str, region: str, name: str) -> Response:
        """A page of the service's revisions, newest first."""
        service = _service(self.platform, project, region, name)
        newest = sorted(service.revisions.values(), key=lambda it: nanoseconds(it.created), reverse=True)
        described = {"revisions": [describe_revision(self.platform, service, revision) for revision in newest]}
        whole = self.platform.describe(self.platform, service, described)["revisions"]
        return JSONResponse(_page_of("revisions", whole, request.query_params, self.platform.most_listed))

    async def list_time_series(self, request: Request, project: str) -> Response:
        """A page of time series."""
        if project != self.platform.project:
            return error(403, f"Permission monitoring.timeSeries.list denied on project '{project}'.")
        whole = list_time_series(self.platform, request.query_params)
        return JSONResponse(_page_of("timeSeries", whole, request.query_params, self.platform.most_listed))


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as problem:
        raise QueryError(f"Invalid JSON payload received: {problem}") from problem
    if not isinstance(body, dict):
        raise QueryError("Invalid JSON payload received: not an object")
    return body


def _token(query: str, offset: int, at: float) -> str:
    """A page token: which query, how far, and the moment that the first page showed, so that pages don't shift."""
    return base64.urlsafe_b64encode(json.dumps([_digest(query), offset, at]).encode()).decode()


def _read_token(token: object, query: str) -> tuple[int, float]:
    try:
        digest, offset, at = json.loads(base64.urlsafe_b64decode(str(token)))
        position = int(offset), float(at)
    except (ValueError, TypeError) as problem:
        raise QueryError(f"page_token is invalid: {token!r}") from problem
    if digest != _digest(query):
        raise QueryError("page_token doesn't match arguments from the request")
    return position


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:16]


def _entries_query(body: Mapping[str, Any]) -> str:
    return json.dumps([body.get("resourceNames"), body.get("filter", ""), body.get("orderBy", "")])


def _entries(platform: Platform, body: Mapping[str, Any], now: float) -> Response:
    size = body.get("pageSize") or DEFAULT_PAGE
    if not isinstance(size, int) or not 0 < size <= MOST_PAGE:
        return error(400, f"page_size must be between 1 and {MOST_PAGE}")
    if f"projects/{platform.project}" not in body.get("resourceNames", []):
        return error(403, "The caller does not have permission")
    order = body.get("orderBy") or "timestamp asc"
    if order not in {"timestamp", "timestamp asc", "timestamp desc"}:
        return error(400, f"order_by can't be {order!r}: timestamp asc, or timestamp desc")
    wanted, query, token = parse(body.get("filter", "")), _entries_query(body), body.get("pageToken")
    offset, at = _read_token(token, query) if token else (0, now)
    kept = platform.listings.pop((query, at), None)
    if kept is None:
        kept = [one for one in platform.visible(at, wanted.since, wanted.until) if wanted.test(one)]
        # Equal time stamps come in the order of their insert ids, as the API documents.
        backwards = order.endswith("desc")
        kept.sort(key=lambda entry: (nanoseconds(entry["timestamp"]), entry["insertId"]), reverse=backwards)
    left = kept[offset:]
    size, more = platform.page(size, len(left))
    answer: dict[str, Any] = {"entries": left[:size]} if left[:size] else {}
    if more:
        platform.listings[query, at] = kept
        if len(platform.listings) > MOST_LISTINGS:
            del platform.listings[next(iter(platform.listings))]
        answer["nextPageToken"] = _token(query, offset + size, at)
    return JSONResponse(answer)


def _page_of(key: str, whole: list[Any], asked: Mapping[str, str], most: int) -> dict[str, Any]:
    """A page of a list by `pageSize`, `pageToken` and our own most; an empty list is left out, as proto JSON does."""
    size, token = asked.get("pageSize", ""), asked.get("pageToken", "")
    query = json.dumps([key, *(f"{name}={value}" for name, value in asked.items() if name not in PAGING)])
    if size and not size.isdecimal():
        raise QueryError(f"page_size must be a number, got {size!r}")
    offset = _read_token(token, query)[0] if token else 0
    limits = [limit for limit in (int(size or 0), most) if limit]
    page = whole[offset:][: min(limits, default=None)]
    answer: dict[str, Any] = {key: page} if page else {}
    if offset + len(page) < len(whole):
        answer["nextPageToken"] = _token(query, offset + len(page), 0)
    return answer


def _service(platform: Platform, project: str, region: str, name: str) -> Service:
    found = platform.services.get(name)
    if found is None or (project, region) != (platform.project, platform.region):
        raise HTTPException(404, f"Resource '{name}' of kind 'SERVICE' in region '{region}' does not exist.")
    return found
