"""One process of the twin: its app and its control app, on two loopback ports, until SIGTERM."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

LOOPBACK = "127.0.0.1"
HELD = "TWIN_HELD"  # the variable of a process that gets ready, and serves when it reads a line
LONGEST_HEADER = 256 * 1024  # what is too long is for the app to refuse, with its own answer
# A control port leaves it to its clients to close idle connections. With uvicorn's 5 s, which are httpx' too, a client
# now and then sends a request on a connection that is being closed, and no answer comes.
CONTROL_IDLE_S = 60


class SecondServer(uvicorn.Server):
    """A second server in a process: signals are left to the first, and it ends when `should_exit` is set."""

    def __init__(self, app: Any, port: int) -> None:  # noqa: ANN401 - any ASGI app
        super().__init__(_config(app, port, timeout_keep_alive=CONTROL_IDLE_S))
        self._started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, and say so."""
        await super().startup(sockets)
        self._started.set()

    async def until_started(self) -> None:
        """Wait until the port answers."""
        await self._started.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process' signal handlers alone."""
        yield


def _config(app: Any, port: int, **more: Any) -> uvicorn.Config:  # noqa: ANN401 - any ASGI app, uvicorn's own options
    return uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        loop="asyncio",
        http="h11",
        access_log=False,
        log_level="warning",
        h11_max_incomplete_event_size=LONGEST_HEADER,
        timeout_graceful_shutdown=1,
        **more,
    )


async def serve(app: Any, control: Any) -> None:  # noqa: ANN401 - any ASGI apps
    """Serve `app` on $PORT and `control` on $CONTROL_PORT; a held process waits for its release first."""
    if HELD in os.environ and not sys.stdin.readline():
        sys.exit("what started this process ended before it was released")
    main = uvicorn.Server(
        _config(
            app, int(os.environ["PORT"]), ws="websockets-sansio", ws_per_message_deflate=False, ws_max_size=64 * 1024
        )
    )
    second = SecondServer(control, int(os.environ["CONTROL_PORT"]))
    task = asyncio.create_task(second.serve())
    try:
        await main.serve()
    finally:
        second.should_exit = True
        await task
