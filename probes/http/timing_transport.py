"""A small keep-alive HTTP/1.1 transport for measuring.

httpx' own pool scans every idle connection on each request (encode/httpx#3215): at 50 concurrent calls that is
45 times the server's own time. This one keeps idle connections on a stack and takes the newest, and it reports
each step of opening a connection, when the request was sent and when the first byte came. It keeps no cookies (session
affinity would hide a revision), follows no redirect, and goes to the origin itself: through a proxy it would be the
proxy that is measured.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import h11

from probes.errors import BadAnswer, Unreachable
from probes.http.connecting import Opened, open_streams
from probes.secret import Secret, reveal, without_frames

CHUNK = 64 * 1024
Headers = Mapping[str, str] | Mapping[str, str | Secret]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Timed:
    """One exchange on `time.perf_counter`'s clock, in seconds. `opened` is None on a reused connection."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    begun: float
    opened: Opened | None
    sent: float
    first_byte: float
    done: float


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))


class TimingTransport:
    """Sends requests to one origin over as many connections as are needed at once."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None = None) -> None:
        """`tls` replaces the machine's own trust store for https."""
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._authority = parts.netloc.rpartition("@")[2]
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
            BadAnswer: Not HTTP/1.1.
        """
        begun = time.perf_counter()
        if self._idle:
            try:
                return await self._over(self._idle.pop(), begun, None, method, path, headers, body)
            except _StaleError:
                pass  # closed by the server while idle; a fresh connection follows
        streams, opened = await open_streams(self._host, self._port, self._tls)
        connection = _Connection(*streams)
        try:
            return await self._over(connection, begun, opened, method, path, headers, body)
        except _StaleError as error:
            raise Unreachable(f"{method} {self._authority}{path}", "closed before any answer") from error

    def _write(self, connection: _Connection, method: str, path: str, headers: Headers, body: bytes | Secret) -> None:
        """Hand the request to the socket; secrets in it are unwrapped here."""
        plain = _bytes(body)
        whole = {"Host": self._authority, "Content-Length": str(len(plain)), **reveal(headers)}
        request = h11.Request(method=method, target=path, headers=list(whole.items()))
        data = [connection.state.send(request), connection.state.send(h11.Data(plain))]
        data.append(connection.state.send(h11.EndOfMessage()))
        connection.writer.writelines(part for part in data if part)

    async def _over(
        self,
        connection: _Connection,
        begun: float,
        opened: Opened | None,
        method: str,
        path: str,
        headers: Headers,
        body: bytes | Secret,
    ) -> Timed:
        said = f"{method} {self._authority}{path}"
        kept = False
        try:
            self._write(connection, method, path, headers, body)
            sent = time.perf_counter()
            response, first_byte, got = await _receive(connection)
            kept = connection.state.our_state is connection.state.their_state is h11.DONE
        except h11.RemoteProtocolError as error:
            raise BadAnswer(said, f"not an HTTP/1.1 answer: {error}") from without_frames(error)
        except OSError as error:
            raise _StaleError from error
        finally:
            if not kept:
                connection.writer.close()
        connection.state.start_next_cycle()
        self._idle.append(connection)
        pairs = tuple((bytes(name), bytes(value)) for name, value in response.headers)
        return Timed(response.status_code, pairs, got, begun, opened, sent, first_byte, time.perf_counter())


def _bytes(body: bytes | Secret) -> bytes:
    return body.reveal().encode() if isinstance(body, Secret) else body


def proxy_before(url: str) -> str:
    """The proxy that this machine's environment sets before a URL; empty where there is a direct way."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    direct = host in LOOPBACK or bool(proxy_bypass(host))
    return "" if direct else getproxies().get(parts.scheme, "")


class _StaleError(Exception):
    """The connection ended before any byte of an answer."""


async def _receive(connection: _Connection) -> tuple[h11.Response, float, bytes]:
    response: h11.Response | None = None
    first_byte = 0.0
    body = bytearray()
    while True:
        event = connection.state.next_event()
        if event is h11.NEED_DATA:
            data = await connection.reader.read(CHUNK)
            if not data and not first_byte:
                raise _StaleError
            first_byte = first_byte or time.perf_counter()
            connection.state.receive_data(data)
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and response is not None:
            return response, first_byte, bytes(body)
