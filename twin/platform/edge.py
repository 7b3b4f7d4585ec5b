"""The edge of one service: a reverse proxy that logs each request, cuts at the timeout and splits the traffic."""

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import h11

from twin.platform.state import Platform, Revision, Service, stamp

CHUNK = 64 * 1024
LAST_WORD_S = 0.2
LOOPBACK = "127.0.0.1"
READ_HEAD, LONGEST_HEAD = 512 * 1024, 64 * 1024  # what is read, and what the front end lets through
TOO_LONG, UNAVAILABLE, TIMED_OUT, BAD_GATEWAY = 431, 503, 504, 502
NO_INSTANCE = "The request was aborted because there was no available instance."
NO_ANSWER = "The request has been terminated because it has reached the maximum request timeout."
BROKEN_OFF = (
    "The request failed because either the HTTP response was malformed or connection to the instance had an error."
)


@dataclass(slots=True)
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


class Edge:
    """Proxies one service."""

    def __init__(self, platform: Platform, service: Service) -> None:
        self.platform = platform
        self.service = service
        self._idle: dict[int, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on the edge port."""
        self._server = await asyncio.start_server(self._client, LOOPBACK, self.service.edge_port, limit=READ_HEAD)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=READ_HEAD)
        try:
            while await self._one(connection, reader, writer):
                connection.start_next_cycle()
        except (h11.ProtocolError, ConnectionError, asyncio.IncompleteReadError):
            pass  # a client that went away or speaks no HTTP is not answered by the real edge either
        finally:
            writer.close()

    async def _one(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Serve one request; whether the connection can serve another."""
        request, body = await _read_request(connection, reader)
        if request is None:
            return False
        if sum(len(name) + len(value) for name, value in request.headers) > LONGEST_HEAD:
            writer.write(_serialise(connection, _own_answer(TOO_LONG), b"Request Header Fields Too Large", b"GET"))
            return False
        headers = self.platform.rewrite(_traced(request))
        exchange = Exchange(request, headers, self.service.choose(), received=len(body))
        if headers.get("upgrade", "").lower() == "websocket":
            await self._upgrade(exchange, reader, writer, connection.trailing_data[0])
            return False
        try:
            async with asyncio.timeout(self.service.request_timeout_s):
                response, answer = await self._forward(exchange, body)
        except TimeoutError:
            self._log(exchange, TIMED_OUT, NO_ANSWER)
            response, answer = _own_answer(TIMED_OUT), b"upstream request timeout"
        except OSError:
            self._log(exchange, UNAVAILABLE, NO_INSTANCE, reached=False)
            response, answer = _own_answer(UNAVAILABLE), b"Service Unavailable"
        except h11.ProtocolError:
            self._log(exchange, BAD_GATEWAY, BROKEN_OFF)
            response, answer = _own_answer(BAD_GATEWAY), b"Bad Gateway"
        else:
            exchange.sent = len(answer)
            self._log(exchange, response.status_code)
        writer.write(_serialise(connection, response, answer, request.method))
        await writer.drain()
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE

    async def _forward(self, exchange: Exchange, body: bytes) -> tuple[h11.Response, bytes]:
        port = exchange.revision.upstream_port
        if port is None:
            raise ConnectionRefusedError
        idle = self._idle.setdefault(port, [])
        while True:
            fresh = not idle
            reader, writer = await asyncio.open_connection(LOOPBACK, port) if fresh else idle.pop()
            try:
                response, answer, again = await _ask(exchange, body, reader, writer)
            except (ConnectionError, _ClosedError):
                writer.close()
                if fresh:
                    raise
                continue  # an idle connection that the instance had closed
            except BaseException:
                writer.close()
                raise
            if again:
                idle.append((reader, writer))
            else:
                writer.close()
            return response, answer

    async def _upgrade(
        self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes
    ) -> None:
        """Hand a WebSocket handshake to the instance, then pass bytes both ways until an end or the timeout."""
        status = UNAVAILABLE
        try:
            port = exchange.revision.upstream_port
            if port is None:
                raise ConnectionRefusedError
            upstream, to_upstream = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            self._log(exchange, UNAVAILABLE, NO_INSTANCE, reached=False)
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        try:
            async with asyncio.timeout(self.platform.lasts(self.platform.cut_after(self.platform, self.service))):
                to_upstream.write(_head(exchange) + early)
                head = await upstream.readuntil(b"\r\n\r\n")
                status = int(head.split(b" ", 2)[1])
                writer.write(head)
                await _pass_both_ways(reader, writer, upstream, to_upstream, exchange, self.platform)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()  # Cloud Run cuts the connection; no close frame
        finally:
            to_upstream.close()
            self._log(exchange, status)

    def _log(self, exchange: Exchange, status: int, text: str = "", *, reached: bool = True) -> None:
        took = time.perf_counter() - exchange.clock
        trace = exchange.headers["x-cloud-trace-context"].partition("/")[0]
        host = exchange.headers.get("host", "")
        severity = "ERROR" if status >= 500 else "WARNING" if status >= 400 else "INFO"  # noqa: PLR2004 - as observed
        entry: dict[str, Any] = {
            "logName": f"projects/{self.platform.project}/logs/run.googleapis.com%2Frequests",
            "severity": severity,
            "resource": self.platform.resource(self.service, exchange.revision.name),
            "labels": {"instanceId": self.service.instance} if reached else {},
            "trace": f"projects/{self.platform.project}/traces/{trace}",
            "spanId": secrets.token_hex(8),
            "traceSampled": True,
            "timestamp": stamp(exchange.began),
            "httpRequest": {
                "requestMethod": exchange.request.method.decode(),
                "requestUrl": f"http://{host}{exchange.target}"[:8000],
                "requestSize": str(exchange.received),
                "responseSize": str(exchange.sent),
                "status": status,
                "userAgent": exchange.headers.get("user-agent", ""),
                "remoteIp": "192.0.2.1",
                "serverIp": "198.51.100.1",
                "latency": f"{took:.9f}s" if reached else "0s",
                "protocol": "HTTP/1.1",
            },
        }
        if text:
            entry["textPayload"] = text
        self.platform.log(entry)
        if reached:
            self.platform.count(self.service.name, exchange.revision.name, status)


class _ClosedError(Exception):
    """The instance closed an idle connection."""


def _traced(request: h11.Request) -> dict[str, str]:
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


def _pairs(exchange: Exchange) -> list[tuple[str, str]]:
    """The headers for the instance: as the client sent them (one name may come twice), trace headers by ours."""
    traced = ("traceparent", "x-cloud-trace-context")
    kept = [
        (name.decode(), value.decode("latin-1"))
        for name, value in exchange.request.headers
        if name.decode().lower() not in {*traced, "connection", "transfer-encoding", "content-length"}
    ]
    return [*kept, *((name, exchange.headers[name]) for name in traced)]


def _head(exchange: Exchange) -> bytes:
    lines = [f"{exchange.request.method.decode()} {exchange.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in [*_pairs(exchange), ("Connection", "Upgrade")]]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request | None, bytes]:
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


async def _ask(
    exchange: Exchange, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[h11.Response, bytes, bool]:
    connection = h11.Connection(h11.CLIENT)
    pairs = [*_pairs(exchange), ("Content-Length", str(len(body)))]
    request = h11.Request(method=exchange.request.method, target=exchange.request.target, headers=pairs)
    parts = [connection.send(request), connection.send(h11.Data(body)), connection.send(h11.EndOfMessage())]
    writer.write(b"".join(part for part in parts if part))
    response: h11.Response | None = None
    answer = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(CHUNK)
            if not data and response is None:
                raise _ClosedError
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            answer += event.data
        elif isinstance(event, h11.EndOfMessage) and response is not None:
            again = connection.our_state is h11.DONE and connection.their_state is h11.DONE
            return response, bytes(answer), again


def _own_answer(status: int) -> h11.Response:
    return h11.Response(status_code=status, headers=[("content-type", "text/plain")])


def _serialise(connection: h11.Connection, response: h11.Response, answer: bytes, method: bytes) -> bytes:
    kept = [
        (name, value)
        for name, value in response.headers
        if name.lower() not in {b"connection", b"transfer-encoding", b"content-length", b"server"}
    ]
    headers = [*kept, (b"content-length", str(len(answer)).encode()), (b"server", b"Google Frontend")]
    parts = [connection.send(h11.Response(status_code=response.status_code, headers=headers))]
    if method != b"HEAD":
        parts.append(connection.send(h11.Data(answer)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


async def _pass_both_ways(
    client: asyncio.StreamReader,
    to_client: asyncio.StreamWriter,
    upstream: asyncio.StreamReader,
    to_upstream: asyncio.StreamWriter,
    exchange: Exchange,
    platform: Platform,
) -> None:
    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, inward: bool) -> None:
        while data := await source.read(CHUNK):
            if inward:
                if not platform.let_through(data):
                    return
                exchange.received += len(data)
                data = platform.carry(data)
            else:
                exchange.sent += len(data)
            sink.write(data)
            await sink.drain()

    inward = asyncio.create_task(pump(client, to_upstream, inward=True))
    outward = asyncio.create_task(pump(upstream, to_client, inward=False))
    tasks = {inward, outward}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        with contextlib.suppress(TimeoutError, ConnectionError):  # the instance may have a last word for a client
            async with asyncio.timeout(LAST_WORD_S):
                await outward
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        to_client.close()
