"""One user's session over all its connections: it talks, is cut, comes back, and its state must come back with it.

A lifeline is one task that reads all the time (a client that does not read gets itself closed) and one timer that
pings; it has no inbox, so that ten thousand of them fit into a process.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import broadcast
from websockets.exceptions import ConnectionClosed

from probes.errors import BadAnswer, ClientUnfit, ProbeError, RateLimited, Unreachable
from probes.foreign.excerpt import excerpt
from probes.soak.exposure import Life
from probes.websocket.closes import CloseClass, Closed, classify, describe, end_of
from probes.websocket.dialect import Dialect, Message, data_of
from probes.websocket.handshake import Refused, parse

AGAIN_S = 0.1  # between attempts to reconnect while the connection is refused
SHORT_S = 1.0
Join = Callable[[str, float | None], Awaitable[tuple[ClientConnection, Message] | Refused]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a lifeline behaves; all times in seconds."""

    ping_every_s: float  # between an answer and the next application ping
    answer_s: float  # within which an answer must come
    reconnect_s: float  # within which a session must be back
    dialect: Dialect
    keepalive_s: float | None = None  # between protocol pings, by the library
    planned_cut_s: float | None = None  # the age at which the platform cuts
    token_s: float = float("inf")  # how long a token lives
    echo_field: str = ""  # where a pong repeats what was sent; empty: matched by order and count
    reconnects: bool = True


class Ear(Protocol):
    """Hears at once what happens to a lifeline."""

    def opened(self, line: int, number: int, silent_s: float) -> float:
        """A connection was welcomed; return when, in unix seconds."""

    def ended(self, life: Life) -> None:
        """A connection ended."""

    def back(self, line: int, took_s: float, attempts: int) -> None:
        """A session is back after an end that was not ours."""

    def breach(self, line: int, kind: str, detail: str) -> None:
        """A promise was broken: never opened, not back, state lost, an answer lost or doubled."""

    def unfit(self, reason: str) -> None:
        """We could not go on, and it is our own fault, or a limiter's."""

    def rtt(self, milliseconds: float) -> None:
        """A ping was answered."""


