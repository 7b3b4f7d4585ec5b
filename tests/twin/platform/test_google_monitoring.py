"""google-cloud-monitoring's messages read the twin's time series, field by field: its client speaks gRPC only."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest
from google.api import metric_pb2
from google.cloud import monitoring_v3
from google.protobuf import json_format

from probes.google.cloud_run import CloudRun
from probes.http.client import HttpClient
from probes.timing.window import Window
from tests.twin.platform.apis import (
    BEGAN,
    IDENTITY,
    LATEST,
    OLD,
    PROJECT,
    REGION,
    SERVICE,
    Served,
    build_platform,
    our_api,
    served,
)

METRIC = 'metric.type="run.googleapis.com/request_count"'


@pytest.fixture
def apis() -> Iterator[Served]:
    """A platform with two minutes of counts, of two revisions."""
    platform = build_platform()
    minute = int(BEGAN.timestamp()) // 60
    platform.counts.update({(SERVICE, LATEST, 200, minute): 7, (SERVICE, LATEST, 200, minute + 1): 5})
    platform.counts.update({(SERVICE, LATEST, 500, minute + 1): 2, (SERVICE, OLD, 200, minute + 1): 11})
    with served(platform) as up:
        yield up


def _series(apis: Served, **asked: str) -> monitoring_v3.ListTimeSeriesResponse:
    end = BEGAN + timedelta(hours=1)
    query = {"filter": METRIC, "interval.startTime": BEGAN.isoformat(), "interval.endTime": end.isoformat()}
    given = {name.replace("_", "."): value for name, value in asked.items()}
    answer = httpx.get(f"{apis.url}/v3/projects/{PROJECT}/timeSeries", params=query | given)
    answer.raise_for_status()
    return monitoring_v3.ListTimeSeriesResponse(
        json_format.ParseDict(answer.json(), monitoring_v3.ListTimeSeriesResponse.pb()())
    )


def _counts(response: monitoring_v3.ListTimeSeriesResponse) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in response.time_series:
        key = one.resource.labels["revision_name"], one.metric.labels["response_code"]
        counts[key] += sum(point.value.int64_value for point in one.points)
    return counts


def test_the_series_are_deltas_with_real_intervals_newest_first(apis: Served) -> None:
    response = _series(apis)
    assert _counts(response) == {(LATEST, "200"): 12, (LATEST, "500"): 2, (OLD, "200"): 11}
    for one in response.time_series:
        assert one.metric_kind == metric_pb2.MetricDescriptor.MetricKind.DELTA
        assert one.value_type == metric_pb2.MetricDescriptor.ValueType.INT64
        assert one.resource.type == "cloud_run_revision"
        intervals = [point.interval for point in one.points]
        assert all(each.end_time - each.start_time == timedelta(minutes=1) for each in intervals)
        assert all(new.start_time >= old.end_time for new, old in pairwise(intervals))


@pytest.mark.parametrize(
    "condition,expected",
    [
        (f'resource.labels.revision_name="{OLD}"', {(OLD, "200"): 11}),
        (f'resource.label.revision_name="{LATEST}"', {(LATEST, "200"): 12, (LATEST, "500"): 2}),
        (f'resource.labels.revision_name="{LATEST[:-1]}"', {}),  # the beginning of a name is not the name
        ('metric.labels.response_code_class="5xx"', {(LATEST, "500"): 2}),
        ('metric.labels.response_code!="200"', {(LATEST, "500"): 2}),
        ('resource.type="k8s_container"', {}),
    ],
)
def test_the_filter_is_honoured(apis: Served, condition: str, expected: dict[tuple[str, str], int]) -> None:
    assert _counts(_series(apis, filter=f"{METRIC} AND {condition}")) == expected


@pytest.mark.parametrize(
    "start_min,end_min,expected",
    [(0, 1, {(LATEST, "200"): 7}), (1, 2, {(LATEST, "200"): 5, (LATEST, "500"): 2, (OLD, "200"): 11}), (2, 9, {})],
)
def test_the_interval_is_honoured(
    apis: Served, start_min: int, end_min: int, expected: dict[tuple[str, str], int]
) -> None:
    interval = {
        "interval_startTime": (BEGAN + timedelta(minutes=start_min)).isoformat(),
        "interval_endTime": (BEGAN + timedelta(minutes=end_min)).isoformat(),
    }
    assert _counts(_series(apis, **interval)) == expected


async def test_series_come_in_pages_and_our_client_reads_them_all(apis: Served) -> None:
    seen, token = Counter[tuple[str, str]](), ""
    for _ in range(3):
        response = _series(apis, pageSize="1", **({"pageToken": token} if token else {}))
        seen, token = seen + _counts(response), response.next_page_token
        assert len(response.time_series) == 1
    assert not token
    assert seen == _counts(_series(apis))
    apis.platform.most_listed = 1
    async with HttpClient(apis.url, IDENTITY, deadline_s=10) as client:
        window = Window(BEGAN, BEGAN + timedelta(hours=1))
        ours = await CloudRun(our_api(client), our_api(client), PROJECT, REGION).request_counts(SERVICE, LATEST, window)
    assert ours.codes == {200: 12, 500: 2}
    assert ours.ends.total() == 14


@pytest.mark.parametrize(
    "changed,code",
    [
        ({"filter": ""}, 400),
        ({"filter": f"{METRIC} AND resource.labels.service_name=starts_with("}, 400),
        ({"interval_endTime": ""}, 400),
        ({"interval_endTime": "2020-01-01T00:00:00Z"}, 400),
        ({"pageSize": "many"}, 400),
        ({"aggregation_alignmentPeriod": "60s"}, 501),
    ],
)
def test_what_the_api_would_refuse_or_the_twin_can_not_do_is_refused(
    apis: Served, changed: dict[str, str], code: int
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as caught:
        _series(apis, **changed)
    assert caught.value.response.status_code == code
    assert caught.value.response.json()["error"]["message"]
