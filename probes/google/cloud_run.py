"""The service as Cloud Run describes it (Admin API v2) and counts it (request_count). GET only, ever."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from probes.errors import SourceRefused
from probes.google.api import GoogleApi
from probes.window import Window, parse_time

READY = "CONDITION_SUCCEEDED"
MOST_PAGES = 200


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


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests the platform counted, by status code, and by the end of the minute in which they ended."""

    codes: Counter[int]
    ends: Counter[datetime]


class CloudRun:
    """Reads service descriptions and request counts of one project and region."""

    def __init__(self, run: GoogleApi, monitoring: GoogleApi, project: str, region: str) -> None:
        self._run = run
        self._monitoring = monitoring
        self._project = project
        self._region = region

    async def describe(self, service: str) -> ServiceDescription:
        """Describe a service. Raises SourceRefused when the API does not let us, or says nothing of it."""
        base = f"/v2/projects/{self._project}/locations/{self._region}/services/{service}"
        raw = await self._get(self._run, base)
        listed = await self._pages(self._run, f"{base}/revisions", {"pageSize": "100"}, "revisions")
        try:
            revisions = sorted(map(_revision, listed), key=lambda one: one.created, reverse=True)
            return _description(service, raw, tuple(revisions))
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise SourceRefused(f"GET {base}", f"not a service description: {type(error).__name__}: {error}") from error

    async def request_counts(self, service: str, revision: str, window: Window) -> RequestCounts:
        """Requests of a revision by status code, as the platform counted them. Raises SourceRefused."""
        path = f"/v3/projects/{self._project}/timeSeries"
        query = {
            "filter": 'metric.type="run.googleapis.com/request_count"'
            f' AND resource.labels.service_name="{service}" AND resource.labels.revision_name="{revision}"',
            "interval.startTime": window.start.isoformat(),
            "interval.endTime": window.end.isoformat(),
        }
        listed = await self._pages(self._monitoring, path, query, "timeSeries")
        codes: Counter[int] = Counter()
        ends: Counter[datetime] = Counter()
        try:
            for series in listed:
                code = int(series["metric"]["labels"]["response_code"])
                for point in series.get("points", []):
                    count = int(point["value"]["int64Value"])
                    codes[code] += count
                    ends[parse_time(point["interval"]["endTime"])] += count
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise SourceRefused(f"GET {path}", f"not a time series: {type(error).__name__}: {error}") from error
        return RequestCounts(codes, ends)

    async def _pages(self, api: GoogleApi, path: str, query: Mapping[str, str], key: str) -> list[Any]:
        found: list[Any] = []
        token = ""
        for _ in range(MOST_PAGES):
            page = await self._get(api, path, {**query, **({"pageToken": token} if token else {})})
            found += page.get(key, [])
            token = page.get("nextPageToken", "")
            if not token:
                return found
        raise SourceRefused(f"GET {path}", f"not at its end after {MOST_PAGES} pages")

    async def _get(self, api: GoogleApi, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await api.ask(f"GET {path}", "GET", f"{path}?{urlencode(query)}" if query else path)


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
