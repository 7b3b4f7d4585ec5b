"""A connection pool's connections, each of which knows its socket, and since when it is idle.

Before and after each request, httpcore looks at every idle connection. Through anyio, each look collects all attributes
of a socket, its peer's address included: with twenty idle connections that was a third of the time of a request.

A server may close an idle connection at any time, also at the moment of the next request, which then finds it closed:
that says nothing about the service (RFC 9112, 9.5). How long the connection was idle distinguishes that from a server
that drops a request. A connection that our own pool closed under a request says nothing about the service either.
After an answer that refuses a request's form a server may close at once, and some do so without `Connection: close`:
such a connection is not used again.
"""

import select
import time
from typing import Any

import httpcore

READABLE = "is_readable"  # httpcore's name for it: of an idle connection, that it is of no use any more
IDLE_S = 1.0  # no server or proxy in use closes connections that are idle for less (gunicorn: 2 s, uvicorn: 5 s)
REPEATABLE = (b"GET ", b"HEAD ", b"OPTIONS ", b"PUT ", b"DELETE ", b"TRACE ")  # RFC 9110, 9.2.2: sent again if need be
# Bad request, timeout, content, target or header fields too large: what follows them can't be read (RFC 9110, 15.5).
REFUSED_FORM = tuple(b"HTTP/1.1 %d" % status for status in (400, 408, 413, 414, 431))


class NotReceived(httpcore.ReadError):
    """The server can't have answered on this connection: send the request again, on another one.

    Either it was closed while it was idle and the request may be repeated, or the request was not sent.
    """


def remember_sockets(backend: Any) -> None:  # noqa: ANN401 - httpcore's, which is httpx' own affair
    """Have a network backend of httpcore's open streams that remember their sockets."""
    connect = backend.connect_tcp

    async def connect_tcp(*place: object, **options: object) -> httpcore.AsyncNetworkStream:
        stream: httpcore.AsyncNetworkStream = await connect(*place, **options)
        return RememberingStream(stream, stream.get_extra_info("socket"))

    backend.connect_tcp = connect_tcp


class RememberingStream(httpcore.AsyncNetworkStream):
    """A stream of httpcore's that raises NotReceived where another connection would have served."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, socket: Any) -> None:  # noqa: ANN401 - anyio's view of one
        self._stream, self._socket = stream, socket
        self._heard: float | None = None  # when the latest byte came
        self._idle_s = -1.0  # how long it had been idle when the latest request was sent; below 0: it was new
        self._waiting = False  # for the first byte of an answer
        self._repeatable = False  # whether what it waits for may be sent twice
        self._closed = False
        self._refused_form = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """The next bytes; none at the end."""
        try:
            data = await self._stream.read(max_bytes, timeout)
        except httpcore.ReadError as error:
            if self._repeatable and (self._closed or self._is_stale()):
                raise NotReceived(self._why()) from error
            raise
        if not data and self._is_stale():
            raise NotReceived(self._why())
        if self._waiting:
            self._refused_form = data.startswith(REFUSED_FORM)
        self._heard, self._waiting = time.monotonic(), False
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send; what may not be sent twice is not sent over a connection that was idle for long."""
        if not self._waiting:
            self._waiting, self._repeatable = True, buffer.startswith(REPEATABLE)
            self._idle_s = time.monotonic() - self._heard if self._heard is not None else -1.0
            if self._is_stale() and not self._repeatable:
                raise NotReceived(self._why())
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close it."""
        self._closed = True
        await self._stream.aclose()

    async def start_tls(self, *context: Any, **options: Any) -> httpcore.AsyncNetworkStream:  # noqa: ANN401 - httpcore's
        """The same connection with TLS."""
        return RememberingStream(await self._stream.start_tls(*context, **options), self._socket)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's
        """What httpcore asks about the connection."""
        if info == READABLE:
            return self._refused_form or is_readable(self._socket.fileno())
        return self._stream.get_extra_info(info)

    def _is_stale(self) -> bool:
        """Whether the server may have closed it before it could see the request that waits for an answer."""
        return self._waiting and self._idle_s >= IDLE_S

    def _why(self) -> str:
        return "our own pool closed the connection" if self._closed else f"it had been idle for {self._idle_s:.1f} s"


def is_readable(descriptor: int) -> bool:
    """Whether a read would return at once, which includes the end of the stream and a descriptor that is closed."""
    if descriptor < 0:
        return True
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))
