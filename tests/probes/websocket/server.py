"""`python -m tests.probes.websocket.server BEHAVIOUR`: a WebSocket server that misbehaves in one known way.

It prints its port. Users are named by their token; everything else is as the contract says, until it is not.
"""

import asyncio
import json
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.system.running import ROOT

AFTER_S = 0.6  # of a session, or of the server's first one
ONE_IN = 100
Misbehave = Callable[[ServerConnection, int], Awaitable[None]]


async def _rst(connection: ServerConnection, _number: int) -> None:
    handle = connection.transport.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


async def _fin(connection: ServerConnection, _number: int) -> None:
    connection.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)  # closing with a ping unread would reset
    await asyncio.Event().wait()


async def _silent(connection: ServerConnection, _number: int) -> None:
    connection.transport.pause_reading()
    await asyncio.Event().wait()


async def _one_percent(connection: ServerConnection, number: int) -> None:
    if number % ONE_IN == 0:
        await _rst(connection, number)
    await asyncio.Event().wait()


def _close(code: int) -> Misbehave:
    async def close(connection: ServerConnection, _number: int) -> None:
        await connection.close(code, "on purpose")

    return close


async def _nothing(_connection: ServerConnection, _number: int) -> None:
    await asyncio.Event().wait()


BEHAVIOURS: dict[str, Misbehave] = {
    "healthy": _nothing,
    "rst": _rst,
    "fin": _fin,
    "silent": _silent,
    "one-percent": _one_percent,
    "going-away": _close(1001),
    "restart": _close(1012),
    "policy": _close(1008),
    "server-error": _close(1011),
}


async def main(behaviour: str) -> None:
    """Serve until SIGTERM."""
    numbers = count(1)

    async def talk(connection: ServerConnection) -> None:
        user = (connection.request.headers["Authorization"] if connection.request else "").removeprefix("Bearer ")
        data = {"event": "connection_established", "connection_ready": True, "user_id": user}
        await connection.send(json.dumps({"type": "system_message", "data": data}))
        ending = asyncio.create_task(_later(connection, next(numbers), BEHAVIOURS[behaviour]))
        try:
            async for raw in connection:
                if json.loads(raw)["type"] == "ping":
                    await connection.send(json.dumps({"type": "pong", "data": {"user_id": user}}))
        except ConnectionClosed:
            return  # on purpose
        finally:
            ending.cancel()

    async with serve(talk, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)  # noqa: T201 - how the port is published
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()


async def _later(connection: ServerConnection, number: int, misbehave: Misbehave) -> None:
    await asyncio.sleep(AFTER_S)
    await misbehave(connection, number)


@contextmanager
def running(behaviour: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The server in a process of its own; yields its URL and the process."""
    words = [sys.executable, "-m", "tests.probes.websocket.server", behaviour]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{process.stdout.readline().strip()}", process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
