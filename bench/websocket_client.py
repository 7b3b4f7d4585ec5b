"""`python -m bench.websocket_client KIND URL COUNT HOLD_S [CERTIFICATE]`: opens, holds, and prints what that took."""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import aiohttp
import psutil
from picows import WSFrame, WSListener, WSTransport, ws_connect
from websockets.asyncio.client import ClientConnection

from probes.client_health.garbage_collector import patiently
from probes.client_health.vitals import make_room, watching
from probes.http.network_path import find_path
from probes.identity import RunIdentity
from probes.secret import Secret
from probes.soak.held_session import Lifeline, Pace
from probes.soak.steady import SteadyReport
from probes.timing.deadlines import Deadlines
from probes.websocket.closes import CloseClass
from probes.websocket.dialect import Message
from probes.websocket.handshake import Refused
from probes.websocket.sessions import Doorway
from probes.websocket.tls import small_buffers
from tests.probes.websocket.joining import DIALECT

PING_S, ANSWER_S = 20.0, 10.0
AT_ONCE = 64
RUN = RunIdentity("20261124T000000Z-be2c00")
PACE = Pace(
    ping_every_s=3600.0, answer_s=ANSWER_S, reconnect_s=5.0, dialect=DIALECT, keepalive_s=PING_S, reconnects=False
)
Hold = Callable[[], Awaitable[int]]  # ends everything; returns how many had been lost
Open = Callable[[str, int, ssl.SSLContext | None], Awaitable[Hold]]


async def _many(count: int, open_one: Callable[[int], Awaitable[None]]) -> None:
    """Open `count` sessions, some at once."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await open_one(number)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


class _Opening(SteadyReport):
    """Says when each session is open."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited: dict[int, asyncio.Future[None]] = {}

    def opened(self, line: int, number: int, silent_s: float) -> float:
        """A connection was welcomed."""
        self.awaited.pop(line).set_result(None)
        return super().opened(line, number, silent_s)


class _Lifelines:
    """The suite's own lifelines at work."""

    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        self._door = Doorway(
            url=url,
            identity=RUN,
            deadlines=Deadlines(welcome=30.0, message=ANSWER_S),
            dialect=DIALECT,
            path=replace(find_path(url), tls=tls),
        )
        self._report = _Opening()
        self._tasks: list[asyncio.Task[None]] = []
        self._lines: list[Lifeline] = []

    async def _join(self, user: str, keepalive_s: float | None) -> tuple[ClientConnection, Message] | Refused:
        return await self._door.join(Secret(user), ping_interval=keepalive_s)

    async def open_one(self, number: int) -> None:
        """Open a session, and wait until it is welcomed."""
        line = Lifeline(line=number, user="bench", join=self._join, pace=PACE, ear=self._report)
        self._lines.append(line)
        opened = self._report.awaited[number] = asyncio.get_running_loop().create_future()
        self._tasks.append(asyncio.create_task(line.live()))
        await asyncio.wait({opened, self._tasks[-1]}, return_when=asyncio.FIRST_COMPLETED)

    async def end(self) -> int:
        """End all of them; returns how many had been lost."""
        lost = sum(life.close is not CloseClass.OURS for life in self._report.lives) + len(self._report.breaches)
        await asyncio.gather(*(line.leave() for line in self._lines))
        await asyncio.gather(*self._tasks)
        return lost


async def ours(url: str, count: int, tls: ssl.SSLContext | None) -> Hold:
    """The suite's own lifelines, with protocol pings."""
    lifelines = _Lifelines(url, tls)
    await _many(count, lifelines.open_one)
    return lifelines.end


async def with_aiohttp(url: str, count: int, tls: ssl.SSLContext | None) -> Hold:
    """Aiohttp's client, as its documentation shows it, without a limit on connections."""
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=tls or True))
    tasks: list[asyncio.Task[None]] = []

    async def read(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for _ in socket:
            pass

    sockets = []

    async def open_one(_number: int) -> None:
        socket = await session.ws_connect(url.replace("ws", "http", 1), heartbeat=PING_S, compress=0)
        await socket.receive()
        sockets.append(socket)
        tasks.append(asyncio.create_task(read(socket)))

    await _many(count, open_one)

    async def end() -> int:
        lost = sum(socket.closed for socket in sockets)
        await asyncio.gather(*(socket.close() for socket in sockets))
        await session.close()
        return lost

    return end


class _Listener(WSListener):
    """Notes the welcome of one connection, and its end."""

    def __init__(self, lost: list[object]) -> None:
        self.welcomed = asyncio.get_running_loop().create_future()
        self._lost = lost

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """The first frame is the welcome."""
        del transport, frame
        if not self.welcomed.done():
            self.welcomed.set_result(None)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """It has ended."""
        self._lost.append(transport)


async def with_picows(url: str, count: int, tls: ssl.SSLContext | None) -> Hold:
    """picows, a client in C without a task for each connection."""
    transports, lost = list[WSTransport](), list[object]()

    async def open_one(_number: int) -> None:
        transport, listener = await ws_connect(
            lambda: _Listener(lost),
            url,
            ssl_context=tls,
            websocket_handshake_timeout=30,
            enable_auto_ping=True,
            auto_ping_idle_timeout=PING_S,
            auto_ping_reply_timeout=ANSWER_S,
        )
        welcoming: Any = listener
        await welcoming.welcomed
        transports.append(transport)

    await _many(count, open_one)

    async def end() -> int:
        early = len(lost)
        for transport in transports:
            transport.disconnect()
        return early

    return end


KINDS: dict[str, Open] = {"ours": ours, "aiohttp": with_aiohttp, "picows": with_picows}


async def main(kind: str, url: str, count: int, hold_s: float, certificate: str | None) -> None:
    """Open, hold, end; print one JSON object."""
    make_room(count)
    tls = ssl.create_default_context(cafile=certificate) if certificate else None
    process = psutil.Process()
    before = process.memory_info().rss
    async with AsyncExitStack() as stack:
        if kind == "ours":
            stack.enter_context(small_buffers())
            stack.enter_context(patiently())
        watch = await stack.enter_async_context(watching())
        begun = time.perf_counter()
        end = await KINDS[kind](url, count, tls)
        took = time.perf_counter() - begun
        watch.take()
        cpu = process.cpu_times()
        await asyncio.sleep(hold_s)
        after, vitals = process.cpu_times(), watch.take()
        used = (after.user + after.system) - (cpu.user + cpu.system)
        rss = process.memory_info().rss
        lost = await end()
    figures = {
        "opens_a_second": count / took,
        "kib_a_session": (rss - before) / 1024 / count,
        "lag_ms": vitals.lag_ms,
        "core": used / hold_s,
        "lost": lost,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    given = [*sys.argv[1:], None][:5]
    asyncio.run(main(str(given[0]), str(given[1]), int(str(given[2])), float(str(given[3])), given[4]))
