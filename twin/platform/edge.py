"""The edge of one service: a reverse proxy that logs each request, cuts at the timeout and splits the traffic."""

import asyncio
import contextlib
import secrets
import time
from functools import partial
from typing import Any

import h11

from twin.platform.exchange import (
    CHUNK,
    Exchange,
    InstanceClosed,
    ask,
    head_of,
    own_answer,
    read_request,
    serialise,
    traced,
)
from twin.platform.state import Platform, Service, stamp

LAST_WORD_S = 0.2
Idle = tuple[float, asyncio.StreamReader, asyncio.StreamWriter]  # a connection to an instance, since when it is idle
LOOPBACK = "127.0.0.1"
READ_HEAD, LONGEST_HEAD = 512 * 1024, 64 * 1024  # what is read, and what the front end lets through
NO_SUCH_TAG, TOO_LONG, UNAVAILABLE, TIMED_OUT, BAD_GATEWAY = 404, 431, 503, 504, 502
NO_INSTANCE = "The request was aborted because there was no available instance."
NO_ANSWER = "The request has been terminated because it has reached the maximum request timeout."
BROKEN_OFF = (
    "The request failed because either the HTTP response was malformed or connection to the instance had an error."
)


class Edge:
    """Proxies one service."""

    def __init__(self, platform: Platform, service: Service) -> None:
        self.platform = platform
        self.service = service
        self._idle: dict[int, list[Idle]] = {}
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen on the edge port, and on one of its own for every tag: loopback has no names of hosts."""
        self.service.tag_ports[""] = self.service.edge_port
        for tag in ("", *self.service.tags):
            await self.listen(tag)
        self.service.listen = self.listen

    async def listen(self, tag: str) -> None:
        """Listen for a tag's requests, on the same port as long as the edge lives."""
        client = partial(self._client, tag)
        server = await asyncio.start_server(client, LOOPBACK, self.service.tag_ports.get(tag, 0), limit=READ_HEAD)
        self._servers.append(server)
        self.service.tag_ports[tag] = server.sockets[0].getsockname()[1]

    async def _client(self, tag: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=READ_HEAD)
        try:
            while await self._one(tag, connection, reader, writer):
                connection.start_next_cycle()
        except (h11.ProtocolError, ConnectionError, asyncio.IncompleteReadError):
            pass  # a client that went away or speaks no HTTP is not answered by the real edge either
        finally:
            writer.close()

    async def _one(
        self, tag: str, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Serve one request; whether the connection can serve another."""
        request, body = await read_request(connection, reader)
        if request is None:
            return False
        if sum(len(name) + len(value) for name, value in request.headers) > LONGEST_HEAD:
            said = b"Request Header Fields Too Large"
            writer.write(serialise(connection, own_answer(TOO_LONG), said, b"GET", last=True))
            return False
        headers = self.platform.rewrite(traced(request))
        revision = self.service.choose(tag or self.service.tag_of(headers.get("host", "")))
        if revision is None:
            writer.write(serialise(connection, own_answer(NO_SUCH_TAG), b"Page not found", request.method, last=True))
            return False
        exchange = Exchange(request=request, headers=headers, revision=revision, received=len(body))
        await asyncio.sleep(revision.warming_s(time.monotonic()))
        if headers.get("upgrade", "").lower() == "websocket":
            await self._upgrade(exchange, reader, writer, connection.trailing_data[0])
            return False
        response, answer = await self._answer(exchange, body)
        writer.write(serialise(connection, response, answer, request.method))
        await writer.drain()
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE

    async def _answer(self, exchange: Exchange, body: bytes) -> tuple[h11.Response, bytes]:
        """The instance's answer, or the edge's own where there is none; logged."""
        try:
            async with asyncio.timeout(self.service.request_timeout_s):
                response, answer = await self._forward(exchange, body)
        except TimeoutError:
            self._log(exchange, TIMED_OUT, NO_ANSWER)
            return own_answer(TIMED_OUT), b"upstream request timeout"
        except OSError:
            self._log(exchange, UNAVAILABLE, NO_INSTANCE, reached=False)
            return own_answer(UNAVAILABLE), b"Service Unavailable"
        except h11.ProtocolError:
            self._log(exchange, BAD_GATEWAY, BROKEN_OFF)
            return own_answer(BAD_GATEWAY), b"Bad Gateway"
        exchange.sent = len(answer)
        self._log(exchange, response.status_code)
        return response, answer

    def _port_of(self, exchange: Exchange) -> int:
        """The port of an instance. Raises ConnectionRefusedError where there is none for this request."""
        revision = exchange.revision
        if revision.upstream_port is None or not self.platform.has_instance(self.service, revision.name):
            raise ConnectionRefusedError
        return revision.upstream_port

    async def _forward(self, exchange: Exchange, body: bytes) -> tuple[h11.Response, bytes]:
        port = self._port_of(exchange)
        idle = self._idle.setdefault(port, [])
        while True:
            fresh = not idle
            reader, writer = await asyncio.open_connection(LOOPBACK, port) if fresh else self._reused(idle)
            try:
                response, answer, again = await ask(exchange, body, reader, writer)
            except (ConnectionError, InstanceClosed):
                writer.close()
                if fresh:
                    raise
                if not self.platform.asks_again():
                    raise h11.RemoteProtocolError("an idle connection that the instance had closed") from None
                continue
            except BaseException:
                writer.close()
                raise
            if again:
                idle.append((time.monotonic(), reader, writer))
            else:
                writer.close()
            return response, answer

    def _reused(self, idle: list[Idle]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection that was used last; closed, if the instance closes one that was idle for as long."""
        since, reader, writer = idle.pop()
        if time.monotonic() - since > self.platform.idle_lasts_s(self.service):
            writer.close()
        return reader, writer

    async def _upgrade(
        self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes
    ) -> None:
        """Hand a WebSocket handshake to the instance, then pass bytes both ways until an end or the timeout."""
        status = UNAVAILABLE
        try:
            port = self._port_of(exchange)
            upstream, to_upstream = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            self._log(exchange, UNAVAILABLE, NO_INSTANCE, reached=False)
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        try:
            async with asyncio.timeout(self.platform.lasts(self.platform.cut_after(self.platform, self.service))):
                to_upstream.write(head_of(exchange) + early)
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
        trace = exchange.headers["x-cloud-trace-context"].partition("/")[0]
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
            "httpRequest": _http_request(exchange, status, reached=reached),
        }
        if text:
            entry["textPayload"] = text
        self.platform.log(entry)
        if reached:
            self.platform.count(self.service.name, exchange.revision.name, status)


