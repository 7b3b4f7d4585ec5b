"""Holding sessions at a server of the self-tests."""

import tomllib
from pathlib import Path

from websockets.asyncio.client import ClientConnection

import targets
from probes.identity import RunIdentity
from probes.secret import Secret
from probes.soak.held_session import Join, Pace
from probes.timing.deadlines import Deadlines
from probes.websocket.dialect import Dialect, Message
from probes.websocket.handshake import Refused
from probes.websocket.sessions import Doorway

SHORT = Deadlines(welcome=2.0, message=1.0, close=0.5)
CONTRACT = tomllib.loads((Path(targets.__file__).parent / "contract.toml").read_text(encoding="utf-8"))
DIALECT = Dialect(**CONTRACT["websocket"]["dialect"])  # as the contract has it
PACE = Pace(ping_every_s=0.2, answer_s=1.0, reconnect_s=1.0, keepalive_s=0.5, reconnects=False, dialect=DIALECT)


def doorway(url: str) -> Doorway:
    """The door of one of our own servers, with short deadlines."""
    return Doorway(url=url, identity=RunIdentity("20261124T000000Z-5e1f7e"), deadlines=SHORT, dialect=DIALECT)


def joiner(url: str) -> Join:
    """Joins as a user whose token is its name."""
    door = doorway(url)

    async def join(user: str, keepalive_s: float | None) -> tuple[ClientConnection, Message] | Refused:
        return await door.join(Secret(user), ping_interval=keepalive_s)

    return join


def named(number: int) -> str:
    """The user's name."""
    return f"user-{number}"
