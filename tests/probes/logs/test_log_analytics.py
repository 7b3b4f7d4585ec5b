"""The SQL for Log Analytics, run on DuckDB over the same rows as an oracle; and BigQuery's way of answering."""

import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from probes.errors import SourceRefused
from probes.google.access_tokens import no_token
from probes.google.google_api import GoogleApi
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from probes.logs.day import Stretch, look_by_sql
from probes.logs.entries import REQUEST_LOG
from probes.logs.log_analytics import COUNTS, ERRORS, TRACED, LogAnalytics, parameters
from probes.timing.window import Window
from tests.probes.answering import answering

SERVICE, REVISION = "netra-backend-staging", "netra-backend-staging-00094-twn"
BEGUN = datetime(2026, 11, 24, 9, tzinfo=UTC)
WINDOW = Window(BEGUN, BEGUN + timedelta(hours=3))
TABLE = """
CREATE TABLE logs (
  insert_id VARCHAR, timestamp TIMESTAMP, receive_timestamp TIMESTAMP, log_name VARCHAR, trace VARCHAR,
  text_payload VARCHAR, resource STRUCT(type VARCHAR, labels JSON),
  http_request STRUCT(status INTEGER, request_method VARCHAR, request_url VARCHAR, user_agent VARCHAR, latency VARCHAR)
)
"""
# Functions that BigQuery has under names of its own. The statements themselves are run as they are.
SHIMS = """
CREATE MACRO JSON_VALUE(document, path) AS json_extract_string(document, path);
CREATE MACRO COUNTIF(condition) AS count(*) FILTER (WHERE condition);
CREATE MACRO TIMESTAMP_TRUNC(moment, part) AS date_trunc('hour', moment);
"""
INSERT = """
INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, {'type': 'cloud_run_revision', 'labels': ?::JSON},
CASE WHEN ? THEN
  {'status': ?, 'request_method': 'GET', 'request_url': 'https://x/ws', 'user_agent': ?, 'latency': '0.1s'}
END)
"""
COLUMNS = ("insert_id", "timestamp", "log_name", "trace", "text_payload", "status", "method", "url", "agent", "latency")


def some_rows(seed: int) -> list[dict[str, Any]]:
    """Rows of several logs, services and revisions, in and beyond the window, some delivered again."""
    chance = random.Random(seed)  # noqa: S311 - the same rows every time
    rows: list[dict[str, Any]] = []
    for number in range(400):
        request = chance.random() < 0.7
        rows.append(
            {
                "insert_id": f"id-{number}",
                "timestamp": BEGUN + timedelta(minutes=chance.randrange(-60, 240), seconds=number % 60),
                "received": BEGUN + timedelta(hours=5),
                "log": f"projects/p/logs/run.googleapis.com%2F{'requests' if request else 'stderr'}",
                "service": chance.choice([SERVICE, SERVICE, "another"]),
                "revision": chance.choice([REVISION, REVISION, REVISION, "older"]),
                "status": chance.choice([200, 200, 404, 499, 500, 503, 599, 600]) if request else None,
                "agent": chance.choice(["netra-verify/0.1.0 (run x)", "Mozilla/5.0", None]),
            }
        )
    again = [dict(row, received=row["received"] + timedelta(minutes=1)) for row in chance.sample(rows, 80)]
    # The same insertId in another log or at another time is another entry.
    other = [dict(row, log="projects/p/logs/other") for row in chance.sample(rows, 10)]
    return chance.sample([*rows, *again, *other], len(rows) + len(again) + len(other))


