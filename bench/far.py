"""A round trip between us and a service on this machine: TCP proxies that hold every chunk back by half of it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
CHUNK = 64 * 1024
PLACES = (
    ("backend", "url"), ("auth", "url"), ("database", "url"),
    ("platform", "logging_url"), ("platform", "run_url"), ("platform", "monitoring_url"),
)  # fmt: skip


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late_s: float) -> None:
    """Hand on what is read, each chunk `late_s` after it came, the end too."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = await reader.read(CHUNK)
            except OSError:
                chunk = b""  # a reset is an end as well
            waiting.put_nowait((loop.time() + late_s, chunk))

    reading = asyncio.create_task(read())
    try:
        while True:
            due, chunk = await waiting.get()
            await asyncio.sleep(max(due - loop.time(), 0.0))
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # who was to have it has gone
    finally:
        reading.cancel()
        with contextlib.suppress(OSError):
            writer.close()


async def _proxied(to: str, round_trip_s: float) -> asyncio.Server:
    """A port of loopback that leads to the host and port of a URL, `round_trip_s` away."""
    parts = urlsplit(to)
    host, port = parts.hostname or LOOPBACK, parts.port or 80

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip_s)  # TCP's own handshake, which this machine does at once
        try:
            there = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_carry(reader, there[1], round_trip_s / 2), _carry(there[0], writer, round_trip_s / 2))

    return await asyncio.start_server(meet, LOOPBACK, 0)


@asynccontextmanager
async def far_away(addresses: Mapping[str, Any], round_trip_s: float, file: Path) -> AsyncIterator[None]:
    """Write a twin's addresses to a file as they are from afar; its control port stays near."""
    moved = {part: dict(values) for part, values in addresses.items()}
    async with contextlib.AsyncExitStack() as stack:
        for part, key in PLACES if round_trip_s else ():
            url = str(moved[part][key])
            server = await stack.enter_async_context(await _proxied(url, round_trip_s))
            port = server.sockets[0].getsockname()[1]
            moved[part][key] = url.replace(f":{urlsplit(url).port}", f":{port}")
        await asyncio.to_thread(file.write_text, json.dumps(moved), "utf-8")
        yield
