"""WebSocket sessions as the contract describes them: token by header or subprotocol, welcome, ping, heartbeat."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from probes.deadlines import Deadlines
from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.http import RunIdentity

Way = Literal["header", "subprotocol"]
PROTOCOL = "jwt-auth"
MOST_BYTES = 1024 * 1024  # of one message to us; more is the server's fault, not our memory's
MOST_QUEUED = 2000
CLOSED = object()
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Closed:
    """How a session ended, and at what age. `code` is None when the TCP connection just ended (1006)."""

    code: int | None
    reason: str
    age_s: float
    by_us: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake or a first message that refused us."""

    by: Literal["handshake", "close"]
    status: int  # HTTP status, or the close code
    detail: str


@dataclass(slots=True)
class Session:
    """An open session. A task of its own drains it all the time: a client that does not read kills itself."""

    connection: ClientConnection
    request: str
    trace_id: str
    deadlines: Deadlines
    opened: float = field(default_factory=time.perf_counter)
    welcome: Message = field(default_factory=dict)
    _inbox: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    _reader: asyncio.Task[None] | None = None
    _closing: bool = False
    closed: Closed | None = None

    def start(self) -> None:
        """Begin to drain."""
        self._reader = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        with contextlib.suppress(ConnectionClosed):  # how it ended is told below, from the connection itself
            async for message in self.connection:
                if self._inbox.qsize() < MOST_QUEUED:
                    self._inbox.put_nowait(message)
        code = self.connection.close_code
        self.closed = Closed(
            code=None if code == 1006 else code,  # noqa: PLR2004 - "no close frame came", never sent
            reason=self.connection.close_reason or "",
            age_s=time.perf_counter() - self.opened,
            by_us=self._closing,
        )
        self._inbox.put_nowait(CLOSED)

    @property
    def age_s(self) -> float:
        """Seconds since the session opened."""
        return time.perf_counter() - self.opened

    async def send(self, message: Message | str | bytes) -> None:
        """Send one message. Raises BadAnswer when the session has ended."""
        try:
            await self.connection.send(json.dumps(message) if isinstance(message, dict) else message)
        except ConnectionClosed as error:
            raise BadAnswer(self.request, f"the session ended: {error}") from error

    async def receive(self, deadline_s: float | None = None) -> Message:
        """The next message.

        Raises:
            TooSlow: None within the deadline.
            BadAnswer: The session ended, or the message is no JSON object.
        """
        limit = deadline_s or self.deadlines.message
        try:
            async with asyncio.timeout(limit):
                raw = await self._inbox.get()
        except TimeoutError as error:
            raise TooSlow(self.request, f"no message within {limit:g} s, at age {self.age_s:.1f} s") from error
        if raw is CLOSED:
            self._inbox.put_nowait(CLOSED)  # for whoever asks next
            raise BadAnswer(self.request, f"the session ended: {describe(self.closed)}")
        try:
            message = json.loads(raw)
        except ValueError as error:
            raise BadAnswer(self.request, f"a message that is no JSON: {str(raw)[:200]!r}") from error
        if not isinstance(message, dict):
            raise BadAnswer(self.request, f"a message that is no object: {str(raw)[:200]!r}")
        return message

    async def receive_of(self, kind: str, deadline_s: float | None = None) -> Message:
        """The next message of a type; others are passed over. Raises what `receive` raises."""
        limit = time.perf_counter() + (deadline_s or self.deadlines.message)
        passed: list[str] = []
        while True:
            left = limit - time.perf_counter()
            if left <= 0:
                said = f"; came instead: {', '.join(passed[:5])}" if passed else ""
                raise TooSlow(self.request, f"no {kind} within {deadline_s or self.deadlines.message:g} s{said}")
            message = await self.receive(left)
            if message.get("type") == kind:
                return message
            passed.append(str(message.get("type")))

    async def ping(self, **extra: object) -> Message:
        """An application ping and its pong."""
        await self.send({"type": "ping", **extra})
        return await self.receive_of("pong")

    async def wait_closed(self, deadline_s: float) -> Closed:
        """How the server ended the session. Raises TooSlow when it did not."""
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


def describe(closed: Closed | None) -> str:
    """A close in words."""
    if closed is None:
        return "not closed"
    how = "without a close frame" if closed.code is None else f"with code {closed.code} {closed.reason!r}"
    return f"closed {how} at age {closed.age_s:.1f} s"


