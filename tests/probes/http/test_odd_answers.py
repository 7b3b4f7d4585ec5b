"""Every legal and illegal answer that a hand can write, at each client: a value or an error of a probe, in time."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from probes.errors import ProbeError
from probes.http.client import HttpClient
from probes.http.network_path import NetworkPath, find_path
from probes.http.reachability import Knock, knock
from probes.http.timing_transport import TimingTransport
from probes.identity import RunIdentity
from probes.timing.deadlines import Deadlines
from probes.websocket.handshake import Refused
from probes.websocket.sessions import Doorway
from tests.loopback import LOOPBACK, listening
from tests.probes.websocket.joining import DIALECT
from tests.system.waiting import HANGS_S

RUN = RunIdentity("a-run")
HEAD = b"HTTP/1.1 200 OK\r\n"
ANSWER_S = 3.0
ANSWERS: dict[str, bytes | None] = {
    "one byte after another": None,
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    "LF only": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "1.0": b"HTTP/1.0 200 OK\r\n\r\n{}",
    "0.9": b"{}",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/3": b"HTTP/3 200\r\n\r\n",
    "204 body": b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n{}",
    "304": b"HTTP/1.1 304 Not\r\n\r\n",
    "101 unasked": b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nxxxx",
    "100s": b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + HEAD + b"Content-Length: 2\r\n\r\n{}",
    "100 forever": b"HTTP/1.1 100 Continue\r\n\r\n" * 50000,
    "obs fold": HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "NUL header": HEAD + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "name space": HEAD + b"X : a\r\nContent-Length: 2\r\n\r\n{}",
    "no colon": HEAD + b"Xa\r\nContent-Length: 2\r\n\r\n{}",
    "empty name": HEAD + b": a\r\nContent-Length: 2\r\n\r\n{}",
    "latin": HEAD
    + b"X: \xff\xfe\r\nServer-Timing: \xff\r\nDate: \xff\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\n{}",
    "CL +": HEAD + b"Content-Length: +2\r\n\r\n{}",
    "CL neg": HEAD + b"Content-Length: -2\r\n\r\n{}",
    "CL huge": HEAD + b"Content-Length: 99999999999999999999999999\r\n\r\n{}",
    "CL 2 same": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "CL 2 diff": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "CL list": HEAD + b"Content-Length: 2, 2\r\n\r\n{}",
    "CL and TE": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "TE gzip": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "TE unknown": HEAD + b"Transfer-Encoding: foo\r\n\r\n{}",
    "chunk ext": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
    "chunk ext huge": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"a" * 200000 + b"\r\n{}\r\n0\r\n\r\n",
    "chunk trailers huge": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 50000 + b"\r\n",
    "chunk bad": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunk 0x": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "chunks of 1": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 60000 + b"2\r\n{}\r\n0\r\n\r\n",
    "ce identity": HEAD + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
    "ce empty": HEAD + b"Content-Encoding: \r\nContent-Length: 2\r\n\r\n{}",
    "ce gzip empty": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    "ce gzip trunc": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n" + gzip.compress(b"{}")[:12],
    "ce gzip twice member": HEAD
    + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
    + gzip.compress(b"{")
    + gzip.compress(b"}"),
    "ce gzip trailing": HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"{}") + b"junk",
    "ce deflate raw": HEAD + b"Content-Encoding: deflate\r\nConnection: close\r\n\r\n" + zlib.compress(b"{}")[2:-4],
    "ce deflate": HEAD + b"Content-Encoding: deflate\r\nConnection: close\r\n\r\n" + zlib.compress(b"{}"),
    "ce many": HEAD + b"Content-Encoding: " + b", ".join([b"gzip"] * 500) + b"\r\nContent-Length: 2\r\n\r\n{}",
    "ce weird": HEAD + b"Content-Encoding: GZIP , \xff\r\nContent-Length: 2\r\n\r\n{}",
    "status 000": b"HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\n{}",
    "status 1000": b"HTTP/1.1 1000 X\r\nContent-Length: 2\r\n\r\n{}",
    "status 99": b"HTTP/1.1 99 X\r\n\r\n",
    "status 600": b"HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\n{}",
    "302 odd": b"HTTP/1.1 302 X\r\nLocation: http://[::1\r\nLocation: javascript:1\r\nContent-Length: 0\r\n\r\n",
    "407": b"HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
    "401 odd": b"HTTP/1.1 401 X\r\nWWW-Authenticate: \xff,,=\r\nContent-Length: 0\r\n\r\n",
    "bytes after": HEAD + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 500 X\r\n\r\n",
    "only CR": b"\r" * 100000,
    "only LF": b"\n" * 100000,
    "blank": b" " * 100000,
    "NULs": b"\0" * 100000,
    "tls alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "empty line first": b"\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}",
    "ws 101 no key": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "ws 101 many keys": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: a\r\nSec-WebSocket-Accept: b\r\n\r\n",
    "ws 200": HEAD + b"Content-Length: 9999999\r\n\r\n{}",
    "ws 401 long": b"HTTP/1.1 401 X\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5000000,
    "ws 426": b"HTTP/1.1 426 X\r\nUpgrade: foo\r\nContent-Length: 0\r\n\r\n",
}
Client = Callable[[NetworkPath], Awaitable[object]]


@asynccontextmanager
async def server(said: bytes | None) -> AsyncIterator[NetworkPath]:
    """Answers every request with `said`, and is silent then; None: sends one letter after another for ever."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            while said is None:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.05)
            writer.write(said)
            await writer.drain()
            if b"Connection: close" not in said:
                await reader.read(-1)  # until the client has had enough
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone

    async with listening(talk) as port:
        yield find_path(f"http://{LOOPBACK}:{port}")


