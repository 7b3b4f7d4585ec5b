"""What a server sends costs at most a bound, and every answer has its outcome: a value, or an error of a probe."""

import gzip
import json
import random
import zlib

import pytest

from probes.errors import BadAnswer, ProbeError, RateLimited
from probes.foreign.json_values import read_json
from probes.foreign.limits import BODY_BYTES, HEADERS, JSON_DEPTH, WIRE_BYTES
from probes.http.client import Answer, HttpClient
from probes.http.server_timing import server_timing
from probes.identity import RunIdentity
from tests.hostile.proxy import MODES
from tests.serving import Reply, serving

RUN = RunIdentity("a-run")
GOOD = b'{"status": "healthy", "checks": {"database": "healthy"}, "items": [{"id": "a", "n": 1}]}'
BOMB = gzip.compress(gzip.compress(b" " * (4 * BODY_BYTES), compresslevel=1))


async def ask(reply: Reply) -> Answer:
    async with serving(lambda _: reply) as server, HttpClient(server.url, RUN, deadline_s=60.0) as client:
        return await client.send("GET", "/")


@pytest.mark.parametrize(
    "reply,said",
    [
        (Reply(body=BOMB, headers={"Content-Encoding": "gzip, gzip"}), "become over"),
        (Reply(body=b" " * (WIRE_BYTES + 1)), "reading was stopped"),
        (Reply(headers={"Content-Encoding": "gzip"}), "and is not"),
        (Reply(headers={"Content-Encoding": "br"}), "was not asked for"),
        (Reply(headers={"Content-Encoding": "gzip, gzip, gzip"}), "3 codings"),
        (Reply(body=gzip.compress(GOOD, mtime=0)[:-9], headers={"Content-Encoding": "gzip"}), "ends before its end"),
        (Reply(headers={f"X-{number}": "y" for number in range(HEADERS + 1)}), "header lines"),
    ],
)
async def test_an_answer_over_a_bound_is_a_bad_answer(reply: Reply, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        await ask(reply)


@pytest.mark.parametrize(
    "coding,body",
    [
        ("gzip", gzip.compress(GOOD, mtime=0) * 2),
        ("deflate", zlib.compress(GOOD)),
        ("deflate", zlib.compress(GOOD)[2:-4]),
        ("identity", GOOD),
    ],
)
async def test_codings_are_undone(coding: str, body: bytes) -> None:
    answer = await ask(Reply(body=body, headers={"Content-Encoding": coding}))
    assert answer.body == GOOD * (2 if coding == "gzip" else 1)


@pytest.mark.parametrize("mode", MODES)
async def test_every_hostile_answer_is_a_value_or_an_error_of_a_probe(mode: str) -> None:
    head, _, body = Reply(body=GOOD).written().partition(b"\r\n\r\n")
    spoiled = MODES[mode](random.Random(1), head, body)  # noqa: S311 - seeded
    try:
        read = (await ask(Reply(raw=spoiled, close=True))).json_object()
    except ProbeError:
        read = {}  # any other error fails this test
    assert isinstance(read, dict)


async def test_a_limiter_s_answer_is_not_the_service_s() -> None:
    answer = await ask(Reply(status=429, headers={"Retry-After": "99999999999"}))
    with pytest.raises(RateLimited, match="Retry-After 99999999999"):
        answer.json()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1000 + "]" * 1000,
        '{"a":' * (JSON_DEPTH + 1) + "1" + "}" * (JSON_DEPTH + 1),
        "NaN",
        "1e999",
        "\ufeff{}",
        "",
        "[" + "[]," * 1_100_000 + "1]",
    ],
    ids=["lists", "objects", "NaN", "1e999", "BOM", "empty", "values"],
)
def test_json_beyond_the_bounds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text.encode())


def test_brackets_and_commas_within_text_count_for_nothing() -> None:
    value = {"deep": "[" * 5000, "quoted": '"[{' * 500, "many": "," * 1_100_000, "end": "\\"}
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "header", ['total;dur="1', "total;dur=nan", "total;dur=1e999", "total;dur=-1", ";;=,", 'a;desc="x']
)
def test_a_server_timing_that_is_no_time_is_none(header: str) -> None:
    assert server_timing([(b"Server-Timing", header.encode())], "total") in {None, 1.0}


def test_a_comma_within_quotes_is_no_end_of_a_metric() -> None:
    header = b'db;desc="a, total;dur=9", total;DUR="4.5";dur=7'
    assert server_timing([(b"server-timing", header)], "total") == 4.5


@pytest.mark.parametrize(
    "headers, found",
    [
        ([b"total;dur=86400000"], 86_400_000.0),
        ([b"total;dur=86400001"], None),
        ([b"total;dur=0"], 0.0),
        ([b"db;dur=3, total;dur=4"], 4.0),
        ([b"total, total;dur=5"], 5.0),
        ([b"total;desc=x", b"total;dur=6"], 6.0),
        ([b"TOTAL;dur=7"], None),
        ([b'total;dur="8"'], 8.0),
        ([], None),
    ],
)
def test_the_first_duration_of_a_metric_is_its_time_up_to_a_day(headers: list[bytes], found: float | None) -> None:
    pairs = [(b"X", b"total;dur=1"), *((b"Server-Timing", header) for header in headers)]
    assert server_timing(pairs, "total") == found
