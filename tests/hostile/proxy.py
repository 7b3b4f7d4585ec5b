"""A proxy that spoils one answer in a few, seeded: bytes, heads, bodies, times, frames of a WebSocket, and its TLS."""

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.hostile.sockets import SOCKET_MODES, Ends, tunnel
from tests.hostile.tls import TLS_MODES, tls_server
from tests.loopback import LOOPBACK, listening
from tests.serving import length_in

END = b"\r\n\r\n"
MIB = 1024 * 1024
BOMB = gzip.compress(gzip.compress(b" " * (64 * MIB)))
ODD_ENTRIES = json.dumps(
    {
        "entries": [
            {},
            {"insertId": 5, "timestamp": {}, "httpRequest": []},
            {"logName": None, "textPayload": ["x"], "labels": 1},
            {
                "logName": "projects/p/logs/run.googleapis.com%2Frequests",
                "httpRequest": {"status": "many", "latency": "1"},
            },
            {"timestamp": "9999-99-99T99:99:99Z", "jsonPayload": "\ud800", "trace": 7, "resource": "none"},
        ]
    }
).encode()
Spoil = Callable[[random.Random, bytes, bytes], bytes]  # the head and the body of an answer; returns what is sent


def _whole(head: bytes, body: bytes, *extra: bytes) -> bytes:
    """The answer with another body, its length right."""
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"transfer-enc"))]
    return b"\r\n".join([*kept, *extra, b"Content-Length: %d" % len(body)]) + END + body


def _wrong_types(draw: random.Random, head: bytes, body: bytes) -> bytes:
    """One value of the JSON becomes another kind of value."""
    try:
        value = json.loads(body)
    except ValueError:
        return _whole(head, b"[1]")
    others: list[Any] = [None, [], {}, "text", -1, 1.5, True, "\ud800", 10**30]
    other = draw.choice(others)
    if isinstance(value, dict) and value:
        value[draw.choice(list(value))] = other
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        value[0][draw.choice(list(value[0]))] = other
    else:
        value = other
    return _whole(head, json.dumps(value).encode())


def _chunked(head: bytes, chunks: bytes) -> bytes:
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"transfer-enc"))]
    return b"\r\n".join([*kept, b"Transfer-Encoding: chunked"]) + END + chunks


def _status(status: bytes, *headers: bytes) -> Spoil:
    return lambda _draw, head, body: _whole(b"HTTP/1.1 " + status + head[head.index(b"\r\n") :], body, *headers)


