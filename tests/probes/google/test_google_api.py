"""What Google's APIs refuse, delay or garble never becomes "zero": a clear refusal, or the whole answer in the end."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.google import google_api as google
from probes.google.access_tokens import Given, no_token
from probes.google.google_api import Authorize, GoogleApi, Pacer, retry_after_s
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from probes.logs.cloud_logging import CloudLogging, log_filter
from probes.secret import Secret
from probes.timing.window import Window
from tests.probes.answering import answering
from tests.probes.logs.test_export import entry
from tests.stopwatch import Stopwatch

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW)
ENTRIES = {"entries": [entry(1), entry(2, 500)]}


@asynccontextmanager
async def log_api(url: str, authorize: Authorize = no_token, pacer: Pacer | None = None) -> AsyncIterator[CloudLogging]:
    """Our client for one URL."""
    async with HttpClient(url, RunIdentity("test"), deadline_s=5) as client:
        yield CloudLogging(GoogleApi(client, authorize, pacer), "netra-staging")


class Fresh:
    """Tokens that are different each time that another one is asked for."""

    def __init__(self) -> None:
        self.count = 1

    async def __call__(self, *, renew: bool = False) -> Secret:
        self.count += renew
        return Secret(f"token-{self.count}")


async def test_a_token_that_ends_in_mid_run_is_refreshed() -> None:
    with answering((200, ENTRIES | {"nextPageToken": "p2"}), (401, {}), (200, {"entries": [entry(3)]})) as script:
        async with log_api(script.url, Fresh()) as api:
            read = await api.read(WINDOW)
    assert (read.total, read.pages, read.exhausted) == (3, 2, True)
    sent = [one.headers["Authorization"] for one in script.asked]
    assert sent == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_a_given_token_that_ends_is_a_refusal_and_not_zero() -> None:
    with answering((200, ENTRIES | {"nextPageToken": "p2"}), (401, {})) as script:
        async with log_api(script.url, Given(Secret("t0k3n"))) as api:
            with pytest.raises(SourceRefused, match="expired in mid-run"):
                await api.read(WINDOW)


REFUSED: dict[str, tuple[int, Any, str]] = {
    "401": (401, {}, "authenticate again"),
    "403": (403, {"error": {"message": "denied"}}, r"roles/logging\.viewer"),
    "404": (404, {}, "no such project"),
    "400": (400, {"error": {"message": "bad filter"}}, "bad filter"),
    "500 again and again": (500, {}, "the API itself is failing"),
    "503 again and again": (503, b"upstream connect error", "the API itself is failing"),
    "a login page": (200, b"<html>Sign in</html>", "not JSON"),
    "cut in the middle": (200, b'{"entries": [{"insertId": "1"', "not JSON"),
    "no object": (200, [], "not an object"),
    "no list of entries": (200, {"entries": {"a": 1}}, "not a list of objects"),
    "a list of texts": (200, {"entries": ["a"]}, "not a list of objects"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_the_api_refuses_or_garbles_is_said(what: str) -> None:
    status, body, said = REFUSED[what]
    with answering((status, body)) as script:
        async with log_api(script.url) as api:
            with pytest.raises(SourceRefused, match=said):
                await api.read(WINDOW)


async def test_a_failure_of_the_api_itself_is_asked_again() -> None:
    with answering((503, {}), (502, {}), (200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            assert (await api.read(WINDOW)).total == 2
    assert len(script.asked) == 3


async def test_over_the_quota_is_waited_for_and_read_in_the_end() -> None:
    with answering((429, {}), (200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            begun = time.monotonic()
            assert (await api.read(WINDOW)).total == 2
    assert time.monotonic() - begun >= 0.9  # it did not hammer


async def test_over_the_quota_for_too_long_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "QUOTA_DEADLINE_S", 0.5)
    with answering((429, {})) as script:
        async with log_api(script.url) as api:
            with pytest.raises(SourceRefused, match="over the read quota"):
                await api.read(WINDOW)


async def test_nobody_there_is_a_refusal() -> None:
    async with log_api("http://127.0.0.1:9") as api:
        with pytest.raises(SourceRefused, match="entries:list"):
            await api.read(WINDOW)


async def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    with answering((200, {"nextPageToken": "a"}), (200, {"nextPageToken": "b"}), (200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW)
    assert (read.total, read.pages, read.exhausted) == (2, 3, True)
    assert [one.json().get("pageToken") for one in script.asked] == [None, "a", "b"]


async def test_pages_without_end_are_a_doubt() -> None:
    pages = [(200, {"nextPageToken": f"p{number}"}) for number in range(50)]
    with answering(*pages) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW)
    assert not read.exhausted
    assert "not at its end" in read.doubt


async def test_a_token_that_comes_again_is_noticed_at_once_and_what_was_read_counts() -> None:
    with answering((200, ENTRIES | {"nextPageToken": "a"}), (200, {"nextPageToken": "a"})) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW)
    assert len(script.asked) == 2
    assert "read before" in read.doubt
    assert (read.exhausted, len(read.server_errors)) == (False, 1)


async def test_what_is_not_kept_is_counted() -> None:
    with answering((200, {"entries": [entry(1), entry(2, 500), entry(3), entry(3)]})) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW, keep=lambda one: one.is_server_error)
    assert ([one.status for one in read.entries], read.total, read.requests, read.duplicates) == ([500], 3, 3, 1)
    assert read.revisions == {"r-00001": 3}


NOW_HTTP = "Wed, 25 Nov 2026 09:00:00 GMT"
RETRY_AFTER: dict[str, tuple[dict[str, str], float | None]] = {
    "seconds": ({"retry-after": "7"}, 7.0),
    "nothing": ({}, None),
    "words": ({"retry-after": "soon"}, None),
    "negative": ({"retry-after": "-5"}, None),
    "a fraction": ({"retry-after": "1.5"}, None),
    "digits of another script": ({"retry-after": "\u0665"}, None),
    "an impossible date": ({"retry-after": "Wed, 99 Nov 2026 99:00:00 GMT"}, None),
    "a date by the answer's own clock": ({"retry-after": "Wed, 25 Nov 2026 09:01:00 GMT", "date": NOW_HTTP}, 60.0),
    "a date that has passed": ({"retry-after": "Wed, 25 Nov 2026 08:00:00 GMT", "date": NOW_HTTP}, 0.0),
    "for ever": ({"retry-after": "9" * 5000}, float("inf")),
}


@pytest.mark.parametrize("what", RETRY_AFTER)
def test_any_retry_after_is_read_or_ignored(what: str) -> None:
    headers, seconds = RETRY_AFTER[what]
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize("status,body", [(403, {"error": {"errors": [{"reason": "rateLimitExceeded"}]}}), (429, {})])
async def test_a_quota_is_a_quota_by_whatever_status(
    status: int, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google, "QUOTA_DEADLINE_S", 0.5)
    with answering((status, body)) as script:
        async with log_api(script.url) as api:
            with pytest.raises(SourceRefused, match="over the read quota"):
                await api.read(WINDOW)


async def test_both_bounds_are_sent_and_the_page_is_the_largest() -> None:
    with answering((200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            await api.read(WINDOW, service="s", revision="r")
    (asked,) = script.asked
    assert asked.path == "/v2/entries:list"
    assert asked.json()["pageSize"] == 1000
    assert f'timestamp>="{WINDOW.start.isoformat()}"' in asked.json()["filter"]
    assert f'timestamp<="{WINDOW.end.isoformat()}"' in asked.json()["filter"]
    assert asked.json()["filter"] == log_filter(WINDOW, (), service="s", revision="r")


async def test_a_filter_that_the_api_would_refuse_is_our_own_mistake() -> None:
    async with log_api("http://127.0.0.1:9") as api:
        with pytest.raises(ValueError, match="20000"):
            await api.read(WINDOW, ["x" * 20_001])


async def test_entries_of_every_kind_are_read_once_in_any_order_with_their_nanoseconds() -> None:
    audit = {"logName": "projects/netra-staging/logs/cloudaudit.googleapis.com%2Factivity", "protoPayload": {"a": "b"}}
    late, early = entry(9, 503), entry(3, 500)
    big = entry(5, 500, textPayload="x" * (10 << 20))
    odd: dict[str, Any] = {"insertId": "odd", "httpRequest": None, "resource": [], "textPayload": None}
    with answering((200, {"entries": [late, entry(6) | audit, big, early, odd, dict(late)]})) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW)
    assert (read.total, read.requests, read.duplicates) == (5, 3, 1)
    assert {one.insert_id for one in read.server_errors} == {"id-9", "id-5", "id-3"}
    assert read.entries[0].timestamp.endswith(".123456789Z")
    assert len(next(one for one in read.entries if one.insert_id == "id-5").text) == 10 << 20


async def test_no_more_than_the_quota_begins_in_any_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "MINUTE_S", 0.3)
    pacer, watch, begun = Pacer(3), Stopwatch(), list[float]()
    for number in range(8):
        await pacer.wait()
        begun.append(time.monotonic())
        assert number != 2 or watch.seconds < 0.3  # what the quota allows is not held up
    assert all(begun[number + 3] - begun[number] >= 0.29 for number in range(5))
