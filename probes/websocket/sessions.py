"""WebSocket sessions as the contract describes them: token by header or subprotocol, welcome, ping, heartbeat."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, Unpack

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from probes.client_health.fair_deadline import within
from probes.errors import BadAnswer, TooSlow
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from probes.websocket.closes import Closed, describe, end_of
from probes.websocket.dialect import Dialect, Message, stringify
from probes.websocket.handshake import (
    Credential,
    Endpoint,
    Refused,
    Way,
    dial,
    first_of_all,
    parse,
    read_welcome,
)
from probes.websocket.raw_frames import RawFrame

MOST_QUEUED, MOST_HELD = 2000, 16 * 1024 * 1024  # unread messages and bytes; what exceeds them is dropped
CLOSED = object()


@dataclass(slots=True, kw_only=True)
class Session:
    """An open session. A task of its own drains it all the time: a client that does not read gets itself closed."""

    connection: ClientConnection
    request: str
    trace_id: str
    deadlines: Deadlines
    dialect: Dialect
    opened: float = field(default_factory=time.perf_counter)
    took_s: float = 0.0  # from the first packet to the welcome: the handshake is part of what a client waits for
    welcome: Message = field(default_factory=dict)
    _inbox: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    _reader: asyncio.Task[None] | None = None
    _closing: bool = False
    _held: int = 0  # bytes in the inbox
    in_binary: bytes = b""  # the latest message that came in a binary frame
    closed: Closed | None = None
    watch: Callable[[str], None] | None = None  # gets every message when it comes, read or not

    def start(self) -> None:
        """Begin to drain."""
        self._reader = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        with contextlib.suppress(ConnectionClosed):  # the connection itself knows how it ended: see below
            async for message in self.connection:
                if self.watch:
                    self.watch(message if isinstance(message, str) else message.decode(errors="replace"))
                if self._inbox.qsize() < MOST_QUEUED and self._held < MOST_HELD:
                    self._held += len(message)
                    self._inbox.put_nowait(message)
        self.closed = end_of(self.connection, time.perf_counter() - self.opened, by_us=self._closing)
        self._inbox.put_nowait(CLOSED)

    @property
    def age_s(self) -> float:
        """Seconds since the session opened."""
        return time.perf_counter() - self.opened

    async def send(self, message: Message | str | bytes | Iterator[str]) -> None:
        """Send one message; the texts of an iterator are its fragments. Raises BadAnswer if the session has ended."""
        try:
            await self.connection.send(stringify(message) if isinstance(message, dict) else message)
        except ConnectionClosed as error:
            raise BadAnswer(self.request, f"the session ended: {error}") from error

    def write(self, frame: RawFrame) -> None:
        """Put a frame on the wire past the library's own checks. Raises BadAnswer if the session has ended."""
        try:
            self.connection.transport.write(frame.written())
        except RuntimeError as error:  # asyncio's word for a transport that the other end has half closed
            raise BadAnswer(self.request, f"the session ended: {error}") from error

    async def ping_frame(self) -> None:
        """Send a ping frame and wait for its pong. Raises TooSlow, or BadAnswer if the session has ended."""
        limit = self.deadlines.message
        try:
            async with within(limit, self.request):
                await (await self.connection.ping())
        except TimeoutError as error:
            raise TooSlow(self.request, f"no pong within {limit:g} s") from error
        except ConnectionClosed as error:
            raise BadAnswer(self.request, f"the session ended before its pong: {error}") from error

    async def receive(self, deadline_s: float | None = None) -> Message:
        """The next message.

        Raises:
            TooSlow: None within the deadline.
            ClientUnfit: Our own loop stood still all the while.
            BadAnswer: The session ended, or the message is not a JSON object.
        """
        limit = deadline_s or self.deadlines.message
        try:
            async with within(limit, self.request):
                raw = await self._inbox.get()
        except TimeoutError as error:
            late = f"no message within {round(limit, 2):g} s, at age {self.age_s:.1f} s"
            raise TooSlow(self.request, late) from error
        if raw is CLOSED:
            self._inbox.put_nowait(CLOSED)  # for the next reader
            raise BadAnswer(self.request, f"the session ended: {describe(self.closed)}")
        self._held -= len(raw)
        if isinstance(raw, bytes):
            self.in_binary = raw
        return parse(raw, self.request)

    async def receive_answer(self, deadline_s: float) -> Message:
        """The next message that does not come unasked. Raises what `receive` raises."""
        begun = time.perf_counter()
        while True:
            message = await self.receive(max(deadline_s - (time.perf_counter() - begun), 0.01))
            if not self.dialect.is_unasked(message):
                return message

    async def receive_of(self, *kinds: str, deadline_s: float | None = None) -> Message:
        """The next message of one of these types; others are passed over, and named if none of these came in time.

        Raises what `receive` raises.
        """
        within_s = deadline_s or self.deadlines.message
        limit = time.perf_counter() + within_s
        passed: list[str] = []
        while (left := limit - time.perf_counter()) > 0:
            try:
                message = await self.receive(left)
            except TooSlow:
                break  # the error below names the messages that did come
            if message.get("type") in kinds:
                return message
            passed.append(str(message.get("type")))
        instead = f"; came instead: {', '.join(passed[:5])}" if passed else ""
        late = f"no {' or '.join(kinds)} within {within_s:g} s, at age {self.age_s:.1f} s{instead}"
        raise TooSlow(self.request, late)

    async def ping(self, **extra: object) -> Message:
        """An application ping and its pong."""
        await self.send({"type": self.dialect.ping, **extra})
        return await self.receive_of(self.dialect.pong)

    async def beat(self) -> Message:
        """A heartbeat and its acknowledgement."""
        await self.send({"type": self.dialect.heartbeat})
        return await self.receive_of(self.dialect.acknowledgement)

    async def wait_closed(self, deadline_s: float) -> Closed:
        """How the server ended the session. Raises TooSlow if it did not."""
        if self._reader is not None:
            done, _ = await asyncio.wait({self._reader}, timeout=deadline_s)
            if done and self.closed:
                return self.closed
        raise TooSlow(self.request, f"not closed within {deadline_s:g} s")

    async def aclose(self) -> None:
        """Say goodbye, within the deadline; a server that does not answer is left."""
        self._closing = True
        try:
            async with asyncio.timeout(self.deadlines.close):
                await self.connection.close()
        except TimeoutError:
            self.connection.transport.abort()
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=self.deadlines.close)


