"""A service as Cloud Run's Admin API describes it: revisions, traffic, tags, variables by name; pages to their end."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.google.access_tokens import no_token
from probes.google.cloud_run import CloudRun, RequestCounts, Tagged
from probes.google.google_api import GoogleApi
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from probes.timing.window import Window
from tests.probes.answering import Script, answering

BASE = "/v2/projects/p/locations/r/services/s"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def revision(name: str, day: int, state: str = "CONDITION_SUCCEEDED", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of the API
    ready = {"type": "Ready", "state": state, "reason": "", "message": "it says"}
    return {
        "name": f"projects/p/locations/r/services/s/revisions/{name}",
        "createTime": f"2026-11-{day:02}T09:00:00Z",
        "conditions": [{"type": "Other", "state": "X"}, ready],
        "containers": [{"image": f"{name}@sha256:1", "env": [{"name": "A", "value": "1"}]}, {"image": "sidecar"}],
        **more,
    }


SERVICE: dict[str, Any] = {
    "uri": "https://s.example",
    "updateTime": "2026-11-24T08:00:00Z",
    "latestReadyRevision": "projects/p/locations/r/services/s/revisions/s-2",
    "latestCreatedRevision": "projects/p/locations/r/services/s/revisions/s-3",
    "terminalCondition": {"state": "CONDITION_SUCCEEDED"},
    "template": {
        "timeout": "3600s",
        "containers": [
            {
                "image": "i@sha256:3",
                "env": [
                    {"name": "SET", "value": "x"},
                    {"name": "EMPTY"},
                    {"name": "SECRET", "valueSource": {"secretKeyRef": {"secret": "k"}}},
                ],
            },
            {"image": "sidecar", "env": [{"name": "OF_ANOTHER"}]},
        ],
    },
    "trafficStatuses": [
        {"percent": 60},
        {"revision": "s-1", "percent": 30},
        {"revision": "s-1", "percent": 10, "tag": "old", "uri": "https://old---s.example"},
        {"revision": "s-3", "tag": "verify", "uri": "https://verify---s.example"},
    ],
}
REVISIONS = {
    "revisions": [revision("s-1", 1), revision("s-3", 3, "CONDITION_FAILED", timeout="60s"), revision("s-2", 2)]
}


@asynccontextmanager
async def cloud_run(script: Script) -> AsyncIterator[CloudRun]:
    async with HttpClient(script.url, RunIdentity("test"), deadline_s=30) as client:
        yield CloudRun(GoogleApi(client, no_token), GoogleApi(client, no_token), "p", "r")


async def test_a_service_is_described_with_its_revisions_newest_first() -> None:
    with answering((200, SERVICE), (200, REVISIONS)) as script:
        async with cloud_run(script) as it:
            found = await it.describe("s")
    assert [one.path for one in script.asked] == [BASE, f"{BASE}/revisions?pageSize=100"]
    assert (found.latest_ready, found.latest_created, found.under_test, found.ready) == ("s-2", "s-3", "s-3", True)
    assert found.traffic == {"s-2": 60, "s-1": 40}, "a share without a revision is the latest ready one's"
    assert found.tags == {
        "old": Tagged("s-1", "https://old---s.example"),
        "verify": Tagged("s-3", "https://verify---s.example"),
    }
    assert (found.request_timeout_s, found.image, found.url) == (3600.0, "i@sha256:3", "https://s.example")
    assert found.variables == {"SET", "EMPTY", "SECRET"}
    assert found.empty_variables == {"EMPTY"}
    assert found.changed == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert [one.name for one in found.revisions] == ["s-3", "s-2", "s-1"]
    newest, _, oldest = found.revisions
    assert (newest.ready, newest.why, newest.request_timeout_s) == (False, "CONDITION_FAILED it says", 60.0)
    assert (oldest.ready, oldest.request_timeout_s, oldest.image) == (True, 300.0, "s-1@sha256:1")
    assert oldest.variables == {"A"}
    assert not oldest.empty_variables
    assert found.current == newest


async def test_another_revision_may_be_judged_and_the_others_are_what_came_before() -> None:
    with answering((200, SERVICE), (200, REVISIONS)) as script:
        async with cloud_run(script) as it:
            found = await it.describe("s")
    newest, _, oldest = found.revisions
    assert (found.previous_ready, found.serving) == ("s-2", "s-2")
    judged = found.judging(oldest)
    assert (judged.under_test, judged.image, judged.request_timeout_s) == ("s-1", oldest.image, 300.0)
    assert judged.variables == {"A"}
    assert not judged.empty_variables
    assert (judged.previous_ready, judged.serving) == ("s-2", "s-2")
    second = found.revision("s-2")
    assert second is not None
    assert (found.judging(second).previous_ready, found.judging(second).serving) == ("s-1", "s-1")
    assert replace(found, revisions=(newest,), traffic={}).previous_ready == ""
    assert replace(found, traffic={"s-3": 100}).serving == ""


async def test_a_new_service_may_lack_almost_everything() -> None:
    bare: dict[str, Any] = {"template": {"containers": [{}]}}
    listed = {"revisions": [{"name": "s-1", "createTime": "2026-11-01T09:00:00Z"}]}
    with answering((200, bare), (200, listed)) as script:
        async with cloud_run(script) as it:
            found = await it.describe("s")
    assert (found.ready, found.traffic, found.changed, found.url) == (False, {}, None, "")
    assert (found.request_timeout_s, found.revisions[0].ready, found.revisions[0].why) == (300.0, False, "")


@pytest.mark.parametrize("raw", [{}, {"template": {}}, {"template": {"containers": [{}], "timeout": "long"}}])
async def test_what_describes_no_service_is_refused(raw: dict[str, Any]) -> None:
    with answering((200, raw), (200, {})) as script:
        async with cloud_run(script) as it:
            with pytest.raises(SourceRefused, match="not a service description"):
                await it.describe("s")


async def test_revisions_are_read_page_by_page() -> None:
    pages = [{"revisions": [revision(f"s-{n}", n)], "nextPageToken": f"t{n}"} for n in (1, 2)]
    with answering((200, SERVICE), (200, pages[0]), (200, pages[1]), (200, {})) as script:
        async with cloud_run(script) as it:
            assert len((await it.describe("s")).revisions) == 2
    assert [one.path.partition("?")[2] for one in script.asked[1:]] == [
        "pageSize=100",
        "pageSize=100&pageToken=t1",
        "pageSize=100&pageToken=t2",
    ]


@pytest.mark.parametrize(
    "pages, said",
    [
        ([{"nextPageToken": "a"}, {"nextPageToken": "a"}], "goes in a circle"),
        ([{"revisions": "many"}], "revisions"),
    ],
)
async def test_pages_without_an_end_are_refused(pages: list[dict[str, Any]], said: str) -> None:
    with answering((200, SERVICE), *((200, page) for page in pages)) as script:
        async with cloud_run(script) as it:
            with pytest.raises(SourceRefused, match=said):
                await it.describe("s")


def series(code: str, *points: tuple[str, str]) -> dict[str, Any]:
    return {
        "metric": {"labels": {"response_code": code}},
        "points": [{"interval": {"endTime": end}, "value": {"int64Value": n}} for end, n in points],
    }


async def test_requests_are_counted_by_code_and_by_the_minute_of_their_end() -> None:
    one, other = "2026-11-24T08:10:00Z", "2026-11-24T08:11:00Z"
    answer = {"timeSeries": [series("200", (one, "3"), (other, "4")), series("503", (one, "1"))]}
    with answering((200, answer)) as script:
        async with cloud_run(script) as it:
            found = await it.request_counts("s", "s-1", Window(NOW - timedelta(hours=1), NOW))
    ends = Counter({datetime(2026, 11, 24, 8, 10, tzinfo=UTC): 4, datetime(2026, 11, 24, 8, 11, tzinfo=UTC): 4})
    assert found == RequestCounts(Counter({200: 7, 503: 1}), ends)
    assert script.asked[0].path.startswith("/v3/projects/p/timeSeries?")
    for wanted in ("s-1", "request_count", "2026-11-24T08"):
        assert wanted in script.asked[0].path


async def test_counts_that_can_not_be_read_are_refused() -> None:
    with answering((200, {"timeSeries": [series("200", ("yesterday", "3"))]})) as script:
        async with cloud_run(script) as it:
            with pytest.raises(SourceRefused):
                await it.request_counts("s", "s-1", Window(NOW - timedelta(hours=1), NOW))
