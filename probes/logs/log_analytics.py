"""Log Analytics: BigQuery counts what one machine shouldn't pull, by SQL that runs where the log is.

Log Analytics does not deduplicate: an entry that was delivered twice is two rows, so every query takes each
(log, time stamp, insertId) once. The statements keep to what BigQuery and DuckDB read alike; a self-test runs them on
DuckDB over the rows of the oracle.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from probes.errors import UNREADABLE, SourceRefused
from probes.google.google_api import GoogleApi
from probes.identity import PRODUCT
from probes.logs.entries import REQUEST_LOG, LogEntry
from probes.logs.parsing import parse_entry
from probes.timing.window import Window

VIEW = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+")
MOST_ERRORS = 1000
MOST_WAITS, WAIT_MS = 12, 10_000
TIMESTAMP = "TIMESTAMP"
# What each entry counts as: of a service and revision in a window, in the request log, once.
ONCE = """
WITH requests AS (
  SELECT
    insert_id, timestamp, log_name, trace, text_payload,
    CAST(http_request.status AS INT64) AS status,
    http_request.request_method AS method, http_request.request_url AS url, http_request.user_agent AS agent,
    CAST(http_request.latency AS STRING) AS latency
  FROM {view}
  WHERE timestamp >= @start AND timestamp <= @end
    AND ENDS_WITH(log_name, @log)
    AND JSON_VALUE(resource.labels, '$.service_name') = @service
    AND JSON_VALUE(resource.labels, '$.revision_name') = @revision
  QUALIFY ROW_NUMBER() OVER (PARTITION BY log_name, timestamp, insert_id ORDER BY receive_timestamp) = 1
)
"""
COUNTS = (
    ONCE
    + """
SELECT
  TIMESTAMP_TRUNC(timestamp, HOUR) AS hour,
  COUNT(*) AS requests,
  COUNTIF(agent IS NULL OR NOT STARTS_WITH(agent, @ours)) AS others,
  COUNTIF(status BETWEEN 500 AND 599) AS errors
FROM requests GROUP BY hour ORDER BY hour
"""
)
ERRORS = (
    ONCE
    + """
SELECT insert_id, timestamp, log_name, trace, text_payload, status, method, url, agent, latency
FROM requests WHERE status BETWEEN 500 AND 599 ORDER BY timestamp, insert_id LIMIT {most}
"""
)
TRACED = ONCE + "\nSELECT COUNT(*) AS found FROM requests WHERE trace = @trace\n"


@dataclass(frozen=True, slots=True)
class HourOfRequests:
    """One hour of a revision: its requests, how many of them are other people's, and its 5xx."""

    hour: datetime
    requests: int
    others: int
    errors: int


