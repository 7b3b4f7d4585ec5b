"""How BigQuery's answers are taken: pages, jobs that take long, and what is not an answer of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.logs.log_analytics import MOST_ERRORS, MOST_WAITS, HourOfRequests, LogAnalytics
from tests.probes.answering import answering
from tests.probes.logs.test_log_analytics import BEGUN, COLUMNS, REVISION, SERVICE, WINDOW, answered, ask, asking

HOURS = ["hour", "requests", "others", "errors"]
UNFINISHED: dict[str, Any] = {"jobComplete": False, "jobReference": {"jobId": "job_1", "location": "US"}}
ROW = ("id-1", BEGUN.timestamp(), "projects/p/logs/x", None, "text", 503, None, None, None, None)


def hour(number: int) -> tuple[str, int, int, int]:
    return f"{(BEGUN + timedelta(hours=number)).timestamp():.15E}", number, 0, 1


async def test_counts_come_from_all_pages_in_their_order() -> None:
    first = answered(HOURS, hour(0), hour(1), pageToken="p2")
    with answering((200, first), (200, answered(HOURS, hour(2)))) as script:
        found = await ask(script.url, "count")
    assert found == [HourOfRequests(BEGUN + timedelta(hours=number), number, 0, 1) for number in range(3)]
    assert script.asked[1].path.endswith("/job_1?timeoutMs=10000&location=US&pageToken=p2")


@pytest.mark.parametrize(
    "rows, held", [([("1",)], True), ([("0",)], False), ([("2",)], True), ([], False)], ids=["1", "0", "2", "none"]
)
async def test_a_trace_is_in_the_view_if_a_request_has_it(rows: list[tuple[str]], *, held: bool) -> None:
    with answering((200, answered(["found"], *rows))) as script:
        async with asking(script.url) as analytics:
            assert await analytics.holds("projects/p/traces/ab", SERVICE, REVISION, WINDOW) is held
    values = {one["name"]: one["parameterValue"]["value"] for one in script.asked[0].json()["queryParameters"]}
    assert values["trace"] == "projects/p/traces/ab"


async def test_what_a_row_does_not_say_is_empty_in_its_entry() -> None:
    with answering((200, answered(COLUMNS, ROW))) as script:
        (entry,), whole = await ask(script.url, "errors")
    assert whole
    assert (entry.insert_id, entry.status, entry.trace_id, entry.path, entry.text) == ("id-1", 503, "", "", "text")
    assert (entry.service, entry.revision, entry.severity, entry.moment) == (SERVICE, REVISION, "ERROR", BEGUN)


@pytest.mark.parametrize("count, whole", [(MOST_ERRORS - 1, True), (MOST_ERRORS, False)])
async def test_as_many_errors_as_were_asked_for_may_not_be_all(count: int, *, whole: bool) -> None:
    with answering((200, answered(COLUMNS, *[ROW] * count))) as script:
        found, all_of_them = await ask(script.url, "errors")
    assert (len(found), all_of_them) == (count, whole)
    assert f"LIMIT {MOST_ERRORS}" in script.asked[0].json()["query"]


async def test_a_job_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = list[float]()

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    with answering((200, UNFINISHED)) as script, pytest.raises(SourceRefused) as caught:
        await ask(script.url, "count")
    assert caught.value.detail == f"not finished after {MOST_WAITS} answers"
    assert caught.value.request == "Log Analytics, p.global._Default._AllLogs"
    assert len(script.asked) == MOST_WAITS + 1
    assert [one for one in waits if one >= 0.05] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "odd",
    [
        answered(HOURS, ("x", 1, 2, 3)),
        answered(HOURS, ("1.0E9", "many", 2, 3)),
        answered(["other"], ("1",)),
        answered(HOURS, ("1.0E9", 1)),
        answered(HOURS, ("1.0E99", 1, 2, 3)),
        {"jobComplete": True, "rows": [1], "schema": {"fields": []}},
        {"jobComplete": True, "jobReference": [1]},
        {"jobComplete": True, "schema": {"fields": [{}]}},
    ],
)
async def test_rows_of_another_kind_are_not_an_answer_of_bigquery(odd: dict[str, Any]) -> None:
    with answering((200, odd)) as script, pytest.raises(SourceRefused, match=r"not an answer of BigQuery: [A-Z]"):
        await ask(script.url, "count")


async def test_an_error_without_a_message_is_shown_whole() -> None:
    failed = {"jobComplete": True, "errors": [{"reason": "quota"}]}
    with answering((200, failed)) as script, pytest.raises(SourceRefused, match=r": \[\{'reason': 'quota'\}\]$"):
        await ask(script.url, "count")


@pytest.mark.parametrize("view", ["a.b.c", "a.b.c.d.e", "a.b.c.", "a.b.c.d`", "a b.c.d.e"])
def test_a_view_has_four_parts_of_words(view: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        LogAnalytics(None, "p", view)  # type: ignore[arg-type]  # refused before it is used
    assert str(caught.value) == f"Log Analytics: {view!r} is not a view: write project.location.bucket.view"