MODES: dict[str, Spoil] = {
    "deep JSON": lambda _d, head, _b: _whole(head, b'{"a":' * 1000 + b"1" + b"}" * 1000),
    "JSON text": lambda _d, head, _b: _whole(head, b'"a text"'),
    "JSON list": lambda _d, head, _b: _whole(head, b"[1, [], {}]"),
    "wrong types": _wrong_types,
    "no JSON": lambda _d, head, _b: _whole(head, b"<html>Checking your browser</html>"),
    "NaN": lambda _d, head, _b: _whole(head, b'{"status": NaN, "checks": Infinity}'),
    "bad UTF-8": lambda _d, head, body: _whole(head, body + b"\xff\xfe"),
    "gzip that is none": lambda _d, head, body: _whole(head, body, b"Content-Encoding: gzip"),
    "gzip in gzip": lambda _d, head, _b: _whole(head, BOMB, b"Content-Encoding: gzip, gzip"),
    "unknown coding": lambda _d, head, body: _whole(head, body, b"Content-Encoding: br"),
    "a body without end": lambda _d, head, _b: head + END + b" " * (20 * MIB),
    "many headers": lambda _d, head, body: _whole(head, body, *(b"X-%d: y" % number for number in range(1000))),
    "a long header": lambda _d, head, body: _whole(head, body, b"X: " + b"y" * 200_000),
    "Server-Timing": lambda _d, head, body: _whole(head, body, b'Server-Timing: total;dur="x, total;dur=1e999;;="'),
    "javascript": _status(b"302 Found", b"Location: javascript:alert(1)"),
    "nowhere": _status(b"302 Found", b"Location: http://[::1"),
    "429": _status(b"429 Too Many Requests", b"Retry-After: 999999999999"),
    "429 by date": _status(b"429 Too Many Requests", b"Retry-After: Wed, 99 Foo 2026"),
    "503": _status(b"503 Service Unavailable"),
    "HTTP/2": lambda _d, _h, _b: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no HTTP": lambda _d, _h, _b: b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "cut in the head": lambda _d, head, _b: head[: len(head) // 2],
    "cut in the body": lambda _d, head, body: head + END + body[: len(body) // 2],
    "connection close": lambda _d, head, body: _whole(head, body, b"Connection: close"),
    "nothing": lambda _d, _h, _b: b"",
    "401": _status(b"401 Unauthorized"),
    "403": _status(b"403 Forbidden"),
    "one page for ever": lambda _d, head, _b: _whole(head, b'{"entries": [], "nextPageToken": "again"}'),
    "entries of any kind": lambda _d, head, _b: _whole(head, ODD_ENTRIES),
    "status 999": _status(b"999 Whatever"),
    "status without a number": _status(b"OK OK"),
    "two lengths": lambda _d, head, body: _whole(head, body, b"Content-Length: 1"),
    "chunks that lie": lambda _d, head, body: _chunked(head, b"ffffffffffffffff\r\n" + body),
    "informational for ever": lambda _d, head, body: b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000 + head + END + body,
}


HARMLESS = frozenset({"connection close", "Server-Timing"})  # a run may be GO all the same
ALL_MODES = (*MODES, *SOCKET_MODES, *TLS_MODES)


@dataclass(slots=True)
class Hostility:
    """What is spoiled, and how much of it."""

    mode: str
    share: float
    seed: int
    spoiled: int = 0


@asynccontextmanager
async def hostile(upstream: str, hostility: Hostility) -> AsyncIterator[str]:
    """The proxy before a URL; yields its own."""
    serve = _Spoiler(upstream, hostility).serve
    if hostility.mode in TLS_MODES:
        hostility.spoiled += 1
        async with tls_server(hostility.mode, serve) as url:
            yield url
        return
    async with listening(serve, limit=4 * MIB) as port:
        yield f"http://{LOOPBACK}:{port}"


class _Spoiler:
    """Passes requests on, and spoils some of the answers."""

    def __init__(self, upstream: str, hostility: Hostility) -> None:
        self._place = urlsplit(upstream)
        self._hostility = hostility
        self._draw = random.Random(hostility.seed)  # noqa: S311 - seeded

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which has one request."""
        near = reader, writer
        try:
            head = (await reader.readuntil(END)).removesuffix(END)
            far = await asyncio.open_connection(self._place.hostname, self._place.port)
            if b"upgrade: websocket" in head.lower():
                far[1].write(head + END)
                mode = self._hostility.mode if self._now() else ""
                self._hostility.spoiled += await tunnel(near, far, mode, self._draw)
                return
            writer.write(self._spoiled(await _ask(head, await reader.readexactly(length_in(head)), far)))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # one side has gone

    def _now(self) -> bool:
        return self._draw.random() < self._hostility.share

    def _spoiled(self, answer: bytes) -> bytes:
        head, _, body = answer.partition(END)
        if self._hostility.mode not in MODES or not self._now():
            return answer
        self._hostility.spoiled += 1
        return MODES[self._hostility.mode](self._draw, head, body)


async def _ask(head: bytes, body: bytes, far: Ends) -> bytes:
    """The service's answer to one request, its connection closed."""
    reader, writer = far
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection", b"accept-enc"))]
    writer.write(b"\r\n".join([*lines, b"Connection: close"]) + END + body)
    answer = await reader.read(-1)
    writer.close()
    return answer
