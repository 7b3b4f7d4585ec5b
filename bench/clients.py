"""Other ways to ask the same server: a raw asyncio client, aiohttp, stock httpx, wrk."""

import asyncio
import re
import shutil
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import httpx

from probes.http.timing_transport import TimingTransport

END_OF_HEAD = b"\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
OWN_TIME = re.compile(rb"total;dur=([\d.]+)")
Ask = Callable[[], Awaitable[float]]  # one call; returns the server's own time in milliseconds
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def raw(url: str) -> AsyncIterator[Ask]:
    """Asyncio's streams and nothing else, over a stack of idle connections: the least that Python can do."""
    port = urlsplit(url).port
    idle: list[Pair] = []

    async def ask() -> float:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        head = await reader.readuntil(END_OF_HEAD)
        await reader.readexactly(2)
        idle.append((reader, writer))
        found = OWN_TIME.search(head)
        return float(found.group(1)) if found else 0.0

    try:
        yield ask
    finally:
        for _, writer in idle:
            writer.close()


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Ask]:
    """The measuring transport."""
    transport = TimingTransport(url)

    async def ask() -> float:
        answer = await transport.exchange("GET", "/", {})
        return next(_own_ms(value.decode()) for name, value in answer.headers if name == b"server-timing")

    try:
        yield ask
    finally:
        await transport.aclose()


@asynccontextmanager
async def with_aiohttp(url: str) -> AsyncIterator[Ask]:
    """aiohttp, with as many connections as are wanted."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask() -> float:
            async with session.get(url) as answer:
                await answer.read()
                return _own_ms(answer.headers["server-timing"])

        yield ask


@asynccontextmanager
async def with_httpx(url: str) -> AsyncIterator[Ask]:
    """Httpx as it comes."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=30.0) as client:

        async def ask() -> float:
            answer = await client.get(url)
            return _own_ms(answer.headers["server-timing"])

        yield ask


def _own_ms(server_timing: str) -> float:
    return float(server_timing.partition("dur=")[2])


async def workers(ask: Ask, count: int, calls: int) -> list[float]:
    """A closed loop: each worker asks again when it was answered; milliseconds of all but its first call."""
    times: list[float] = []

    async def work() -> None:
        await ask()
        for _ in range(calls // count):
            begun = time.perf_counter()
            await ask()
            times.append((time.perf_counter() - begun) * 1e3)

    await asyncio.gather(*(work() for _ in range(count)))
    return times


async def arrivals(ask: Ask, rate: float, calls: int) -> list[float]:
    """An open loop by the plainest means: what each call took from its due moment, less the server's own time."""
    begun = time.perf_counter() + 0.05

    async def one(due: float) -> float:
        own = await ask()
        return (time.perf_counter() - due) * 1e3 - own

    tasks = []
    for number in range(calls):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    return list(await asyncio.gather(*tasks))


async def paced(ask: Ask, rate: float, seconds: float) -> list[float]:
    """A closed loop at a pace: one worker, the next call when its time has come and the last one was answered."""
    times: list[float] = []
    ends = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < ends:
        await ask()
        took = time.perf_counter() - begun
        times.append(took * 1e3)
        await asyncio.sleep(max(0.0, 1 / rate - took))
    return times


async def wrk(url: str, connections: int, seconds: int) -> dict[str, float]:
    """Percentiles in milliseconds as wrk (Debian's) reports them; empty where it is not installed."""
    program = shutil.which("wrk")
    if program is None:
        return {}
    words = (program, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url)
    process = await asyncio.create_subprocess_exec(*words, stdout=PIPE)
    said, _ = await process.communicate()
    units = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    found = re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s)$", said.decode(), re.MULTILINE)
    return {percent: float(value) * units[unit] for percent, value, unit in found}
