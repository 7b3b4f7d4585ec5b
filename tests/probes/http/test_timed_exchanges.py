"""The measuring transport: what it sends, which connection it takes, and what it refuses to read."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from probes.errors import BadAnswer, ProbeError, Unreachable
from probes.foreign.limits import HEADERS, PARTS, TIMED_BYTES
from probes.http.network_path import find_path
from probes.http.timing_transport import TimingTransport
from probes.secret import Secret
from tests.loopback import LOOPBACK, listening
from tests.serving import Reply, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def transport_to(reply: Reply) -> AsyncIterator[TimingTransport]:
    async with serving(lambda _head: reply) as server:
        transport = TimingTransport(server.url)
        yield transport
        await transport.aclose()


async def refusal(reply: Reply) -> BadAnswer:
    async with transport_to(reply) as transport:
        with pytest.raises(BadAnswer) as caught:
            await transport.exchange("GET", "/x", {})
    assert caught.value.request.startswith(f"GET {LOOPBACK}:")
    assert caught.value.request.endswith("/x")
    return caught.value


@pytest.mark.parametrize("body", [b"opensesame", Secret("opensesame")])
async def test_a_request_names_its_host_and_length_and_carries_front_headers(body: bytes | Secret) -> None:
    async with serving(lambda _head: Reply()) as server:
        front = (("X-Front", Secret("door")), ("X-Both", "front"))
        transport = TimingTransport(server.url, find_path(server.url, headers=front))
        await transport.exchange("POST", "/a?b=c", {"X-Own": Secret("own"), "X-Both": "own"}, body)
        await transport.exchange("GET", "/", {})
        await transport.aclose()
    lines = server.heard[0].split(b"\r\n")
    place = server.url.removeprefix("http://").encode()
    assert lines[0] == b"POST /a?b=c HTTP/1.1"
    assert {b"Host: " + place, b"Content-Length: 10", b"X-Front: door", b"X-Own: own", b"X-Both: own"} <= set(lines)
    assert b"X-Both: front" not in lines
    assert b"Content-Length: 0" in server.heard[1].split(b"\r\n")


async def test_an_answer_is_given_whole() -> None:
    reply = Reply(status=207, body=b"\x00body", headers={"X-Twice": "a"})
    async with transport_to(reply) as transport:
        got = await transport.exchange("GET", "/", {})
    assert (got.status, got.body) == (207, b"\x00body")
    assert (b"x-twice", b"a") in got.headers


async def test_calls_at_once_have_connections_of_their_own_and_the_newest_idle_one_is_taken() -> None:
    async with transport_to(Reply(delay_s=0.05)) as transport:
        at_once = await asyncio.gather(*(transport.exchange("GET", "/", {}) for _ in range(3)))
        after = await asyncio.gather(*(transport.exchange("GET", "/", {}) for _ in range(4)))
    assert [one.opened is None for one in at_once] == [False] * 3
    assert sorted(one.opened is None for one in after) == [False, True, True, True]


async def test_closing_ends_every_idle_connection() -> None:
    ended = asyncio.Semaphore(0)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(Reply().written())
        await reader.read(-1)
        ended.release()

    async with listening(talk) as port:
        transport = TimingTransport(f"http://{LOOPBACK}:{port}")
        await asyncio.gather(*(transport.exchange("GET", "/", {}) for _ in range(3)))
        await transport.aclose()
        for _ in range(3):
            await ended.acquire()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_a_connection_that_ends_before_any_answer_is_unreachable() -> None:
    async def shut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if asked.pop():
            reset(writer)

    asked = [False, True]
    async with listening(shut) as port:
        for _ in range(2):
            with pytest.raises(Unreachable) as caught:
                await TimingTransport(f"http://{LOOPBACK}:{port}").exchange("GET", "/x", {})
            assert str(caught.value) == f"GET {LOOPBACK}:{port}/x: closed before any answer"


@pytest.mark.parametrize(
    "end, kind, said",
    [
        (reset, Unreachable, "ended in mid-answer: ConnectionResetError: "),
        (asyncio.StreamWriter.close, BadAnswer, "not an HTTP/1.1 answer: "),
    ],
    ids=["reset", "ended"],
)
async def test_a_reset_in_mid_answer_is_unreachable_and_an_end_is_a_bad_answer(
    end: Callable[[asyncio.StreamWriter], None],
    kind: type[ProbeError],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken, feed_data = asyncio.Event(), asyncio.StreamReader.feed_data

    def feed(self: asyncio.StreamReader, data: bytes) -> None:
        feed_data(self, data)
        if data.endswith(b"half"):
            taken.set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await taken.wait()  # a reset would take away what is not read yet
        end(writer)

    monkeypatch.setattr(asyncio.StreamReader, "feed_data", feed)
    async with listening(talk) as port:
        with pytest.raises(kind) as caught:
            await TimingTransport(f"http://{LOOPBACK}:{port}").exchange("GET", "/", {})
    assert caught.value.detail.startswith(said)


@pytest.mark.parametrize("count, good", [(HEADERS, True), (HEADERS + 1, False)])
async def test_an_answer_may_have_as_many_header_lines_as_the_bound(count: int, *, good: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X: y\r\n" * (count - 1) + b"\r\n"
    if good:
        async with transport_to(Reply(raw=head)) as transport:
            assert len((await transport.exchange("GET", "/", {})).headers) == count
    else:
        assert (await refusal(Reply(raw=head))).detail == f"{HEADERS + 1} header lines"


async def test_an_answer_may_be_as_long_as_a_short_one_is_and_no_longer() -> None:
    async with transport_to(Reply(body=b"x" * TIMED_BYTES)) as transport:
        assert len((await transport.exchange("GET", "/", {})).body) == TIMED_BYTES
    longer = await refusal(Reply(body=b"x" * (TIMED_BYTES + 1)))
    assert longer.detail == "a body of over 64 KiB although a short answer is promised"


async def test_an_answer_of_too_many_parts_is_refused() -> None:
    few, many = ((CHUNKED + b"1\r\nx\r\n" * count + b"0\r\n\r\n") for count in (PARTS // 4, PARTS))
    async with transport_to(Reply(raw=few)) as transport:
        assert (await transport.exchange("GET", "/", {})).body == b"x" * (PARTS // 4)
    assert (await refusal(Reply(raw=many))).detail == f"over {PARTS} parts although a short answer is promised"


async def test_what_is_no_answer_of_http_is_shown() -> None:
    assert (await refusal(Reply(raw=b"SSH-2.0\r\n\r\n"))).detail.startswith(
        "not an HTTP/1.1 answer: illegal status line"
    )