class OpenOptions(TypedDict, total=False):
    """How a session is opened; an absent part is as usual."""

    way: Way  # how the token is presented; "header" by default
    headers: list[tuple[str, Secret]] | None  # instead of the Authorization header that `way="header"` would send
    query: Secret | str
    ping_interval: float | None  # seconds between the library's own pings; None: it sends none
    first: Message  # sent as soon as the handshake is done, as a page does that does not wait for the welcome


class Doorway(Endpoint):
    """An endpoint at which sessions are opened."""

    __slots__ = ()

    async def open(
        self,
        token: Secret | None,
        *,
        note: Callable[[str, str], None] | None = None,
        shake_only: bool = False,
        **options: Unpack[OpenOptions],
    ) -> Session | Refused:
        """Open a session and read its welcome, or return how we were refused.

        `note` gets the trace id and request before anything is sent; `shake_only` returns without waiting for the
        welcome. Raises what `dial` raises; TooSlow also without a welcome, BadAnswer also if it does not come first.
        """
        trace_id, way = self.identity.new_trace(), options.get("way", "header")
        if note:
            note(trace_id, f"GET {self.url} (WebSocket, token by {way})")
        credential = Credential(token, way, options.get("headers"), options.get("query", ""))
        begun = time.perf_counter()
        connection = await self._dial(credential, trace_id, options.get("ping_interval"))
        if isinstance(connection, Refused):
            return connection
        session = self._session(connection, trace_id)
        session.start()
        if shake_only:
            return session
        try:
            return await self._welcomed(session, begun, options.get("first"))
        except BaseException:
            await session.aclose()
            raise

    def _session(self, connection: ClientConnection, trace_id: str) -> Session:
        return Session(
            connection=connection,
            request=f"WebSocket {self.url}",
            trace_id=trace_id,
            deadlines=self.deadlines,
            dialect=self.dialect,
        )

    async def join(
        self, token: Secret, *, ping_interval: float | None = None, note: Callable[[str, str], None] | None = None
    ) -> tuple[ClientConnection, Message] | Refused:
        """Open a bare connection, its welcome read, for a reader of one's own.

        `note` gets the trace id and request before anything is sent. Raises what `open` raises.
        """
        trace_id = self.identity.new_trace()
        if note:
            note(trace_id, f"GET {self.url} (WebSocket)")
        connection = await self._dial(Credential(token), trace_id, ping_interval)
        if isinstance(connection, Refused):
            return connection
        welcome = await read_welcome(
            connection, f"WebSocket {self.url} (trace {trace_id})", self.deadlines, self.dialect
        )
        return welcome if isinstance(welcome, Refused) else (connection, welcome)

    async def _dial(
        self, credential: Credential, trace_id: str, ping_interval: float | None
    ) -> ClientConnection | Refused:
        return await dial(self, credential, trace_id, ping_interval=ping_interval)

    async def _welcomed(self, session: Session, dialled: float, first: Message | None) -> Session | Refused:
        """Send the first message, and read up to the welcome, or to an error message followed by a close."""
        begun = time.perf_counter()
        if first is not None:
            with contextlib.suppress(BadAnswer):  # it has ended: what came before that says why
                await session.send(first)

        async def receive() -> Message:
            return await session.receive(max(self.deadlines.welcome - (time.perf_counter() - begun), 0.01))

        try:
            welcome = await first_of_all(receive, session.request, self.dialect)
        except BadAnswer:
            closed = session.closed
            if closed and closed.code not in {None, CloseCode.INTERNAL_ERROR}:  # a server's error is not a refusal
                return Refused("close", closed.code or 0, closed.reason)
            raise
        if isinstance(welcome, Refused):
            closed = await session.wait_closed(self.deadlines.close)
            return replace(welcome, status=closed.code or welcome.status)
        session.welcome, session.took_s = welcome, time.perf_counter() - dialled
        return session


@asynccontextmanager
async def closed_at_end(session: Session) -> AsyncIterator[Session]:
    """The session, closed when the block ends, however it ends."""
    try:
        yield session
    finally:
        await session.aclose()