class LogAnalytics:
    """Asks one view of one project."""

    def __init__(self, api: GoogleApi, project: str, view: str) -> None:
        if not VIEW.fullmatch(view):
            raise SourceRefused("Log Analytics", f"{view!r} is not a view: write project.location.bucket.view")
        self.name = f"Log Analytics, {view}"
        self._api = api
        self._project = project
        self._view = view

    async def count(self, service: str, revision: str, window: Window) -> list[HourOfRequests]:
        """Requests and 5xx by hour, each entry once. Raises SourceRefused."""
        rows = await self._query(COUNTS, service, revision, window)
        with self._readable():
            return [
                HourOfRequests(_moment(row["hour"]), int(row["requests"]), int(row["others"]), int(row["errors"]))
                for row in rows
            ]

    async def errors(self, service: str, revision: str, window: Window) -> tuple[list[LogEntry], bool]:
        """The 5xx themselves, oldest first, and whether these are all. Raises SourceRefused."""
        rows = await self._query(ERRORS, service, revision, window)
        with self._readable():
            return [_entry(row, service, revision) for row in rows], len(rows) < MOST_ERRORS

    async def holds(self, trace: str, service: str, revision: str, window: Window) -> bool:
        """Whether a request of this trace (its full name) is in the view. Raises SourceRefused."""
        rows = await self._query(TRACED, service, revision, window, trace)
        with self._readable():
            return bool(rows) and int(rows[0]["found"]) > 0

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Raise SourceRefused for rows and jobs of another kind than BigQuery documents."""
        try:
            yield
        except UNREADABLE as error:
            raise SourceRefused(self.name, f"not an answer of BigQuery: {type(error).__name__}: {error}") from error

    async def _query(
        self, sql: str, service: str, revision: str, window: Window, trace: str = ""
    ) -> list[dict[str, Any]]:
        """Every row of a query's result, over all of its pages. Raises SourceRefused."""
        statement = sql.format(view=f"`{self._view}`", most=MOST_ERRORS)
        base = f"/bigquery/v2/projects/{self._project}/queries"
        body = _query_body(statement, parameters(service, revision, window, trace))
        answer = await self._api.ask(self.name, "POST", base, body)
        rows: list[dict[str, Any]] = []
        for waited in range(MOST_WAITS):
            with self._readable():
                rows += _rows(answer, self.name)
                job, token = dict(answer.get("jobReference") or {}), str(answer.get("pageToken") or "")
            if answer.get("jobComplete") and not token:
                return rows
            if not answer.get("jobComplete"):
                await asyncio.sleep(min(0.05 * 2**waited, 2.0))  # BigQuery itself holds the request for `timeoutMs`
            path = f"{base}/{job.get('jobId', '')}?timeoutMs={WAIT_MS}&location={job.get('location', '')}"
            answer = await self._api.ask(self.name, "GET", f"{path}&pageToken={token}" if token else path)
        raise SourceRefused(self.name, f"not finished after {MOST_WAITS} answers")


def _query_body(statement: str, values: Mapping[str, str | datetime]) -> dict[str, Any]:
    """What BigQuery is sent: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query."""
    return {
        "query": statement,
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "timeoutMs": WAIT_MS,
        "queryParameters": [
            {
                "name": name,
                "parameterType": {"type": TIMESTAMP if isinstance(value, datetime) else "STRING"},
                "parameterValue": {"value": value.isoformat() if isinstance(value, datetime) else value},
            }
            for name, value in values.items()
        ],
    }


def parameters(service: str, revision: str, window: Window, trace: str = "") -> Mapping[str, str | datetime]:
    """The statements' parameters."""
    return {
        "start": window.start.astimezone(UTC),
        "end": window.end.astimezone(UTC),
        "log": REQUEST_LOG,
        "service": service,
        "revision": revision,
        "ours": f"{PRODUCT}/",
        "trace": trace,
    }


def _rows(answer: Mapping[str, Any], said: str) -> Sequence[dict[str, Any]]:
    """Rows by the schema's names. Raises SourceRefused for a query that failed."""
    if answer.get("errors"):
        raise SourceRefused(said, f"{answer['errors'][0].get('message', answer['errors'])}")
    names = [field["name"] for field in (answer.get("schema") or {}).get("fields", [])]
    rows = answer.get("rows", [])
    return [{name: cell.get("v") for name, cell in zip(names, row["f"], strict=True)} for row in rows]


def _moment(value: object) -> datetime:
    """BigQuery's REST API gives time stamps as seconds, written like 1.7639424E9."""
    return datetime.fromtimestamp(float(str(value)), UTC)


def _entry(row: Mapping[str, Any], service: str, revision: str) -> LogEntry:
    moment = _moment(row["timestamp"]).isoformat().replace("+00:00", "Z")
    request = {
        "status": row["status"],
        "requestMethod": row["method"] or "",
        "requestUrl": row["url"] or "",
        "userAgent": row["agent"] or "",
        "latency": row["latency"] or "",
    }
    return parse_entry(
        {
            "insertId": row["insert_id"],
            "timestamp": moment,
            "logName": row["log_name"],
            "trace": row["trace"] or "",
            "severity": "ERROR",
            "httpRequest": request,
            "textPayload": row["text_payload"],
            "resource": {"labels": {"service_name": service, "revision_name": revision}},
        }
    )