async def by_client(path: NetworkPath) -> object:
    async with HttpClient(path.url, RUN, deadline_s=ANSWER_S, path=path) as client:
        answer = await client.send("GET", "/")
        return answer.server_ms, answer.text, answer.json()


async def by_head(path: NetworkPath) -> object:
    async with HttpClient(path.url, RUN, deadline_s=ANSWER_S, path=path) as client:
        return (await client.send("HEAD", "/")).status


async def by_timing(path: NetworkPath) -> object:
    transport = TimingTransport(path.url, path)
    try:
        async with asyncio.timeout(ANSWER_S):
            return await transport.exchange("GET", "/", {})
    except TimeoutError:
        return "too slow"  # the caller has the deadline
    finally:
        await transport.aclose()


async def by_knocking(path: NetworkPath) -> object:
    plain = await knock(Knock(door="door", path=path, target="/", key="backend"), RUN, deadline_s=ANSWER_S)
    return plain, await knock(
        Knock(door="door", path=path, target="/", key="backend", upgrade=True), RUN, deadline_s=ANSWER_S
    )


async def by_socket(path: NetworkPath) -> object:
    deadlines = Deadlines(welcome=ANSWER_S, message=1.0, close=0.5)
    opened = await Doorway(
        url=path.url.replace("http", "ws", 1), identity=RUN, deadlines=deadlines, dialect=DIALECT, path=path
    ).open(None)
    if not isinstance(opened, Refused):
        await opened.aclose()
    return opened


@pytest.mark.parametrize("client", [by_client, by_head, by_timing, by_knocking, by_socket])
async def test_an_odd_answer_is_a_value_or_an_error_of_a_probe(client: Client) -> None:
    async def ask(name: str) -> str:
        async with server(ANSWERS[name]) as path:
            try:
                await client(path)
            except ProbeError:
                return ""
            except Exception as error:  # noqa: BLE001 - all of them are named together
                return f"{name}: {type(error).__name__}: {error}"
            return ""

    async with asyncio.timeout(HANGS_S):
        wrong = [said for said in await asyncio.gather(*map(ask, ANSWERS)) if said]
    assert not wrong