@dataclass(frozen=True, slots=True)
class Doorway:
    """Where sessions are opened: the WebSocket URL, who we are, and the deadlines."""

    url: str
    identity: RunIdentity
    deadlines: Deadlines

    async def open(
        self,
        token: str | None,
        *,
        way: Way = "header",
        headers: list[tuple[str, str]] | None = None,
        query: str = "",
        ping_interval: float | None = None,
        note: Callable[[str, str], None] | None = None,
        shake_only: bool = False,
    ) -> Session | Refused:
        """Open a session and read its welcome, or return how we were refused.

        `headers` replace the Authorization header that `way="header"` would send; `note` is told the trace id and
        request before anything is sent; `shake_only` returns without waiting for the welcome.

        Raises:
            Unreachable: Refused by TCP or TLS, or reset.
            TooSlow: No handshake, or no welcome, within the deadline.
            BadAnswer: Not a WebSocket, 5xx at the handshake, or something else than a welcome first.
        """
        trace_id = self.identity.new_trace()
        if note:
            note(trace_id, f"GET {self.url} (WebSocket, token by {way})")
        connection = await self._handshake(token, way, headers, query, ping_interval, trace_id)
        if isinstance(connection, Refused):
            return connection
        session = Session(connection, f"WebSocket {self.url}", trace_id, self.deadlines)
        session.start()
        if shake_only:
            return session
        try:
            return await self._welcomed(session)
        except BaseException:
            await session.aclose()
            raise

    async def _handshake(
        self,
        token: str | None,
        way: Way,
        headers: list[tuple[str, str]] | None,
        query: str,
        ping_interval: float | None,
        trace_id: str,
    ) -> ClientConnection | Refused:
        said = f"WebSocket {self.url}"
        own = self.identity.headers(trace_id)
        agent = own.pop("User-Agent")
        pairs = list(own.items())
        protocols = None
        if headers is not None:
            pairs += headers
        elif way == "header" and token is not None:
            pairs.append(("Authorization", f"Bearer {token}"))
        elif token is not None:
            coded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
            protocols = [Subprotocol(PROTOCOL), Subprotocol(f"jwt.{coded}")]
        try:
            return await connect(
                self.url + query,
                additional_headers=pairs, user_agent_header=agent, subprotocols=protocols, compression=None,
                open_timeout=self.deadlines.welcome, close_timeout=self.deadlines.close,
                ping_interval=ping_interval, ping_timeout=self.deadlines.message,
                max_size=MOST_BYTES, proxy=None,
            )  # fmt: skip
        except InvalidStatus as error:
            status = error.response.status_code
            if 400 <= status < 500:  # noqa: PLR2004 - a refusal; whether the right one is the check's to say
                return Refused("handshake", status, _body(error))
            raise BadAnswer(said, f"the handshake was answered {status}: {_body(error)!r}") from error
        except TimeoutError as error:
            raise TooSlow(said, f"no handshake within {self.deadlines.welcome:g} s") from error
        except (InvalidMessage, InvalidHandshake) as error:
            raise BadAnswer(said, f"no WebSocket handshake: {type(error).__name__}: {error}") from error
        except OSError as error:
            raise Unreachable(said, f"{type(error).__name__}: {error}") from error

    async def _welcomed(self, session: Session) -> Session | Refused:
        """Read the first message: a welcome, or an error message followed by a close."""
        try:
            first = await session.receive(self.deadlines.welcome)
        except BadAnswer:
            closed = session.closed
            if closed and closed.code is not None and closed.code != 1011:  # noqa: PLR2004 - "server error" refuses nobody
                return Refused("close", closed.code, closed.reason)
            raise
        data = first.get("data")
        if first.get("type") == "error_message":
            closed = await session.wait_closed(self.deadlines.close)
            return Refused("close", closed.code or 1006, str(first.get("error_code") or data))
        if isinstance(data, dict) and data.get("event") == "connection_established":
            session.welcome = first
            return session
        raise BadAnswer(session.request, f"the first message is no welcome: {str(first)[:200]}")


def _body(error: InvalidStatus) -> str:
    return bytes(error.response.body or b"")[:200].decode(errors="replace")


@asynccontextmanager
async def closing(session: Session) -> AsyncIterator[Session]:
    """The session, closed at the end whatever happened."""
    try:
        yield session
    finally:
        await session.aclose()
