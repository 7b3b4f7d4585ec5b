"""A small keep-alive HTTP/1.1 transport for measuring.

httpx' own pool scans every idle connection on each request (encode/httpx#3215): at 50 concurrent calls that is
45 times the server's own time. This one keeps idle connections on a stack and takes the newest, and it reports
each step of opening a connection, when the request was sent and when the first byte came. It keeps no cookies (session
affinity would hide a revision) and follows no redirect. Through a proxy it uses a tunnel: whose time that measures is
for the caller to say.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import h11

from probes.errors import BadAnswer, Unreachable
from probes.foreign.limits import HEADERS, PARTS, TIMED_BYTES
from probes.http.connecting import ConnectionSteps, open_streams
from probes.http.network_path import NetworkPath, find_path
from probes.secret import Secret, reveal, without_frames

CHUNK = 64 * 1024
Headers = Mapping[str, str] | Mapping[str, str | Secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One exchange on `time.perf_counter`'s clock, in seconds. `opened` is None on a reused connection."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    begun: float
    opened: ConnectionSteps | None
    sent: float
    first_byte: float
    done: float


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    headers: Headers
    body: bytes | Secret


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))


class TimingTransport:
    """Sends requests to one origin over as many connections as are needed at once."""

    def __init__(self, base_url: str, path: NetworkPath | None = None) -> None:
        """`path` is the network path; None: as this machine's environment has it. Raises UnusablePath."""
        self._path = path or find_path(base_url)
        self._authority = self._path.authority
        self._idle: list[_Connection] = []

    async def aclose(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().writer.close()

    async def exchange(self, method: str, path: str, headers: Headers, body: bytes | Secret = b"") -> Timed:
        """Send one request and read its answer.

        A reused connection that the server had closed in the meantime is replaced once, before any byte of an
        answer; nothing else is ever repeated.

        Raises:
            Unreachable: Refused, reset, no TLS.
            PathBlocked: A proxy refuses, or we don't trust the certificate's issuer.
            BadAnswer: Not HTTP/1.1, or more than an answer whose time is taken may hold.
        """
        begun = time.perf_counter()
        request = _Request(method, path, {**dict(await self._path.front_headers()), **headers}, body)
        if self._idle:
            try:
                return await self._over(self._idle.pop(), request, begun, None)
            except _StaleError:
                pass  # closed by the server while idle; a fresh connection follows
        streams, opened = await open_streams(self._path)
        connection = _Connection(*streams)
        try:
            return await self._over(connection, request, begun, opened)
        except _StaleError as error:
            raise Unreachable(f"{method} {self._authority}{path}", "closed before any answer") from error

    def _write(self, connection: _Connection, request: _Request) -> None:
        """Hand the request to the socket; secrets in it are unwrapped here."""
        plain = _bytes(request.body)
        headers = {"Host": self._authority, "Content-Length": str(len(plain)), **reveal(request.headers)}
        head = h11.Request(method=request.method, target=request.path, headers=list(headers.items()))
        data = [connection.state.send(event) for event in (head, h11.Data(plain), h11.EndOfMessage())]
        connection.writer.writelines(part for part in data if part)

    async def _over(
        self, connection: _Connection, request: _Request, begun: float, opened: ConnectionSteps | None
    ) -> Timed:
        request_line = f"{request.method} {self._authority}{request.path}"
        kept = False
        try:
            self._write(connection, request)
            sent = time.perf_counter()
            response, first_byte, body = await _receive(connection, request_line)
            kept = _is_reusable(connection.state)
        except h11.RemoteProtocolError as error:
            raise BadAnswer(request_line, f"not an HTTP/1.1 answer: {error}") from without_frames(error)
        finally:
            if not kept:
                connection.writer.close()
        if kept:
            connection.state.start_next_cycle()
            self._idle.append(connection)
        return Timed(
            status=response.status_code,
            headers=tuple((bytes(name), bytes(value)) for name, value in response.headers),
            body=body,
            begun=begun,
            opened=opened,
            sent=sent,
            first_byte=first_byte,
            done=time.perf_counter(),
        )


def _bytes(body: bytes | Secret) -> bytes:
    return body.reveal().encode() if isinstance(body, Secret) else body


def _is_reusable(state: h11.Connection) -> bool:
    """Whether another request may follow: not after `Connection: close`, nor after bytes that were not asked for."""
    done = state.our_state is h11.DONE and state.their_state is h11.DONE
    return done and not state.trailing_data[0]


class _StaleError(Exception):
    """The connection ended before any byte of an answer."""


async def _receive(connection: _Connection, request: str) -> tuple[h11.Response, float, bytes]:
    response: h11.Response | None = None
    first_byte = 0.0
    body = bytearray()
    for _ in range(PARTS):
        event = connection.state.next_event()
        if event is h11.NEED_DATA:
            data = await _read(connection, request, begun=bool(first_byte))
            first_byte = first_byte or time.perf_counter()
            connection.state.receive_data(data)
        elif isinstance(event, h11.Response):
            response = event
            if len(response.headers) > HEADERS:
                raise BadAnswer(request, f"{len(response.headers)} header lines")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > TIMED_BYTES:
                raise BadAnswer(
                    request, f"a body of over {TIMED_BYTES // 1024} KiB although a short answer is promised"
                )
        elif isinstance(event, h11.EndOfMessage) and response is not None:
            return response, first_byte, bytes(body)
    raise BadAnswer(request, f"over {PARTS} parts although a short answer is promised")


async def _read(connection: _Connection, request: str, *, begun: bool) -> bytes:
    """The next bytes; none if the server closed in mid-answer. Raises _StaleError if no answer has `begun`."""
    try:
        data = await connection.reader.read(CHUNK)
    except OSError as error:
        if begun:
            raise Unreachable(request, f"ended in mid-answer: {type(error).__name__}: {error}") from error
        raise _StaleError from error
    if not data and not begun:
        raise _StaleError
    return data
