"""A pool whose connections remember their sockets: it still notices which of them the server has closed."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from probes.errors import BadAnswer, Unreachable
from probes.http import pooled_sockets
from probes.http.client import HttpClient
from probes.http.pooled_sockets import is_readable
from probes.identity import RunIdentity

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers every request, and closes its connections when `close_all` is called."""

    def __init__(self) -> None:
        self.opened = 0
        self._open = list[asyncio.StreamWriter]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self._open.append(writer)
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(ANSWER)

    async def close_all(self) -> None:
        for writer in self._open:
            writer.close()
            await writer.wait_closed()
        self._open.clear()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, HttpClient]]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with HttpClient(f"http://127.0.0.1:{port}", RunIdentity("run"), deadline_s=60.0) as client:
        yield server, client
    await server.close_all()
    listening.close()


async def test_a_connection_is_used_again() -> None:
    async with serving() as (server, client):
        for _ in range(3):
            assert (await client.send("GET", "/")).body == b"ok"
        assert server.opened == 1


async def test_one_that_the_server_has_closed_is_not_used_again() -> None:
    async with serving() as (server, client):
        await client.send("GET", "/")
        await server.close_all()
        assert (await client.send("GET", "/")).body == b"ok"
        assert server.opened == 2


@pytest.mark.parametrize("status", [400, 408, 413, 414, 431])
async def test_one_over_which_a_requests_form_was_refused_is_not_used_again(status: int) -> None:
    """Some servers close it then and do not say so: the next request over it meets a reset."""
    refusal = ANSWER.replace(b"200 OK", b"%d Refused" % status)
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal if opened == 1 else ANSWER)
        await reader.read(1)  # a second request: not read to its end, so that the close is a reset
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, HttpClient(f"http://127.0.0.1:{port}", RunIdentity("run"), deadline_s=60.0) as client:
        assert (await client.send("GET", "/")).status == status
        assert (await client.send("GET", "/")).body == b"ok"
        assert (opened, client.sent_again) == (2, [])


@pytest.mark.parametrize("way", ["data", "the end", "nothing", "closed on our side"])
def test_what_a_read_would_find(way: str) -> None:
    ours, theirs = socket.socketpair()
    if way == "data":
        theirs.send(b"x")
    if way == "the end":
        theirs.close()
    if way == "closed on our side":
        ours.close()
    assert is_readable(ours.fileno()) is (way != "nothing")
    ours.close()
    theirs.close()


def test_a_descriptor_that_another_closed_is_readable() -> None:
    ours, theirs = socket.socketpair()
    descriptor = os.dup(ours.fileno())
    os.close(descriptor)
    assert is_readable(descriptor)  # poll() answers POLLNVAL, and a read would fail at once
    ours.close()
    theirs.close()


class Dropping:
    """Answers the first request of each connection; at the next it drops the connection, as a reset or as its end."""

    def __init__(self, *, reset: bool) -> None:
        self.asked = list[bytes]()
        self._reset = reset

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = [ANSWER]
        while line := await reader.readline():
            self.asked.append(line)
            while (await reader.readline()).strip():
                pass
            if not answers:
                break
            writer.write(answers.pop())
        if self._reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()


@asynccontextmanager
async def dropping(*, reset: bool) -> AsyncIterator[tuple[Dropping, HttpClient]]:
    server = Dropping(reset=reset)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with HttpClient(f"http://127.0.0.1:{port}", RunIdentity("run"), deadline_s=60.0) as client:
        yield server, client
    listening.close()


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "ended"])
async def test_what_met_the_end_of_an_idle_connection_is_sent_on_another(
    *, reset: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server closes it while the request is on its way, which a look at the socket before can't show."""
    monkeypatch.setattr(pooled_sockets, "IDLE_S", 0.0)
    async with dropping(reset=reset) as (server, client):
        await client.send("GET", "/first")
        assert (await client.send("GET", "/second")).body == b"ok"
        assert server.asked == [b"GET /first HTTP/1.1\r\n", *[b"GET /second HTTP/1.1\r\n"] * 2]
        assert client.sent_again == ["GET /second: it had been idle for 0.0 s"]


async def test_what_may_not_be_sent_twice_is_not_sent_on_an_idle_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled_sockets, "IDLE_S", 0.0)
    async with dropping(reset=True) as (server, client):
        await client.send("POST", "/first")
        assert (await client.send("POST", "/second")).body == b"ok"
        assert server.asked == [b"POST /first HTTP/1.1\r\n", b"POST /second HTTP/1.1\r\n"]


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "ended"])
async def test_a_connection_in_use_that_is_dropped_is_the_services_doing(*, reset: bool) -> None:
    async with dropping(reset=reset) as (server, client):
        await client.send("GET", "/first")
        with pytest.raises((Unreachable, BadAnswer)) as caught:
            await client.send("GET", "/second")
        assert caught.value.detail.rpartition(": ")[2]
        assert len(server.asked) == 2


async def test_what_our_own_pool_closes_is_sent_on_another_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool may take a connection for idle that a request has just been given (httpcore 1.0)."""
    write, closing = pooled_sockets.RememberingStream.write, [True]

    async def close_after(self: pooled_sockets.RememberingStream, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as httpcore has it
        await write(self, buffer, timeout)
        if closing and closing.pop():
            await self.aclose()

    async with serving() as (server, client):
        monkeypatch.setattr(pooled_sockets.RememberingStream, "write", close_after)
        assert (await client.send("GET", "/")).body == b"ok"
        assert server.opened == 2