def counted(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The oracle: what counts, once."""
    once = {(row["log"], row["timestamp"], row["insert_id"]): row for row in rows}
    return [
        row
        for row in once.values()
        if row["log"].endswith(REQUEST_LOG)
        and (row["service"], row["revision"]) == (SERVICE, REVISION)
        and WINDOW.start <= row["timestamp"] <= WINDOW.end
    ]


def plain(moment: datetime) -> datetime:
    """A UTC time without its zone: DuckDB gives zoned ones back through a library that is not ours."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def run(sql: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a statement on DuckDB: named parameters are written with $ there, and types have other names."""
    connection = duckdb.connect()
    connection.execute(TABLE)
    connection.execute(SHIMS)
    for row in rows:
        connection.execute(INSERT, values_of(row))
    text = sql.format(view="logs", most=1000).replace("@", "$").replace("INT64", "BIGINT").replace("STRING", "VARCHAR")
    given = parameters(SERVICE, REVISION, WINDOW, "projects/p/traces/t")
    wanted = {
        name: plain(value) if isinstance(value, datetime) else value
        for name, value in given.items()
        if f"${name}" in text
    }
    done = connection.execute(text.replace("HOUR)", "'hour')"), wanted)
    names = [column[0] for column in done.description or []]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def values_of(row: dict[str, Any]) -> list[Any]:
    """What `INSERT` takes for a row."""
    return [
        row["insert_id"],
        plain(row["timestamp"]),
        plain(row["received"]),
        row["log"],
        "projects/p/traces/t",
        None,
        json.dumps({"service_name": row["service"], "revision_name": row["revision"]}),
        row["status"] is not None,
        row["status"],
        row["agent"],
    ]


@pytest.mark.parametrize("seed", range(4))
def test_the_counts_are_the_oracles_each_entry_once(seed: int) -> None:
    rows = some_rows(seed)
    oracle = counted(rows)
    hours = Counter(row["timestamp"].replace(minute=0, second=0) for row in oracle)
    found = {row["hour"]: row for row in run(COUNTS, rows)}
    assert {hour: row["requests"] for hour, row in found.items()} == {plain(hour): n for hour, n in hours.items()}
    assert sum(row["errors"] for row in found.values()) == sum(row["status"] in range(500, 600) for row in oracle)
    others = [row for row in oracle if not str(row["agent"]).startswith("netra-verify/")]
    assert sum(row["others"] for row in found.values()) == len(others)


@pytest.mark.parametrize("seed", range(4))
def test_the_errors_are_the_oracles_each_once_and_in_order(seed: int) -> None:
    rows = some_rows(seed)
    oracle = [row for row in counted(rows) if row["status"] in range(500, 600)]
    found = run(ERRORS, rows)
    assert [row["insert_id"] for row in found] == [
        row["insert_id"] for row in sorted(oracle, key=lambda row: (row["timestamp"], row["insert_id"]))
    ]
    assert tuple(found[0]) == COLUMNS


def test_a_trace_is_found_once() -> None:
    rows = some_rows(1)
    assert run(TRACED, rows) == [{"found": len(counted(rows))}]  # all rows are of one trace here


def answered(names: Sequence[str], *rows: Sequence[object], **more: object) -> dict[str, Any]:
    """An answer as BigQuery's REST API gives it: every value a text, time stamps in seconds."""
    cells = [{"f": [{"v": None if value is None else str(value)} for value in row]} for row in rows]
    return {
        "jobComplete": True,
        "schema": {"fields": [{"name": name, "type": "STRING"} for name in names]},
        "rows": cells,
        "jobReference": {"jobId": "job_1", "location": "US"},
        **more,
    }


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[LogAnalytics]:
    async with HttpClient(url, RunIdentity("test"), deadline_s=5) as client:
        yield LogAnalytics(GoogleApi(client, no_token), "p", "p.global._Default._AllLogs")


async def ask(url: str, what: str) -> Any:  # noqa: ANN401 - either answer
    async with asking(url) as analytics:
        return await getattr(analytics, what)(SERVICE, REVISION, WINDOW)


async def test_a_query_names_its_parameters_and_waits_for_its_job() -> None:
    hour = BEGUN.timestamp()
    unfinished = {"jobComplete": False, "jobReference": {"jobId": "job_1", "location": "US"}}
    done = answered(["hour", "requests", "others", "errors"], (f"{hour:.15E}", 7, 5, 1))
    with answering((200, unfinished), (200, done)) as script:
        (found,) = await ask(script.url, "count")
    assert (found.hour, found.requests, found.others, found.errors) == (BEGUN, 7, 5, 1)
    asked = script.asked[0].json()
    assert "FROM `p.global._Default._AllLogs`" in asked["query"]
    assert {one["name"] for one in asked["queryParameters"]} >= set(re.findall(r"@(\w+)", asked["query"]))
    assert SERVICE not in asked["query"]  # values are bound, never written into the statement
    assert {key: asked[key] for key in ("useLegacySql", "parameterMode", "timeoutMs")} == {
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "timeoutMs": 10_000,
    }
    typed = {
        one["name"]: (one["parameterType"]["type"], one["parameterValue"]["value"]) for one in asked["queryParameters"]
    }
    assert typed["start"] == ("TIMESTAMP", WINDOW.start.isoformat())
    assert typed["service"] == ("STRING", SERVICE)
    assert script.asked[0].path == "/bigquery/v2/projects/p/queries"
    assert script.asked[1].path == "/bigquery/v2/projects/p/queries/job_1?timeoutMs=10000&location=US"


async def test_errors_come_page_by_page_as_entries() -> None:
    row = (
        "id-1",
        BEGUN.timestamp(),
        "projects/p/logs/run.googleapis.com%2Frequests",
        "projects/p/traces/ab",
        None,
        503,
        "GET",
        "https://x/ws?a=1",
        "Mozilla",
        "0.1s",
    )
    other = ("id-2", *row[1:])
    with answering((200, answered(COLUMNS, row, pageToken="p2")), (200, answered(COLUMNS, other))) as script:
        found, whole = await ask(script.url, "errors")
    assert [one.insert_id for one in found] == ["id-1", "id-2"]
    assert whole
    assert (found[0].status, found[0].path, found[0].trace_id, found[0].is_server_error) == (503, "/ws", "ab", True)
    assert found[0].moment == BEGUN


async def test_what_bigquery_refuses_is_said() -> None:
    denied, failed = {"error": {"message": "bigquery.jobs.create denied"}}, [{"message": "Quota exceeded"}]
    with answering((403, denied)) as script, pytest.raises(SourceRefused, match=r"bigquery\.jobs\.create denied"):
        await ask(script.url, "count")
    complete = {"jobComplete": True, "errors": failed}
    with answering((200, complete)) as script, pytest.raises(SourceRefused, match="Quota exceeded"):
        await ask(script.url, "errors")


def test_a_view_that_is_none_is_refused() -> None:
    with pytest.raises(SourceRefused, match=r"project\.location\.bucket\.view"):
        LogAnalytics(None, "p", "logs; DROP TABLE x")  # type: ignore[arg-type]  # refused before it is used


async def test_a_look_by_sql_counts_and_finds_the_hours_in_which_the_log_was_off() -> None:
    names = ["hour", "requests", "others", "errors"]
    hours = answered(names, (f"{BEGUN.timestamp():.15E}", 7, 5, 0))
    ended = Counter({BEGUN + timedelta(minutes=30): 4, BEGUN + timedelta(hours=2, minutes=30): 9})
    with answering((200, answered(COLUMNS)), (200, hours), (200, answered(names))) as script:
        async with HttpClient(script.url, RunIdentity("test"), deadline_s=5) as client:
            source = LogAnalytics(GoogleApi(client, no_token), "p", "p.global._Default._AllLogs")
            look = await look_by_sql(
                source,
                Stretch(service=SERVICE, revision=REVISION, window=WINDOW, ended=ended, longest_request_s=300),
            )
    assert (look.errors, look.requests, look.counted, look.doubt) == ((), 5, 13, "")
    assert look.silent == (BEGUN + timedelta(hours=2),)
