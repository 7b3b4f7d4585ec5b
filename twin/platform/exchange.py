"""One request on its way through an edge: read, asked of the instance, answered as Google's front end does."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import h11

from twin.platform.state import Revision

CHUNK = 64 * 1024


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way through."""

    request: h11.Request
    headers: dict[str, str]
    revision: Revision
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    received: int = 0
    sent: int = 0

    @property
    def target(self) -> str:
        """Path and query as sent."""
        return self.request.target.decode("ascii", "replace")


class InstanceClosed(Exception):
    """The instance closed an idle connection."""


def traced(request: h11.Request) -> dict[str, str]:
    """The headers as sent on, with a trace where the client brought none."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name.decode().lower()] = value.decode("latin-1")
    parent = headers.get("traceparent", "").split("-")
    trace = parent[1] if len(parent) == 4 else headers.get("x-cloud-trace-context", "").partition("/")[0]  # noqa: PLR2004 - W3C's four parts
    trace = trace or secrets.token_hex(16)
    headers.setdefault("x-cloud-trace-context", f"{trace}/1;o=1")
    headers.setdefault("traceparent", f"00-{trace}-{secrets.token_hex(8)}-01")
    return headers


def pairs_of(exchange: Exchange) -> list[tuple[str, str]]:
    """The headers for the instance, as the client sent them (one name may come twice).

    Those that `Platform.rewrite` took out are left out; the trace headers are as it left them.
    """
    traced = ("traceparent", "x-cloud-trace-context")
    left_out = {*traced, "connection", "transfer-encoding", "content-length"}
    kept = [
        (name.decode(), value.decode("latin-1"))
        for name, value in exchange.request.headers
        if (lower := name.decode().lower()) in exchange.headers and lower not in left_out
    ]
    return [*kept, *((name, exchange.headers[name]) for name in traced)]


def head_of(exchange: Exchange) -> bytes:
    """A handshake as the instance gets it."""
    lines = [f"{exchange.request.method.decode()} {exchange.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in [*pairs_of(exchange), ("Connection", "Upgrade")]]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request | None, bytes]:
    """The next request of a connection and its body; None when there is none any more."""
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return request, bytes(body)
        else:  # closed, or paused: nothing more to serve
            return (request, bytes(body)) if event is h11.PAUSED and request else (None, b"")


async def ask(
    exchange: Exchange, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[h11.Response, bytes, bool]:
    """The instance's answer, its body, and whether the connection can be used again. Raises InstanceClosed."""
    connection = h11.Connection(h11.CLIENT)
    pairs = [*pairs_of(exchange), ("Content-Length", str(len(body)))]
    headers = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
    request = h11.Request(method=exchange.request.method, target=exchange.request.target, headers=headers)
    parts = [connection.send(request), connection.send(h11.Data(body)), connection.send(h11.EndOfMessage())]
    writer.write(b"".join(part for part in parts if part))
    response: h11.Response | None = None
    answer = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(CHUNK)
            if not data and response is None:
                raise InstanceClosed
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            answer += event.data
        elif isinstance(event, h11.EndOfMessage) and response is not None:
            again = connection.our_state is h11.DONE and connection.their_state is h11.DONE
            return response, bytes(answer), again


def own_answer(status: int) -> h11.Response:
    """An answer of the edge itself."""
    return h11.Response(status_code=status, headers=[("content-type", "text/plain")])


def serialise(
    connection: h11.Connection, response: h11.Response, answer: bytes, method: bytes, *, last: bool = False
) -> bytes:
    """An answer as the client gets it; `last`: the connection is closed after it, as it then says."""
    kept = [
        (name, value)
        for name, value in response.headers
        if name.lower() not in {b"connection", b"transfer-encoding", b"content-length", b"server"}
    ]
    headers = [*kept, (b"content-length", str(len(answer)).encode()), (b"server", b"Google Frontend")]
    if last:
        headers.append((b"connection", b"close"))
    parts = [connection.send(h11.Response(status_code=response.status_code, headers=headers))]
    if method != b"HEAD":
        parts.append(connection.send(h11.Data(answer)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)