@dataclass(slots=True, kw_only=True)
class Lifeline:
    """One user's session. `live` holds it until `leave`; the ear hears what happens."""

    line: int
    user: str
    join: Join  # opens one connection of this user with a fresh token
    pace: Pace
    ear: Ear
    silence_s: float = 0.0  # above 0: silent, and pings only after each such silence
    connection: ClientConnection | None = None
    number: int = 0
    sent: int = 0
    acked: int = 0
    leaving: bool = False
    _began: float = 0.0  # of the session
    _opened: float = 0.0  # of the connection, on the monotonic clock
    _opened_at: float = 0.0  # the same, unix time
    _asked: float = 0.0  # when the outstanding ping was sent; 0: none is
    _spoke: float = 0.0  # when we last sent something
    _trace: str = ""
    _silent: bool = False  # our ping was not answered in time
    _timer: asyncio.TimerHandle | None = None
    _farewell: asyncio.Task[None] | None = None  # kept, so that it is not collected while it runs
    _state: tuple[tuple[str, Any], ...] = ()

    async def live(self) -> None:
        """Open, hold, and come back after each end, until `leave` is called or it can't come back."""
        while not self.leaving:
            connection = await (self._first() if self.number == 0 else self._again())
            if connection is None:
                return
            if self.leaving:  # `leave` was called while it was coming back
                await connection.close()
            closed = await self._hold(connection)
            self._end(closed)
            if closed.by_us or not self.pace.reconnects:
                return
            if closed.age_s < SHORT_S:  # don't storm a server that drops every connection at once
                await asyncio.sleep(SHORT_S)

    async def leave(self) -> None:
        """Wait for an outstanding answer, then say goodbye; `live` ends."""
        self.leaving = True
        connection = self.connection
        if connection is not None and not self._asked:
            await connection.close()

    async def _first(self) -> ClientConnection | None:
        """The first connection of the session."""
        try:
            joined = await self.join(self.user, self._keepalive())
        except (ClientUnfit, RateLimited) as error:  # a limiter refuses us, whatever the service would do
            self.ear.unfit(error.detail)
            return None
        except ProbeError as error:
            self.ear.breach(self.line, "never opened", str(error))
            return None
        if isinstance(joined, Refused):
            self.ear.breach(self.line, "never opened", _said(joined))
            return None
        self._began = time.perf_counter()
        return self._begin(*joined)

    async def _again(self) -> ClientConnection | None:
        """The next connection; None, and a breach, if there is none within the limit."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(self.pace.reconnect_s):
                joined, attempts = await self._join_again()
        except (ClientUnfit, RateLimited) as error:  # a limiter refuses us, whatever the service would do
            self.ear.unfit(error.detail)
            return None
        except ProbeError as error:
            return self._not_back(error.detail)
        except TimeoutError:
            return self._not_back("connections are refused, or no welcome came")
        if isinstance(joined, Refused):
            return self._not_back(_said(joined))
        self.ear.back(self.line, time.perf_counter() - begun, attempts)
        return self._begin(*joined)

    async def _join_again(self) -> tuple[tuple[ClientConnection, Message] | Refused, int]:
        """Join; only a refused TCP connection is tried again: readiness, not correctness."""
        for attempt in count(1):
            try:
                return await self.join(self.user, self._keepalive()), attempt
            except Unreachable:
                await asyncio.sleep(AGAIN_S)
        raise AssertionError("count() does not end")

    def _not_back(self, why: str) -> ClientConnection | None:
        self.ear.breach(self.line, "not back", f"not back within {self.pace.reconnect_s:g} s: {why}")
        return None

    def _keepalive(self) -> float | None:
        return None if self.silence_s else self.pace.keepalive_s

    def _begin(self, connection: ClientConnection, welcome: Message) -> ClientConnection:
        self.number += 1
        self._opened = time.perf_counter()
        self._spoke, self._asked, self._silent = self._opened, 0.0, False
        self.connection, self._trace = connection, _trace(connection)
        connection.request = None  # two KiB of headers that are not needed again
        self._opened_at = self.ear.opened(self.line, self.number, self.silence_s)
        self._compare(data_of(welcome))
        self._wait(self.silence_s or self.pace.ping_every_s, self._ask)
        return connection

    def _compare(self, welcome: Message) -> None:
        """Compare the data of a welcome with what is known of this session."""
        words = self.pace.dialect
        if words.user_field and welcome.get(words.user_field) != self.user:
            self.ear.breach(self.line, "wrong user", f"welcomed as {welcome.get(words.user_field)!r}")
        lost = {key: (known, welcome.get(key)) for key, known in self._state if welcome.get(key) != known}
        if lost:
            self.ear.breach(self.line, "state lost", f"connection {self.number} finds another session: {lost}")
        last = welcome.get(words.sequence_field)
        if self.number > 1 and isinstance(last, int) and not self.acked <= last <= self.sent:
            kind = "message lost" if last < self.acked else "message doubled"
            found = f"connection {self.number} finds last_seq {last}; {self.acked} was answered, {self.sent} sent"
            self.ear.breach(self.line, kind, found)
        self._state = tuple((key, welcome[key]) for key in (words.user_field, words.session_field) if key in welcome)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _ask(self) -> None:
        """Send the next ping, without waiting for anything."""
        if self.connection is None or self.leaving:
            return
        self.sent += 1
        message: Message = {"type": self.pace.dialect.ping, "seq": self.sent}
        if self.pace.echo_field:
            message[self.pace.echo_field] = self.sent
        self._spoke = self._asked = time.perf_counter()
        broadcast([self.connection], json.dumps(message))
        self._wait(self.pace.answer_s, self._overdue)

    def _overdue(self) -> None:
        """There was no answer in time: give the connection up."""
        self._silent = True
        if self.connection is not None:
            self.connection.transport.abort()

    async def _hold(self, connection: ClientConnection) -> Closed:
        """Read until the end."""
        try:
            while True:  # not `async for`: its generator would take half a KiB per session
                self._take(await connection.recv())
        except ConnectionClosed:
            pass  # the connection itself knows how it ended
        age = time.perf_counter() - self._opened
        return end_of(connection, age, by_us=self.leaving and not self._silent)

    def _take(self, raw: str | bytes) -> None:
        try:
            message = parse(raw, "")
        except BadAnswer:
            self.ear.breach(self.line, "no message", f"received {excerpt(str(raw), 120)!r}")
            return
        kind, data = message.get("type"), message.get("data") or {}
        if not isinstance(kind, str) or not isinstance(data, dict):
            self.ear.breach(self.line, "no message", f"received {excerpt(str(raw), 120)!r}")
            return
        named = self.pace.dialect.user_field
        if data.get(named, self.user) != self.user:
            self.ear.breach(self.line, "another's message", f"received one of {data[named]!r}")
        if kind == self.pace.dialect.pong:
            self._answered(data)

    def _answered(self, data: Message) -> None:
        """Take in a pong: the one that is due, or one too many."""
        if not self._asked:
            self.ear.breach(self.line, "message doubled", f"a pong after ping {self.sent} was answered")
            return
        field_name = self.pace.echo_field
        if field_name and data.get(field_name) != self.sent:
            self.ear.breach(self.line, "message lost", f"a pong of {data.get(field_name)!r}, {self.sent} was due")
        self.ear.rtt((time.perf_counter() - self._asked) * 1e3)
        self.acked, self._asked = self.sent, 0.0
        if self.leaving and self.connection is not None:
            self._farewell = asyncio.ensure_future(self.connection.close())
        else:
            self._wait(self.silence_s or self.pace.ping_every_s, self._ask)

    def _end(self, closed: Closed) -> None:
        now = time.perf_counter()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.connection = None
        close, said = classify(closed, planned_at_s=self.pace.planned_cut_s), describe(closed)
        silent = now - self._spoke if self.silence_s else 0.0
        if self._silent:
            close, silent = CloseClass.PING_TIMEOUT, self.silence_s
            said = f"no answer within {self.pace.answer_s:g} s at age {closed.age_s:.1f} s"
        life = Life(
            line=self.line,
            number=self.number,
            opened_at=self._opened_at,
            age_s=closed.age_s,
            session_age_s=now - self._began,
            close=close,
            detail=said,
            silent_s=silent,
            outlived_token=closed.age_s > self.pace.token_s,
        )
        self.ear.ended(replace(life, trace=self._trace) if life.early else life)


def _trace(connection: ClientConnection) -> str:
    """The trace id that the handshake carried."""
    parent = connection.request.headers.get("traceparent", "") if connection.request else ""
    return parent.split("-")[1] if parent else ""


def _said(refused: Refused) -> str:
    return f"refused by {refused.by} with {refused.status} {refused.detail}"
