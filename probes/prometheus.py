"""What a Prometheus server has seen of a job: whether its scrapes are answered, and what the service counted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from probes.errors import UNREADABLE, BadAnswer, ProbeError, SourceRefused
from probes.foreign.excerpt import excerpt
from probes.google.google_api import Authorize
from probes.http.client import Answer, HttpClient

REFUSED = frozenset({401, 403})
LONGEST_WINDOW_S, SHORTEST_WINDOW_S = 24 * 3600.0, 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' value at the moment of the query, by the server's clock."""

    labels: Mapping[str, str]
    value: float
    at: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Counted:
    """Answers of one kind that the service counted in a window."""

    route: str
    status: str
    count: float


@dataclass(frozen=True, slots=True)
class Series:
    """Which series are the service's: the scrape job, the counter of requests, and its labels."""

    job: str
    counter: str
    status_label: str
    route_label: str

    @property
    def up(self) -> str:
        """The selector of the job's scrapes."""
        return f"up{{job={_text(self.job)}}}"

    def requests(self, *matchers: str) -> str:
        """The selector of the counter."""
        return f"{self.counter}{{{','.join((f'job={_text(self.job)}', *matchers))}}}"


class Prometheus:
    """Reads one server. GET only."""

    def __init__(self, client: HttpClient, series: Series, authorize: Authorize) -> None:
        self._client = client
        self._series = series
        self._authorize = authorize

    async def scrapes(self) -> list[Sample]:
        """Whether the last scrape of each instance was answered (1) or not (0). Raises SourceRefused."""
        return await self.query(self._series.up)

    async def last_scrape(self) -> float:
        """When the instance that was scraped longest ago was scraped, by the server's clock. Raises SourceRefused."""
        return await self._number(f"min(timestamp({self._series.up}))")

    async def now(self) -> float:
        """The server's clock. Raises SourceRefused."""
        return await self._number("time()")

    async def requests(self) -> float:
        """Every request that the service counted, as of the last scrapes. Raises SourceRefused."""
        return await self._number(f"sum({self._series.requests()})")

    async def requests_within(self, window_s: float) -> float:
        """Requests that the service counted in a window that ends now. Raises SourceRefused."""
        return sum(counted.count for counted in await self._counted(window_s))

    async def server_errors_within(self, window_s: float) -> list[Counted]:
        """The 5xx that the service counted in a window that ends now, most first. Raises SourceRefused."""
        errors = await self._counted(window_s, f'{self._series.status_label}=~"5.."')
        return sorted((error for error in errors if round(error.count)), key=lambda error: -error.count)

    async def _counted(self, window_s: float, *matchers: str) -> list[Counted]:
        """By route and status. A series born within the window counts whole: `increase` sees no step at a birth."""
        selector = self._series.requests(*matchers)
        window = f"{int(min(max(window_s, SHORTEST_WINDOW_S), LONGEST_WINDOW_S))}s"
        route, status = self._series.route_label, self._series.status_label
        born = f"(max_over_time({selector}[{window}]) unless {selector} offset {window})"
        samples = await self.query(f"sum by ({route}, {status}) ({born} or increase({selector}[{window}]))")
        return [
            Counted(sample.labels.get(route, ""), sample.labels.get(status, ""), sample.value) for sample in samples
        ]

    async def _number(self, expression: str) -> float:
        """The one value of an expression; 0 if nothing matches it."""
        return next((sample.value for sample in await self.query(expression)), 0.0)

    async def query(self, expression: str) -> list[Sample]:
        """Make an instant query. Raises SourceRefused: no access, not a Prometheus, or not an answer to this query."""
        said = "GET /api/v1/query of Prometheus"
        token = await self._authorize()
        try:
            answer = await self._client.send(
                "GET", f"/api/v1/query?query={quote(expression, safe='')}", token=token or None
            )
        except ProbeError as error:
            raise SourceRefused(said, error.detail) from error
        if answer.status in REFUSED:
            raise SourceRefused(said, f"status {answer.status}: no access; see [prometheus] of the target")
        return _samples(said, expression, answer)


def _samples(said: str, expression: str, answer: Answer) -> list[Sample]:
    try:
        body = answer.json_object()
        if body["status"] == "error":
            raise SourceRefused(said, f"status {answer.status}: {body['error']} (in {expression})")
        data = body["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]), float(data["result"][0]))]
        return [Sample(dict(one["metric"]), float(one["value"][1]), float(one["value"][0])) for one in data["result"]]
    except (BadAnswer, *UNREADABLE) as error:
        raise SourceRefused(
            said,
            f"status {answer.status}, not a Prometheus: {excerpt(answer.text, 160)!r}; see [prometheus] url",
        ) from error


def _text(value: str) -> str:
    """A string literal of PromQL."""
    return json.dumps(value, ensure_ascii=False)
