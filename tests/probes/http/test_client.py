"""The HTTP client: what a request carries, what an answer is read as, and what is said where there is none."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Unpack

import pytest

from probes.errors import BadAnswer, ProbeError, RateLimited, TooSlow, Unreachable
from probes.foreign.limits import HEADERS
from probes.http.client import Answer, HttpClient
from probes.http.client import Headers as AnswerHeaders
from probes.http.network_path import find_path
from probes.http.request_options import Headers, RequestOptions
from probes.identity import RunIdentity
from probes.secret import Secret
from tests.loopback import LOOPBACK, listening
from tests.probes.answering import Asked, answering
from tests.serving import Reply, serving
from tests.system.waiting import HANGS_S

RUN = RunIdentity("a-run")


def answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status=status, headers=AnswerHeaders(named), body=body, elapsed_s=0.1, trace_id="t", request="GET http://x/"
    )


def refused(of: Answer, read: str) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        getattr(of, read)()
    assert caught.value.request == "GET http://x/"
    return caught.value


async def asked_for(method: str = "GET", path: str = "/", **options: Unpack[RequestOptions]) -> Asked:
    with answering((200, {})) as script:
        async with HttpClient(script.url, RUN, deadline_s=HANGS_S) as client:
            await client.send(method, path, **options)
    (asked,) = script.asked
    return asked


@asynccontextmanager
async def closing(said: bytes) -> AsyncIterator[HttpClient]:
    """A client of a server that says something to each request and closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async with listening(talk) as port, HttpClient(f"http://{LOOPBACK}:{port}", RUN, deadline_s=HANGS_S) as client:
        yield client


async def test_a_request_asks_for_any_type_and_for_the_codings_that_are_undone() -> None:
    asked = await asked_for()
    assert asked.headers["Accept"] == "*/*"
    assert asked.headers["Accept-Encoding"] == "gzip, deflate"
    assert "Authorization" not in asked.headers
    assert asked.body == b""


@pytest.mark.parametrize(
    "headers", [{"X-One": Secret("1"), "X-Two": "2"}, [("X-One", Secret("1")), ("X-Two", Secret("2"))]]
)
async def test_a_token_and_further_headers_are_sent_unwrapped(headers: Headers) -> None:
    asked = await asked_for(token=Secret("opensesame"), headers=headers)
    assert asked.headers["Authorization"] == "Bearer opensesame"
    assert (asked.headers["X-One"], asked.headers["X-Two"]) == ("1", "2")


async def test_a_header_may_be_sent_twice() -> None:
    async with serving(lambda _head: Reply()) as server, HttpClient(server.url, RUN, deadline_s=HANGS_S) as client:
        await client.send("GET", "/", headers=[("X-Twice", "a"), ("X-Twice", "b")])
    lines = server.heard[0].split(b"\r\n")
    assert [line for line in lines if line.startswith(b"X-Twice")] == [b"X-Twice: a", b"X-Twice: b"]


async def test_a_body_is_json_or_raw_and_a_query_is_sent() -> None:
    written = await asked_for("POST", "/items", json={"a": [Secret("b")]}, params={"page": 2, "q": "ü"})
    assert (written.path, written.json()) == ("/items?page=2&q=%C3%BC", {"a": ["b"]})
    assert written.headers["Content-Type"] == "application/json"
    raw = await asked_for("POST", "/items", content=b"\x00raw")
    assert raw.body == b"\x00raw"


@pytest.mark.parametrize("slashes", ["", "/"])
async def test_a_path_is_below_the_base_url(slashes: str) -> None:
    shown = list[Answer]()
    with answering((201, {"a": 1})) as script:
        base = f"{script.url}/base"
        async with HttpClient(base + slashes, RUN, deadline_s=HANGS_S, watch=shown.append) as client:
            got = await client.send("GET", "/x", trace_id="a" * 32)
    assert script.asked[0].path == "/base/x"
    assert client.base_url == base
    assert (got.request, got.trace_id, got.status) == (f"GET {base}/x", "a" * 32, 201)
    assert 0 < got.elapsed_s < HANGS_S
    assert shown == [got]


