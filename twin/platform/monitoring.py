"""Cloud Monitoring's `timeSeries.list`, for the one metric that the platform counts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from twin.platform.query import QueryError, Test, nanoseconds, parse
from twin.platform.state import Entry, Platform

REQUEST_COUNT = "run.googleapis.com/request_count"
UNDERSTOOD = frozenset({"filter", "interval.startTime", "interval.endTime", "view", "pageSize", "pageToken"})
OF_EVERY_API = ("$", "alt", "prettyPrint", "fields", "key", "quotaUser")
SAMPLING = timedelta(minutes=1)


class Unimplemented(Exception):
    """A parameter that the real API has and this one has not: refused, not ignored."""


def list_time_series(platform: Platform, asked: Mapping[str, str]) -> list[Entry]:
    """Every series that the filter names, with its points in the interval, newest first.

    Raises:
        QueryError: A filter or an interval that the API would refuse.
        Unimplemented: Aggregation, ordering.
    """
    unknown = sorted(name for name in asked if name not in UNDERSTOOD and not name.startswith(OF_EVERY_API))
    if unknown:
        raise Unimplemented(f"not implemented here: {', '.join(unknown)}")
    test, start, end = _filter(asked), *_interval(asked)
    series: dict[tuple[str, str, int], list[Entry]] = {}
    # Points come in reverse time order; of an interval the start is exclusive, the end inclusive.
    for (service, revision, code, minute), count in sorted(platform.counts.items(), key=lambda one: -one[0][3]):
        point = _point(minute, count, end)
        if start < nanoseconds(point["interval"]["endTime"]) <= end:
            series.setdefault((service, revision, code), []).append(point)
    described = [(_describe(platform, *key), points) for key, points in sorted(series.items())]
    headers = asked.get("view") == "HEADERS"
    return [head if headers else head | {"points": points} for head, points in described if test(_aliased(head))]


def _filter(asked: Mapping[str, str]) -> Test:
    text = asked.get("filter", "")
    if "metric.type" not in text:
        raise QueryError("Field filter had an invalid value: a filter must name exactly one metric.type")
    return parse(text).test


def _interval(asked: Mapping[str, str]) -> tuple[int, int]:
    if not asked.get("interval.endTime"):
        raise QueryError("Field interval.endTime had an invalid value: an end time is required")
    end = nanoseconds(asked["interval.endTime"])
    start = nanoseconds(asked["interval.startTime"]) if asked.get("interval.startTime") else end - 1
    if start > end:
        raise QueryError("Field interval had an invalid value: the start time is after the end time")
    return start, end


def _point(minute: int, count: int, asked_until: int) -> Entry:
    """The requests of one minute; the running minute's point ends where the asked interval ends.

    A point that ended at this moment would lie behind every interval that a client can ask for.
    """
    start = datetime.fromtimestamp(minute * 60, UTC)
    end = start + SAMPLING
    if datetime.now(UTC) < end:
        until = datetime.fromtimestamp(asked_until // 1_000_000_000, UTC).replace(
            microsecond=asked_until % 1_000_000_000 // 1000
        )
        end = min(end, max(until, start + timedelta(milliseconds=1)))
    interval = {"startTime": _stamp(start), "endTime": _stamp(end)}
    return {"interval": interval, "value": {"int64Value": str(count)}}


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _describe(platform: Platform, service: str, revision: str, code: int) -> Entry:
    return {
        "metric": {
            "type": REQUEST_COUNT,
            "labels": {"response_code": str(code), "response_code_class": f"{code // 100}xx"},
        },
        "resource": platform.resource(platform.services[service], revision),
        "metricKind": "DELTA",
        "valueType": "INT64",
    }


def _aliased(head: Entry) -> Entry:
    """A series as its filter sees it: `metric.label.x` is another way to write `metric.labels.x`."""
    return {part: {**head[part], "label": head[part]["labels"]} for part in ("metric", "resource")}
