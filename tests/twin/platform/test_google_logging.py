"""google-cloud-logging, over HTTP, reads the twin's `entries:list`: the twin and our client can't share a mistake."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import logging
from google.cloud.logging_v2.types import LogEntry
from google.protobuf import json_format

from probes.http.client import HttpClient
from probes.logs.cloud_logging import CloudLogging
from probes.timing.window import Window
from tests.twin.platform.apis import (
    BEGAN,
    IDENTITY,
    LATEST,
    PROJECT,
    SERVICE,
    Served,
    build_platform,
    our_api,
    served,
)
from twin.platform.state import Platform

MANY = 2500


@pytest.fixture(scope="module")
def apis() -> Iterator[Served]:
    """A platform with 2,500 requests in its log, a 500 among them, and two lines of the application."""
    platform = build_platform()
    for number in range(MANY):
        platform.log(_request(platform, number, 500 if number == MANY - 2 else 200))
    platform.log(_line(platform, textPayload="plain"))
    platform.log(_line(platform, jsonPayload={"message": "in parts", "error": {"type": "E", "value": 1.5}}))
    with served(platform) as up:
        yield up


def _request(platform: Any, number: int, status: int) -> dict[str, Any]:  # noqa: ANN401 - a Platform
    moment = BEGAN + timedelta(seconds=number)
    return {
        "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2Frequests",
        "insertId": f"{number:06}",
        "severity": "ERROR" if status >= 500 else "INFO",
        "resource": platform.resource(platform.services[SERVICE], LATEST),
        "trace": f"projects/{PROJECT}/traces/{number:032x}",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{number % 1000:03}456789Z",
        "httpRequest": {"requestMethod": "GET", "requestUrl": "http://x/ws", "status": status, "latency": "0.0312s"},
    }


def _line(platform: Any, **payload: object) -> dict[str, Any]:  # noqa: ANN401 - a Platform
    return {
        "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2Fstdout",
        "resource": platform.resource(platform.services[SERVICE], LATEST),
        **payload,
    }


@pytest.fixture
def log_client(apis: Served) -> logging.Client:
    return logging.Client(
        project=PROJECT, credentials=AnonymousCredentials(), client_options={"api_endpoint": apis.url}, _use_grpc=False
    )


def _bounded(*conditions: str) -> str:
    end = BEGAN + timedelta(days=365)
    return " AND ".join((f'timestamp>="{BEGAN.isoformat()}"', f'timestamp<="{end.isoformat()}"', *conditions))


@pytest.mark.parametrize("size", [1000, 333])
def test_their_client_pages_to_the_same_end_as_ours(apis: Served, log_client: logging.Client, size: int) -> None:
    found = list(log_client.list_entries(filter_=_bounded("httpRequest.status>=200"), page_size=size))
    assert [one.insert_id for one in found] == [f"{number:06}" for number in range(MANY)]
    assert len(apis.platform.store) == MANY + 2


async def test_our_client_reads_the_same_entries(apis: Served, log_client: logging.Client) -> None:
    theirs = {one.insert_id: one for one in log_client.list_entries(filter_=_bounded(), page_size=1000)}
    async with HttpClient(apis.url, IDENTITY, deadline_s=10) as client:
        window = Window(BEGAN, BEGAN + timedelta(days=365))
        read = await CloudLogging(our_api(client), PROJECT).read(window, service=SERVICE)
    assert {one.insert_id for one in read.entries} == theirs.keys()
    for ours in read.entries:
        their = theirs[ours.insert_id]
        assert ours.moment == their.timestamp
        assert ours.status == (their.http_request or {}).get("status")
        assert ours.revision == their.resource.labels["revision_name"]
        assert (ours.trace_id or None) == (their.trace and their.trace.rpartition("/")[2])


def test_newest_first_comes_newest_first(log_client: logging.Client) -> None:
    found = log_client.list_entries(filter_=_bounded("severity>=ERROR"), order_by=logging.DESCENDING, page_size=10)
    assert [one.insert_id for one in found] == [f"{MANY - 2:06}"]
    newest = log_client.list_entries(
        filter_=_bounded('logName:"requests"'), order_by=logging.DESCENDING, page_size=100, max_results=250
    )
    assert [one.insert_id for one in newest] == [f"{number:06}" for number in range(MANY - 1, MANY - 251, -1)]


def test_their_default_of_the_last_day_is_a_filter_that_the_twin_reads(log_client: logging.Client) -> None:
    """Without a bound the client adds one, with an offset that has no colon; old entries are then left out."""
    found = list(log_client.list_entries(filter_='logName:"stdout"', page_size=1000))
    assert [one.payload for one in found] == ["plain", {"message": "in parts", "error": {"type": "E", "value": 1.5}}]


def test_a_bound_inside_a_second_is_kept_to_the_nanosecond(apis: Served) -> None:
    stamp = f"{BEGAN + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}.001456789"
    later = f"{BEGAN + timedelta(seconds=1, hours=2):%Y-%m-%dT%H:%M:%S}.001456790+02:00"
    question = {"resourceNames": [f"projects/{PROJECT}"], "pageSize": 1}
    for bound, first in ((f"{stamp}Z", "000001"), (later, "000002")):
        answer = httpx.post(f"{apis.url}/v2/entries:list", json=question | {"filter": f'timestamp>="{bound}"'}).json()
        assert answer["entries"][0]["insertId"] == first


def test_every_entry_is_a_log_entry_in_all_its_fields(apis: Served) -> None:
    question = {"resourceNames": [f"projects/{PROJECT}"], "pageSize": 1000}
    answer = httpx.post(f"{apis.url}/v2/entries:list", json=question).json()
    first = json_format.ParseDict(answer["entries"][0], LogEntry.pb()())
    assert (first.timestamp.nanos, first.http_request.latency.nanos, first.http_request.status) == (
        456789,
        31_200_000,
        200,
    )
    for one in answer["entries"]:
        json_format.ParseDict(one, LogEntry.pb()())


def test_pages_do_not_shift_while_entries_come_in() -> None:
    platform = build_platform()
    for number in range(10):
        platform.log(_request(platform, number, 200))
    question: dict[str, Any] = {"resourceNames": [f"projects/{PROJECT}"], "pageSize": 5, "orderBy": "timestamp desc"}
    with served(platform) as up:
        first = httpx.post(f"{up.url}/v2/entries:list", json=question).json()
        platform.log(_request(platform, 11, 200))
        second = httpx.post(f"{up.url}/v2/entries:list", json=question | {"pageToken": first["nextPageToken"]}).json()
    found = [one["insertId"] for page in (first, second) for one in page["entries"]]
    assert found == [f"{number:06}" for number in range(9, -1, -1)]
    assert "nextPageToken" not in second


@pytest.mark.parametrize(
    "wrong,kind",
    [
        ('timestamp>="yesterday"', exceptions.BadRequest),
        ('timestamp>="2026-01-01T00:00:00Z" AND (severity>=ERROR', exceptions.BadRequest),
        ('timestamp>="2026-01-01T00:00:00Z" severity>=LOUD', exceptions.BadRequest),
        ('timestamp>="2026-01-01T00:00:00Z" textPayload=~"("', exceptions.BadRequest),
    ],
)
def test_a_filter_that_is_none_is_refused_in_words(log_client: logging.Client, wrong: str, kind: Any) -> None:  # noqa: ANN401 - an exception's class
    with pytest.raises(kind, match=r"unparsable|time stamp|severity|regular|not closed"):
        list(log_client.list_entries(filter_=wrong))


def test_another_project_and_a_used_up_quota_are_their_exceptions() -> None:
    platform = build_platform()
    with served(platform) as up:
        options = {"api_endpoint": up.url}
        client = logging.Client(
            project="other", credentials=AnonymousCredentials(), client_options=options, _use_grpc=False
        )
        with pytest.raises(exceptions.Forbidden, match="permission"):
            list(client.list_entries())
        platform.read_quota_per_minute = 1
        with pytest.raises(exceptions.TooManyRequests, match="Quota exceeded"):
            list(client.list_entries())


def test_readers_at_once_each_look_through_the_log_once(apis: Served) -> None:
    looked, kept, found = list[int](), dict(apis.platform.listings), apis.platform.found

    def counted(platform: Platform, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        looked.append(len(entries))
        return found(platform, entries)

    apis.platform.found = counted
    questions: list[dict[str, Any]] = [
        {"resourceNames": [f"projects/{PROJECT}"], "pageSize": 100, "filter": f"severity>={severity}"}
        for severity in ("DEFAULT", "INFO", "ERROR")
    ]
    try:
        waiting = list(questions)
        while waiting:
            question = waiting.pop(0)
            page = httpx.post(f"{apis.url}/v2/entries:list", json=question).json()
            if "nextPageToken" in page:
                waiting.append(question | {"pageToken": page["nextPageToken"]})
    finally:
        apis.platform.found = found
    assert len(looked) == len(questions)
    assert apis.platform.listings == kept, "what was read to its end is not kept"


def test_a_page_token_of_another_question_is_refused(apis: Served) -> None:
    question = {"resourceNames": [f"projects/{PROJECT}"], "pageSize": 5}
    token = httpx.post(f"{apis.url}/v2/entries:list", json=question).json()["nextPageToken"]
    for changed in ({"filter": "severity>=ERROR", "pageToken": token}, {"pageToken": "bm9uZQ=="}):
        answer = httpx.post(f"{apis.url}/v2/entries:list", json=question | changed)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
