"""The platform's log: a span of it is found whatever the order in which its entries came."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.twin.platform.apis import build_platform
from twin.platform.query import nanoseconds
from twin.platform.state import Stored, stamp

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
CAME = (3, 0, 4, 1, 3, 2)  # seconds after noon, in the order in which they came


def at(second: int) -> str:
    return stamp(NOON + timedelta(seconds=second))


@pytest.mark.parametrize(
    "first, last, found",
    [(0, 4, [0, 1, 2, 3, 3, 4]), (1, 3, [1, 2, 3, 3]), (3, 3, [3, 3]), (5, 9, []), (4, 0, [])],
    ids=["all", "both ends belong to it", "one moment", "after all", "none"],
)
def test_a_span_is_what_is_stamped_within_it(first: int, last: int, found: list[int]) -> None:
    platform = build_platform()
    platform.log_delay_s = 0.0
    for second in CAME:
        platform.log({"timestamp": at(second), "second": second})
    within = platform.visible(time.monotonic() + 1, nanoseconds(at(first)), nanoseconds(at(last)))
    assert [entry["second"] for entry in within] == found
    assert len(platform.visible(time.monotonic() + 1)) == len(CAME), "without bounds it is everything"


def test_what_is_on_its_way_is_not_found_yet() -> None:
    platform, now = build_platform(), time.monotonic()
    platform.put(Stored({"timestamp": at(1), "second": 1}, now + 60))
    platform.put(Stored({"timestamp": at(0), "second": 0}, now))
    assert [entry["second"] for entry in platform.visible(now)] == [0]
    assert [entry["second"] for entry in platform.visible(now + 60)] == [0, 1]
