"""A pool whose connections remember their sockets: it still notices which of them the server has closed."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

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
