"""The server's side of our calls from the request log, and the network's share on a no-op route."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.http.timing_transport import Timed, TimingTransport
from probes.latency.network_round_trip import measure_round_trip
from probes.latency.open_loop import Call, LatencySample
from probes.latency.server_time import read_server_side, seconds
from probes.logs.entries import LogRead
from probes.logs.parsing import parse_entry
from probes.timing.window import SteadyClock, Window
from tests.serving import Reply, serving

REQUESTS = "projects/p/logs/run.googleapis.com%2Frequests"


def call(trace: str, failure: str = "") -> Call:
    return Call(
        due_s=0.0,
        lag_ms=0.0,
        own_ms=0.0,
        standstill_ms=0.0,
        client_ms=30.0,
        server_ms=None,
        opened=None,
        first_byte_ms=20.0,
        trace_id=trace,
        failure=failure,
    )


def entry(trace: str, latency: str = "0.012500000s", instance: str = "one", log: str = REQUESTS) -> dict[str, Any]:
    return {
        "insertId": trace + log,
        "logName": log,
        "timestamp": "2026-11-24T12:00:00Z",
        "trace": f"projects/p/traces/{trace}",
        "labels": {"instanceId": instance},
        "httpRequest": {"status": 200, "latency": latency},
    }


class Arriving:
    """A log in which one more entry is there at each reading."""

    name = "a log"

    def __init__(self, *entries: dict[str, Any]) -> None:
        self._entries, self._there = entries, 0
        self.asked: list[tuple[Sequence[str], str]] = []

    async def read(
        self, window: Window, conditions: Sequence[str] = (), *, service: str = "", revision: str = ""
    ) -> LogRead:
        """What has arrived by now."""
        self._there += 1
        self.asked.append((conditions, service + revision))
        there = tuple(parse_entry(one) for one in self._entries[: self._there])
        return LogRead(
            entries=there,
            pages=1,
            exhausted=True,
            doubt="",
            window=window,
            source=self.name,
            duplicates=0,
            total=len(there),
            requests=len(there),
        )


async def look(source: Arriving, *calls: Call, deadline_s: float = 5.0) -> LatencySample:
    return await read_server_side(
        LatencySample(calls, 60.0, 5.0),
        source,
        service="auth",
        mark="run 1",
        begun=datetime.now(UTC),
        clock=SteadyClock(),
        deadline_s=deadline_s,
    )


async def test_each_call_gets_the_time_and_the_instance_of_its_own_entry() -> None:
    source = Arriving(entry("a"), entry("b", "0.250s", "two"), entry("other"))
    sample = await look(source, call("a"), call("b"), call("never", failure="refused"))
    assert [one.server_ms for one in sample.calls] == [12.5, 250.0, None]
    assert [one.instance for one in sample.calls] == ["one", "two", ""]
    assert sample.milliseconds("server") == [12.5, 250.0, float("inf")]
    assert len(source.asked) == 2  # it waited for the second entry, and no longer
    assert source.asked[0] == (['httpRequest.userAgent:"run 1"'], "auth")


async def test_an_answered_call_that_the_log_lacks_is_a_source_that_can_not_be_trusted() -> None:
    application = entry("b", log="projects/p/logs/run.googleapis.com%2Fstdout")
    with pytest.raises(SourceRefused, match="1 of 2 answered calls are not in the request log of auth"):
        await look(Arriving(entry("a"), application), call("a"), call("b"), deadline_s=0.3)


def test_a_latency_of_another_form_is_refused() -> None:
    assert seconds("1.5s") == 1.5
    with pytest.raises(SourceRefused, match="'fast'"):
        seconds("fast")


async def ask_away(reply: Reply) -> tuple[float, bool]:
    async with serving(lambda _: reply) as server:
        transport = TimingTransport(server.url)

        async def ask() -> Timed:
            return await transport.exchange("GET", "/health", {})

        way = await measure_round_trip(ask, metric="total", calls=10)
        await transport.aclose()
    assert way.n == len(server.heard) - 1 == 10  # the first may open the connection
    assert way.least_ms <= way.p50_ms
    return way.p50_ms, way.own_time_off


async def test_the_round_trip_is_less_the_server_s_own_time_where_it_says_one() -> None:
    slow, off = await ask_away(Reply(status=404, delay_s=0.15))
    assert slow >= 150
    assert not off
    quick, off = await ask_away(Reply(delay_s=0.15, headers={"Server-Timing": "total;dur=150"}))
    assert quick < 120  # of which all is the machine's
    assert off
