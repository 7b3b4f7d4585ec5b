"""The service as Cloud Run describes it (Admin API v2) and counts it (request_count). GET only here."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from probes.errors import UNREADABLE, SourceRefused
from probes.foreign.excerpt import excerpt
from probes.google.google_api import GoogleApi
from probes.timing.window import Window, parse_time

READY = "CONDITION_SUCCEEDED"
MOST_PAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of a service. Variables by name only."""

    name: str
    created: datetime
    image: str
    ready: bool
    why: str = ""  # the platform's own words if it is not ready
    request_timeout_s: float = 0.0
    variables: frozenset[str] = frozenset()
    empty_variables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a tag points to: a revision, at a URL of its own."""

    revision: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
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
    under_test: str = ""  # the latest created revision, or the one that `judging` names
    tags: Mapping[str, Tagged] = field(default_factory=dict)
    url: str = ""  # the service's own, without a tag
    changed: datetime | None = None  # when anything about it was last changed, its traffic included

    @property
    def current(self) -> Revision | None:
        """The revision under test, in full."""
        return self.revision(self.under_test)

    @property
    def previous_ready(self) -> str:
        """The newest ready revision other than the one under test; empty if there is none."""
        older = [revision.name for revision in self.revisions if revision.ready and revision.name != self.under_test]
        return older[0] if older else ""

    @property
    def serving(self) -> str:
        """The revision with most of the traffic, of those that are not under test; empty if there is none."""
        others = {name: percent for name, percent in self.traffic.items() if name != self.under_test}
        return max(others, key=lambda name: others[name], default="")

    def revision(self, name: str) -> Revision | None:
        """One of its revisions, in full."""
        return next((revision for revision in self.revisions if revision.name == name), None)

    def judging(self, revision: Revision) -> "ServiceDescription":
        """The same service with that revision under test, whether it is the latest one or not."""
        return replace(
            self,
            under_test=revision.name,
            image=revision.image,
            request_timeout_s=revision.request_timeout_s,
            variables=revision.variables,
            empty_variables=revision.empty_variables,
        )


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
        """Describe a service. Raises SourceRefused if the API does not let us, or says nothing about it."""
        base = f"/v2/projects/{self._project}/locations/{self._region}/services/{service}"
        raw = await self._get(self._run, base)
        listed = await self._pages(self._run, f"{base}/revisions", {"pageSize": "100"}, "revisions")
        try:
            revisions = sorted(map(_revision, listed), key=lambda one: one.created, reverse=True)
            return _description(service, raw, tuple(revisions))
        except UNREADABLE as error:
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
        except UNREADABLE as error:
            raise SourceRefused(f"GET {path}", f"not a time series: {type(error).__name__}: {error}") from error
        return RequestCounts(codes, ends)

    async def _pages(self, api: GoogleApi, path: str, query: Mapping[str, str], key: str) -> list[Any]:
        found: list[Any] = []
        token, before = "", set[str]()
        for _ in range(MOST_PAGES):
            page = await self._get(api, path, {**query, **({"pageToken": token} if token else {})})
            listed = page.get(key) or []
            if not isinstance(listed, list):
                raise SourceRefused(f"GET {path}", f"{key} is not a list: {excerpt(str(listed), 160)!r}")
            found += listed
            token = str(page.get("nextPageToken") or "")
            if not token:
                return found
            if token in before:
                raise SourceRefused(f"GET {path}", "a page names a next page that was read before: it goes in a circle")
            before.add(token)
        raise SourceRefused(f"GET {path}", f"not at its end after {MOST_PAGES} pages")

    async def _get(self, api: GoogleApi, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await api.ask(f"GET {path}", "GET", f"{path}?{urlencode(query)}" if query else path)


def _description(service: str, raw: Mapping[str, Any], revisions: tuple[Revision, ...]) -> ServiceDescription:
    template = raw["template"]
    container = template["containers"][0]
    traffic: Counter[str] = Counter()
    tags: dict[str, Tagged] = {}
    latest, created = _short(raw.get("latestReadyRevision", "")), _short(raw.get("latestCreatedRevision", ""))
    for part in raw.get("trafficStatuses", []):
        name = _short(part.get("revision", "")) or latest
        traffic[name] += int(part.get("percent", 0))
        if part.get("tag"):
            tags[str(part["tag"])] = Tagged(name, str(part.get("uri", "")))
    return ServiceDescription(
        service=service,
        latest_ready=latest,
        latest_created=created,
        ready=raw.get("terminalCondition", {}).get("state") == READY,
        traffic={name: percent for name, percent in traffic.items() if percent},
        request_timeout_s=_timeout(template),
        variables=_variables(container),
        empty_variables=_empty(container),
        revisions=revisions,
        image=str(container.get("image", "")),
        under_test=created,
        tags=tags,
        url=str(raw.get("uri", "")),
        changed=parse_time(raw["updateTime"]) if raw.get("updateTime") else None,
    )


def _variables(container: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(one["name"] for one in container.get("env", []))


def _empty(container: Mapping[str, Any]) -> frozenset[str]:
    env = container.get("env", [])
    return frozenset(one["name"] for one in env if not one.get("value") and not one.get("valueSource"))


def _timeout(described: Mapping[str, Any]) -> float:
    return float(str(described.get("timeout", "300s")).removesuffix("s"))  # Cloud Run's own default


def _revision(raw: Mapping[str, Any]) -> Revision:
    ready: Mapping[str, Any] = next((one for one in raw.get("conditions", []) if one.get("type") == "Ready"), {})
    container = (raw.get("containers") or [{}])[0]
    return Revision(
        name=_short(raw["name"]),
        created=parse_time(raw["createTime"]),
        image=str(container.get("image", "")),
        ready=ready.get("state") == READY,
        why=" ".join(str(ready[key]) for key in ("state", "reason", "revisionReason", "message") if ready.get(key)),
        request_timeout_s=_timeout(raw),
        variables=_variables(container),
        empty_variables=_empty(container),
    )


def _short(name: str) -> str:
    return name.rpartition("/")[2]
