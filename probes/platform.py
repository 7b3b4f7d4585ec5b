"""The service as Cloud Run describes it (Admin API v2) and counts it (request_count). GET only, ever."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from probes.cloud_logging import refusal
from probes.errors import ProbeError, SourceRefused
from probes.http import HttpClient
from probes.logs import Window, parse_time

OK = 200
MOST_PAGES = 200
READY = "CONDITION_SUCCEEDED"
Authorize = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a service."""

    name: str
    created: datetime
    image: str
    ready: bool


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """A service as the platform describes it. Variables by name only: values are never kept."""

    service: str
    latest_ready: str
    latest_created: str
    ready: bool
    traffic: Mapping[str, int]  # revision -> percent, as it is in force
    request_timeout_s: float
    variables: frozenset[str]
    empty_variables: frozenset[str]
    revisions: tuple[Revision, ...]  # newest first
    image: str

    @property
    def current(self) -> Revision | None:
        """The latest created revision, in full."""
        return next((one for one in self.revisions if one.name == self.latest_created), None)

    @property
    def previous_ready(self) -> str:
        """The newest ready revision before the latest created one; empty where there is none."""
        older = [one.name for one in self.revisions if one.ready and one.name != self.latest_created]
        return older[0] if older else ""


class CloudRun:
    """Reads service descriptions and request counts of one project and region."""

    def __init__(
        self, run: HttpClient, monitoring: HttpClient, project: str, region: str, authorize: Authorize
    ) -> None:
        self._run = run
        self._monitoring = monitoring
        self._project = project
        self._region = region
        self._authorize = authorize

    async def describe(self, service: str) -> ServiceDescription:
        """Describe a service. Raises SourceRefused when the API does not let us, or says nothing of it."""
        base = f"/v2/projects/{self._project}/locations/{self._region}/services/{service}"
        raw = await self._get(self._run, base)
        revisions = [_revision(one) for one in await self._list(self._run, f"{base}/revisions", "revisions")]
        revisions.sort(key=lambda one: one.created, reverse=True)
        try:
            return _description(service, raw, tuple(revisions))
        except (KeyError, ValueError, TypeError) as error:
            raise SourceRefused(f"GET {base}", f"not a service description: {type(error).__name__}: {error}") from error

    async def request_counts(self, service: str, revision: str, window: Window) -> Counter[int]:
        """Requests of a revision by status code, as the platform counted them. Raises SourceRefused."""
        query = {
            "filter": 'metric.type="run.googleapis.com/request_count"'
            f' AND resource.labels.service_name="{service}" AND resource.labels.revision_name="{revision}"',
            "interval.startTime": window.start.isoformat(),
            "interval.endTime": window.end.isoformat(),
        }
        text = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
        path = f"/v3/projects/{self._project}/timeSeries?{text}"
        counts: Counter[int] = Counter()
        for series in await self._list(self._monitoring, path, "timeSeries"):
            code = int(series["metric"]["labels"]["response_code"])
            counts[code] += sum(int(point["value"]["int64Value"]) for point in series.get("points", []))
        return counts

    async def _list(self, client: HttpClient, path: str, key: str) -> list[dict[str, Any]]:
        """Every page of a list, to its end. Raises SourceRefused, also where there is no end."""
        found: list[dict[str, Any]] = []
        token, joint = "", "&" if "?" in path else "?"
        for _ in range(MOST_PAGES):
            page = await self._get(client, f"{path}{joint}pageToken={quote(token, safe='')}" if token else path)
            found += page.get(key, [])
            token = page.get("nextPageToken", "")
            if not token:
                return found
        raise SourceRefused(f"GET {path.partition('?')[0]}", f"not at its end after {MOST_PAGES} pages")

    async def _get(self, client: HttpClient, path: str) -> dict[str, Any]:
        token = await self._authorize()
        said = f"GET {path.partition('?')[0]}"
        try:
            answer = await client.send("GET", path, token=token or None)
        except ProbeError as error:
            raise SourceRefused(said, error.detail) from error
        if answer.status != OK:
            raise SourceRefused(said, refusal(answer))
        try:
            body = json.loads(answer.body)
        except ValueError as error:
            raise SourceRefused(said, f"no JSON: {answer.text[:160]!r}") from error
        if not isinstance(body, dict):
            raise SourceRefused(said, f"not an object: {answer.text[:160]!r}")
        return body


def _description(service: str, raw: Mapping[str, Any], revisions: tuple[Revision, ...]) -> ServiceDescription:
    template = raw["template"]
    container = template["containers"][0]
    env = container.get("env", [])
    traffic: Counter[str] = Counter()
    latest = _short(raw["latestReadyRevision"])
    for part in raw.get("trafficStatuses", []):
        traffic[_short(part.get("revision", "")) or latest] += int(part.get("percent", 0))
    return ServiceDescription(
        service=service,
        latest_ready=latest,
        latest_created=_short(raw["latestCreatedRevision"]),
        ready=raw.get("terminalCondition", {}).get("state") == READY,
        traffic={name: percent for name, percent in traffic.items() if percent},
        request_timeout_s=float(str(template["timeout"]).removesuffix("s")),
        variables=frozenset(one["name"] for one in env),
        empty_variables=frozenset(one["name"] for one in env if not one.get("value") and not one.get("valueSource")),
        revisions=revisions,
        image=str(container.get("image", "")),
    )


def _revision(raw: Mapping[str, Any]) -> Revision:
    states = {one.get("type"): one.get("state") for one in raw.get("conditions", [])}
    containers = raw.get("containers") or [{}]
    return Revision(
        name=_short(raw["name"]),
        created=parse_time(raw["createTime"]),
        image=str(containers[0].get("image", "")),
        ready=states.get("Ready") == READY,
    )


def _short(name: str) -> str:
    return name.rpartition("/")[2]
