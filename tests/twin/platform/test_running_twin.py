"""What the running twin tells of real requests is, field by field, what Google's messages hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.cloud import monitoring_v3, run_v2
from google.cloud.logging_v2.types import LogEntry
from google.protobuf import json_format

from tests.system.running import ReusedTwin
from tests.system.waiting import until

SERVICES = "projects/netra-staging/locations/us-central1/services"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def twin(reused_twin: ReusedTwin) -> dict[str, Any]:
    """After three requests; the log was empty before them."""
    addresses, headers = reused_twin.addresses, {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    for path, status in (("/health", 200), ("/api/threads", 401), ("/no/such/path", 404)):
        assert httpx.get(f"{addresses['backend']['url']}{path}", headers=headers).status_code == status
    return addresses


def _entries(twin: dict[str, Any], condition: str) -> list[dict[str, Any]]:
    question = {"resourceNames": ["projects/netra-staging"], "filter": condition, "pageSize": 1000}
    answer = httpx.post(f"{twin['platform']['logging_url']}/v2/entries:list", json=question)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json().get("entries", [])
    return found


def test_requests_and_lines_of_the_application_are_log_entries(twin: dict[str, Any]) -> None:
    until(lambda: len(_entries(twin, f'trace:"{TRACE}"')) >= 6, "three requests and their lines are not in the log")
    told = [json_format.ParseDict(one, LogEntry.pb()()) for one in _entries(twin, "")]
    requests = [one for one in told if one.HasField("http_request") and TRACE in one.trace]
    assert sorted(one.http_request.status for one in requests) == [200, 401, 404]
    assert all(one.http_request.latency.ToTimedelta() > timedelta(0) for one in requests)
    assert {one.WhichOneof("payload") for one in told if not one.HasField("http_request")} >= {"json_payload"}
    assert all(abs(one.timestamp.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(minutes=5) for one in told)


@pytest.mark.parametrize("service", ["netra-backend-staging", "netra-auth-service"])
def test_services_and_revisions_are_messages(twin: dict[str, Any], service: str) -> None:
    base = f"{twin['platform']['run_url']}/v2/{SERVICES}/{service}"
    described = json_format.ParseDict(httpx.get(base).json(), run_v2.Service.pb()())
    listed = json_format.ParseDict(httpx.get(f"{base}/revisions").json(), run_v2.ListRevisionsResponse.pb()())
    created = [one.create_time.ToDatetime() for one in listed.revisions]
    assert described.latest_created_revision == listed.revisions[0].name
    assert created == sorted(created, reverse=True)


def test_the_running_minute_is_counted(twin: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    query = {
        "filter": 'metric.type="run.googleapis.com/request_count" AND '
        'resource.labels.service_name="netra-backend-staging" AND metric.labels.response_code="404"',
        "interval.startTime": (now - timedelta(minutes=5)).isoformat(),
        "interval.endTime": (now + timedelta(minutes=1)).isoformat(),
    }
    answer = httpx.get(f"{twin['platform']['monitoring_url']}/v3/projects/netra-staging/timeSeries", params=query)
    message = json_format.ParseDict(answer.json(), monitoring_v3.ListTimeSeriesResponse.pb()())
    (series,) = message.time_series
    assert sum(one.value.int64_value for one in series.points) == 1
    assert all(one.interval.end_time.ToDatetime() > one.interval.start_time.ToDatetime() for one in series.points)


def test_an_answer_after_which_the_edge_closes_the_connection_says_so(twin: dict[str, Any]) -> None:
    answer = httpx.get(f"{twin['backend']['url']}/health", headers={"Authorization": "x" * 65_536})
    assert (answer.status_code, answer.headers["connection"]) == (431, "close")
    assert "connection" not in httpx.get(f"{twin['backend']['url']}/health").headers