def _http_request(exchange: Exchange, status: int, *, reached: bool) -> dict[str, Any]:
    """The request as an entry of the request log describes it."""
    took = time.perf_counter() - exchange.clock
    return {
        "requestMethod": exchange.request.method.decode(),
        "requestUrl": f"http://{exchange.headers.get('host', '')}{exchange.target}"[:8000],
        "requestSize": str(exchange.received),
        "responseSize": str(exchange.sent),
        "status": status,
        "userAgent": exchange.headers.get("user-agent", ""),
        "remoteIp": "192.0.2.1",
        "serverIp": "198.51.100.1",
        "latency": f"{took:.9f}s" if reached else "0s",
        "protocol": "HTTP/1.1",
    }


async def _pass_both_ways(
    client: asyncio.StreamReader,
    to_client: asyncio.StreamWriter,
    upstream: asyncio.StreamReader,
    to_upstream: asyncio.StreamWriter,
    exchange: Exchange,
    platform: Platform,
) -> None:
    inward = asyncio.create_task(_pass_inward(client, to_upstream, exchange, platform))
    outward = asyncio.create_task(_pass_outward(upstream, to_client, exchange))
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


async def _pass_inward(
    client: asyncio.StreamReader, to_upstream: asyncio.StreamWriter, exchange: Exchange, platform: Platform
) -> None:
    """Pass the client's bytes on until it ends, or sends what the platform does not let through."""
    carry = platform.carrier()
    while data := await client.read(CHUNK):
        if not platform.let_through(data):
            return
        exchange.received += len(data)
        to_upstream.write(carry(data))
        await to_upstream.drain()


async def _pass_outward(upstream: asyncio.StreamReader, to_client: asyncio.StreamWriter, exchange: Exchange) -> None:
    """Pass the instance's bytes on until it ends."""
    while data := await upstream.read(CHUNK):
        exchange.sent += len(data)
        to_client.write(data)
        await to_client.drain()
