"""A server of a WebSocket library that says what a test has it say, and keeps what it is sent."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from tests.probes.websocket.raw import WELCOME

Said = str | bytes | dict[str, Any] | tuple[int, str]  # a message, or the code and the reason of a close


@dataclass(slots=True)
class Speaker:
    """Where it is, what was asked for in each handshake, and what it was sent."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    sent: list[str | bytes] = field(default_factory=list)


async def say(connection: ServerConnection, said: Sequence[Said]) -> None:
    """Say one thing after another."""
    for one in said:
        if isinstance(one, tuple):
            await connection.close(*one)
        else:
            await connection.send(json.dumps(one) if isinstance(one, dict) else one)


@asynccontextmanager
async def speaking(
    *first: Said, answers: Sequence[Sequence[Said]] = (), welcome: bool = True
) -> AsyncIterator[Speaker]:
    """Serve: a welcome, then `first`, then the next of `answers` to each message, and nothing to those after them."""
    speaker = Speaker()

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        speaker.requests.append(connection.request)
        left = list(answers)
        try:
            await say(connection, [*([WELCOME] if welcome else []), *first])
            async for message in connection:
                speaker.sent.append(message)
                await say(connection, left.pop(0) if left else ())
        except ConnectionClosed:
            return  # the client has what it wanted

    def select(_connection: ServerConnection, offered: Sequence[str]) -> Any:  # noqa: ANN401 - a subprotocol, or none
        return offered[0] if offered else None

    async with serve(talk, "127.0.0.1", 0, select_subprotocol=select, compression=None) as server:
        speaker.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ws"
        yield speaker
