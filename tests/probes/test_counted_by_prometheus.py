"""What is asked of a Prometheus server, what its answers come to, and which answers can't be used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from probes.errors import SourceRefused
from probes.google.access_tokens import no_token
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from probes.prometheus import Counted, Prometheus, Sample, Series
from probes.secret import Secret
from tests.probes.answering import Script, answering

SERIES = Series('my "job"', "http_requests_total", "status", "route")
UP = 'up{job="my \\"job\\""}'
ALL = 'http_requests_total{job="my \\"job\\""}'


def vector(*rows: tuple[dict[str, str], float]) -> tuple[int, Any]:
    """An answer of these series."""
    result = [{"metric": labels, "value": [1_000.5, str(number)]} for labels, number in rows]
    return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}


@asynccontextmanager
async def prometheus(script: Script, token: str = "") -> AsyncIterator[Prometheus]:
    async def given(*, renew: bool = False) -> Secret:
        assert not renew
        return Secret(token)

    async with HttpClient(script.url, RunIdentity("test"), deadline_s=30) as client:
        yield Prometheus(client, SERIES, given if token else no_token)


def asked(script: Script) -> list[str]:
    """The expressions that were asked for."""
    return [parse_qs(urlsplit(one.path).query)["query"][0] for one in script.asked]


async def test_scrapes_are_the_jobs_with_their_labels_and_times() -> None:
    with answering(vector(({"instance": "a"}, 1), ({"instance": "b"}, 0))) as script:
        async with prometheus(script, "t0k3n") as it:
            found = await it.scrapes()
    assert found == [Sample({"instance": "a"}, 1.0, 1000.5), Sample({"instance": "b"}, 0.0, 1000.5)]
    assert asked(script) == [UP]
    assert script.asked[0].path.startswith("/api/v1/query?query=")
    assert script.asked[0].headers["Authorization"] == "Bearer t0k3n"


async def test_single_numbers_are_read_from_scalars_and_vectors_and_are_0_where_nothing_matches() -> None:
    scalar = 200, {"status": "success", "data": {"resultType": "scalar", "result": [17.0, "42.5"]}}
    with answering(scalar, vector(({}, 7.0)), vector(({}, 9.0), ({}, 8.0)), vector()) as script:
        async with prometheus(script) as it:
            assert [await it.now(), await it.last_scrape(), await it.requests(), await it.requests()] == [42.5, 7, 9, 0]
            assert asked(script) == ["time()", f"min(timestamp({UP}))", *[f"sum({ALL})"] * 2]
    assert "Authorization" not in script.asked[0].headers
    with answering(scalar) as script:
        async with prometheus(script) as it:
            assert await it.query("x") == [Sample({}, 42.5, 17.0)]


@pytest.mark.parametrize(
    "window_s, window", [(0.0, "60s"), (61.9, "61s"), (3600.0, "3600s"), (86_400.0, "86400s"), (1e9, "86400s")]
)
async def test_requests_in_a_window_count_those_of_series_born_in_it(window_s: float, window: str) -> None:
    with answering(vector(({"route": "/a", "status": "200"}, 3.5), ({}, 2.0))) as script:
        async with prometheus(script) as it:
            assert await it.requests_within(window_s) == 5.5
    born = f"(max_over_time({ALL}[{window}]) unless {ALL} offset {window})"
    assert asked(script) == [f"sum by (route, status) ({born} or increase({ALL}[{window}]))"]


async def test_server_errors_are_the_5xx_that_count_most_first() -> None:
    rows = vector(({"route": "/a", "status": "500"}, 1.2), ({"route": "/b"}, 0.4), ({"status": "503"}, 0.6), ({}, 9.0))
    with answering(rows) as script:
        async with prometheus(script) as it:
            found = await it.server_errors_within(3600)
    assert found == [Counted("", "", 9.0), Counted("/a", "500", 1.2), Counted("", "503", 0.6)]
    assert '{job="my \\"job\\"",status=~"5.."}' in asked(script)[0]


REFUSED: dict[str, tuple[int, Any, str]] = {
    "401": (401, {}, "status 401: no access; see [prometheus] of the target"),
    "403": (403, b"", "status 403: no access"),
    "an error of its own": (400, {"status": "error", "error": "parse error"}, "status 400: parse error (in x)"),
    "a page": (
        200,
        b"<html>Grafana</html>",
        "status 200, not a Prometheus: '<html>Grafana</html>'; see [pro",
    ),
    "another API": (200, {"hello": 1}, "not a Prometheus"),
    "no numbers": (
        200,
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}},
        "not a Prom",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_answer_to_the_query_is_refused(what: str) -> None:
    status, body, said = REFUSED[what]
    with answering((status, body)) as script:
        async with prometheus(script) as it:
            with pytest.raises(SourceRefused) as caught:
                await it.query("x")
    assert said in str(caught.value)
    assert "GET /api/v1/query of Prometheus" in str(caught.value)


async def test_a_server_that_can_not_be_reached_is_refused_as_a_source() -> None:
    async with HttpClient("http://127.0.0.1:9", RunIdentity("test"), deadline_s=30) as client:
        with pytest.raises(SourceRefused, match="Prometheus"):
            await Prometheus(client, SERIES, no_token).scrapes()
