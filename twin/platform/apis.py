"""The Google APIs: `entries:list`, the Cloud Run Admin API v2, and Cloud Monitoring's time series."""

import base64
import json
import time
from collections import deque
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from twin.platform.query import QueryError, parse
from twin.platform.state import Entry, Platform, Revision, Service

DEFAULT_PAGE, MOST_PAGE = 50, 1000
MINUTE_S = 60.0
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
            405: "METHOD_NOT_ALLOWED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}  # fmt: skip


def error(code: int, message: str) -> Response:
    """An error as Google's APIs answer it."""
    return JSONResponse({"error": {"code": code, "message": message, "status": STATUSES[code]}}, code)


def create_app(platform: Platform) -> FastAPI:
    """All three APIs on one port."""
    app = FastAPI(openapi_url=None)
    reads: deque[float] = deque()
    pages = 0

    @app.post("/v2/entries:list")
    async def list_entries(request: Request) -> Response:
        nonlocal pages
        refused = platform.refuse_api()
        if refused:
            return error(*refused)
        now = time.monotonic()
        while reads and reads[0] < now - MINUTE_S:
            reads.popleft()
        if len(reads) >= platform.read_quota_per_minute:
            return error(429, "Quota exceeded for quota metric 'Read requests' of service 'logging.googleapis.com'.")
        reads.append(now)
        pages += 1
        if platform.empty_page_every and pages % platform.empty_page_every == 0:
            body = await request.json()
            return JSONResponse({"nextPageToken": body.get("pageToken") or _token(0)})
        return _entries(platform, await request.json())

    @app.get("/v2/projects/{project}/locations/{region}/services/{name}")
    async def service(project: str, region: str, name: str) -> Response:
        found = _service(platform, project, region, name)
        if found is None:
            return error(404, f"Resource '{name}' of kind 'SERVICE' in region '{region}' does not exist.")
        return JSONResponse(platform.describe(platform, found, _describe(platform, found)))

    @app.get("/v2/projects/{project}/locations/{region}/services/{name}/revisions")
    async def revisions(project: str, region: str, name: str) -> Response:
        found = _service(platform, project, region, name)
        if found is None:
            return error(404, f"Resource '{name}' of kind 'SERVICE' in region '{region}' does not exist.")
        told = [_revision(platform, found, one) for one in found.revisions.values()]
        return JSONResponse(platform.describe(platform, found, {"revisions": told}))

    @app.get("/v3/projects/{project}/timeSeries")
    async def time_series(request: Request, project: str) -> Response:
        if project != platform.project:
            return error(403, f"Permission monitoring.timeSeries.list denied on project '{project}'.")
        return JSONResponse({"timeSeries": _series(platform, request.query_params.get("filter", ""))})

    return app


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def _entries(platform: Platform, body: dict[str, Any]) -> Response:
    size = body.get("pageSize") or DEFAULT_PAGE
    if not 0 < size <= MOST_PAGE:
        return error(400, f"page_size must be between 1 and {MOST_PAGE}")
    if f"projects/{platform.project}" not in body.get("resourceNames", []):
        return error(403, "The caller does not have permission")
    try:
        test = parse(body.get("filter", ""))
        kept = [entry for entry in platform.visible() if test(entry)]
        token = body.get("pageToken")
        offset = json.loads(base64.urlsafe_b64decode(token))["offset"] if token else 0
    except (QueryError, ValueError, KeyError) as problem:
        return error(400, f"{problem}")
    kept.sort(key=lambda entry: entry["timestamp"], reverse="desc" in body.get("orderBy", ""))
    left = kept[offset:]
    size, more = platform.page(size, len(left))
    answer: dict[str, Any] = {"entries": left[:size]} if left[:size] else {}
    if more:
        answer["nextPageToken"] = _token(offset + size)
    return JSONResponse(answer)


def _service(platform: Platform, project: str, region: str, name: str) -> Service | None:
    return platform.services.get(name) if (project, region) == (platform.project, platform.region) else None


def _full_name(platform: Platform, service: Service, revision: str = "") -> str:
    name = f"projects/{platform.project}/locations/{platform.region}/services/{service.name}"
    return f"{name}/revisions/{revision}" if revision else name


def _condition(kind: str, *, good: bool) -> Entry:
    return {"type": kind, "state": "CONDITION_SUCCEEDED" if good else "CONDITION_FAILED"}


def _env(revision: Revision) -> list[Entry]:
    secret = {"DATABASE_URL", "SERVICE_KEY", "REDIS_URL"}
    return [
        {"name": name, "valueSource": {"secretKeyRef": {"secret": name.lower(), "version": "latest"}}}
        if name in secret and value
        else {"name": name, "value": value}
        for name, value in revision.env.items()
    ]


def _describe(platform: Platform, service: Service) -> Entry:
    latest = service.revisions[service.latest]
    ready = max((one for one in service.revisions.values() if one.ready), key=lambda one: one.created)
    return {
        "name": _full_name(platform, service),
        "uid": f"uid-{service.name}",
        "generation": "94",
        "observedGeneration": "94",
        "createTime": min(one.created for one in service.revisions.values()),
        "updateTime": latest.created,
        "uri": f"http://127.0.0.1:{service.edge_port}",
        "ingress": "INGRESS_TRAFFIC_ALL",
        "latestReadyRevision": _full_name(platform, service, ready.name),
        "latestCreatedRevision": _full_name(platform, service, latest.name),
        "template": {
            "timeout": f"{service.request_timeout_s:g}s",
            "containers": [{"image": latest.image, "env": _env(latest)}],
        },
        "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}],
        "trafficStatuses": [
            {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": name, "percent": percent}
            for name, percent in service.traffic.items()
        ],
        "terminalCondition": _condition("Ready", good=service.ready and latest.ready),
        "conditions": [_condition("RoutesReady", good=True), _condition("ConfigurationsReady", good=latest.ready)],
        "reconciling": False,
    }


def _revision(platform: Platform, service: Service, revision: Revision) -> Entry:
    return {
        "name": _full_name(platform, service, revision.name),
        "createTime": revision.created,
        "service": service.name,
        "timeout": f"{service.request_timeout_s:g}s",
        "containers": [{"image": revision.image, "env": _env(revision)}],
        "conditions": [_condition("Ready", good=revision.ready)],
    }


def _series(platform: Platform, text: str) -> list[Entry]:
    """Points a minute by response code and revision, of requests that reached the container."""
    series: dict[tuple[str, str, int], list[Entry]] = {}
    for (service, revision, code, minute), count in sorted(platform.counts.items()):
        if service in text and revision in text:
            start = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(minute * 60))
            point = {"interval": {"startTime": start, "endTime": start}, "value": {"int64Value": str(count)}}
            series.setdefault((service, revision, code), []).append(point)
    return [
        {
            "metric": {
                "type": "run.googleapis.com/request_count",
                "labels": {"response_code": str(code), "response_code_class": f"{code // 100}xx"},
            },
            "resource": {
                "type": "cloud_run_revision",
                "labels": {
                    "service_name": service, "revision_name": revision,
                    "project_id": platform.project, "location": platform.region,
                },
            },
            "metricKind": "DELTA",
            "valueType": "INT64",
            "points": points,
        }
        for (service, revision, code), points in series.items()
    ]  # fmt: skip