@pytest.mark.parametrize("value", ["snowman ☃", "two\nlines"])
async def test_what_no_client_can_send_is_said_without_its_secret(value: str) -> None:
    async with HttpClient(f"http://{LOOPBACK}:9", RUN, deadline_s=HANGS_S) as client:
        with pytest.raises((ValueError, ProbeError)) as caught:
            await client.send("GET", "/", headers={"X-Secret": Secret(value)})
    assert value not in str(caught.value)


async def test_a_url_that_can_not_be_written_is_named() -> None:
    async with HttpClient(f"http://{LOOPBACK}:9", RUN, deadline_s=HANGS_S) as client:
        with pytest.raises(
            ValueError, match=r"^GET http://127.0.0.1:9/\n can't be sent by this client \(InvalidURL\)$"
        ):
            await client.send("GET", "/\n")


async def test_an_answer_to_head_has_no_body_to_decode() -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 99\r\n\r\n"
    async with serving(lambda _head: Reply(raw=said)) as server, HttpClient(server.url, RUN, deadline_s=HANGS_S) as it:
        assert (await it.send("HEAD", "/")).body == b""
        with pytest.raises(BadAnswer, match="'br', which was not asked for"):
            await it.send("GET", "/")


async def test_an_answer_is_decoded_and_may_have_as_many_headers_as_the_bound() -> None:
    reply = Reply(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
    full = Reply(headers={f"X-{number}": "y" for number in range(HEADERS - 3)})  # three are always there
    for sent in (lambda _head: reply, lambda _head: full):
        async with serving(sent) as server, HttpClient(server.url, RUN, deadline_s=HANGS_S) as client:
            assert (await client.send("GET", "/")).json() == {}
    more = Reply(headers={f"X-{number}": "y" for number in range(HEADERS - 2)})
    async with serving(lambda _head: more) as server, HttpClient(server.url, RUN, deadline_s=HANGS_S) as client:
        with pytest.raises(BadAnswer, match=rf": {HEADERS + 1} header lines$"):
            await client.send("GET", "/")


@pytest.mark.parametrize("own, limit", [(0.2, None), (HANGS_S, 0.2)])
async def test_an_answer_must_come_within_the_requests_deadline_or_else_the_clients(
    own: float, limit: float | None
) -> None:
    late = Reply(delay_s=HANGS_S)
    async with serving(lambda _head: late) as server, HttpClient(server.url, RUN, deadline_s=own) as client:
        with pytest.raises(TooSlow) as caught:
            await client.send("GET", "/slow", deadline_s=limit)
    assert str(caught.value) == f"GET {server.url}/slow: no answer within 0.2 s"


async def test_what_is_no_answer_is_bad_and_what_never_came_is_unreachable() -> None:
    async with closing(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as client:
        with pytest.raises(BadAnswer, match=r"^GET http://127.0.0.1:\d+/: not an HTTP answer: illegal status line"):
            await client.send("GET", "/")
    async with closing(b"") as client:
        with pytest.raises(BadAnswer, match="not an HTTP answer: Server disconnected"):
            await client.send("GET", "/")
    async with HttpClient("http://no-such-host.invalid", RUN, deadline_s=HANGS_S) as client:
        with pytest.raises(Unreachable, match=r"/: ConnectError: \S"):
            await client.send("GET", "/")


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_an_answer_and_not_followed(status: int) -> None:
    reply = Reply(status=status, headers={"Location": "http://[::1"})
    async with serving(lambda _head: reply) as server, HttpClient(server.url, RUN, deadline_s=HANGS_S) as client:
        assert (await client.send("GET", "/")).status == status
    assert len(server.heard) == 1


def test_a_client_without_a_path_takes_the_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    direct = find_path(f"http://{LOOPBACK}:9")
    assert HttpClient("http://x.invalid", RUN, deadline_s=1.0, path=direct).path is direct
    proxy = HttpClient("http://x.invalid/", RUN, deadline_s=1.0).path.proxy
    assert proxy is not None
    assert proxy.authority == "proxy.invalid:3128"


@pytest.mark.parametrize("value", [{}, {"a": None}])
def test_an_object_is_read_as_one(value: dict[str, Any]) -> None:
    assert answer(json.dumps(value).encode()).json_object() == value
    assert answer(json.dumps([value, value]).encode()).json_objects() == [value, value]


def test_an_empty_list_is_a_list_of_objects() -> None:
    assert answer(b"[]").json_objects() == []


@pytest.mark.parametrize(
    "read, body, said",
    [
        ("json_object", "[]", "status 200, JSON, but list instead of an object: '[]'"),
        ("json_object", "null", "status 200, JSON, but NoneType instead of an object: 'null'"),
        ("json_objects", "{}", "status 200, JSON, but dict instead of a list of objects: '{}'"),
        ("json_objects", "[{}, 1]", "status 200, JSON, but list instead of a list of objects: '[{}, 1]'"),
        ("json_objects", "[1, {}]", "status 200, JSON, but list instead of a list of objects: '[1, {}]'"),
    ],
)
def test_json_of_another_kind_is_named_with_what_was_wanted(read: str, body: str, said: str) -> None:
    error = refused(answer(body.encode()), read)
    assert isinstance(error, BadAnswer)
    assert error.detail == said


def test_what_is_not_json_is_shown_with_its_type() -> None:
    page = refused(answer(b"<html>\xff", 502, content_type="text/html" + "x" * 100), "json")
    bare = refused(answer(b"", 200), "json")
    assert page.detail.startswith(f"status 502, text/html{'x' * 71}…, not JSON ('utf-8' codec")
    assert page.detail.endswith(": '<html>\ufffd'")
    assert bare.detail == "status 200, no content type, not JSON (Expecting value: line 1 column 1 (char 0)): ''"


@pytest.mark.parametrize(
    "wait, said, wait_s",
    [
        ("", "answered 429: 'slow down'", None),
        ("7", "answered 429, Retry-After 7: 'slow down'", 7.0),
        ("0", "answered 429, Retry-After 0: 'slow down'", 0.0),
        ("1.5", "answered 429, Retry-After 1.5: 'slow down'", None),
        ("-1", "answered 429, Retry-After -1: 'slow down'", None),
        ("Wed, 21 Oct 2026", "answered 429, Retry-After Wed, 21 Oct 2026: 'slow down'", None),
        ("9" * 41, f"answered 429, Retry-After {'9' * 40}…: 'slow down'", None),
    ],
)
@pytest.mark.parametrize("read", ["json", "json_object", "json_objects", "refuse_limiter"])
def test_a_limiters_answer_is_no_one_elses_and_says_how_long_to_wait(
    wait: str, said: str, wait_s: float | None, read: str
) -> None:
    limited = refused(answer(b"slow down", 429, **({"retry_after": wait} if wait else {})), read)
    assert isinstance(limited, RateLimited)
    assert (limited.detail, limited.wait_s) == (said, wait_s)


def test_of_a_limiters_page_the_beginning_is_shown() -> None:
    assert refused(answer(b"x" * 121, 429), "json").detail == f"answered 429: '{'x' * 120}…'"


@pytest.mark.parametrize("status", [200, 428, 430, 503])
def test_any_other_status_is_the_services(status: int) -> None:
    answer(b"{}", status).refuse_limiter()
    assert answer(b"{}", status).json() == {}


def test_the_servers_own_time_is_its_total() -> None:
    assert answer(b"", server_timing="db;dur=3, total;dur=12.5").server_ms == 12.5
    assert answer(b"", server_timing="db;dur=3").server_ms is None
    assert answer(b"").server_ms is None
