"""Talking to two revisions alike over a WebSocket: the sequence of messages as a JSON value that can be compared."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probes.comparison.asking import Volatile
from probes.comparison.noise import Round, is_decided
from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.foreign.json_values import read_json
from probes.secret import Secret
from probes.websocket.dialect import Message
from probes.websocket.handshake import Refused, Way
from probes.websocket.sessions import Doorway, Session, closed_at_end

MOST_MESSAGES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What is said in a session, one message after another."""

    name: str
    token: Secret | None
    says: tuple[Message | str | bytes, ...] = ()
    way: Way = "header"
    headers: tuple[tuple[str, Secret], ...] | None = None  # instead of the token's own
    until: str = ""  # the type of the last message to wait for; empty: all that comes before the pong of a ping


@dataclass(frozen=True, slots=True)
class Doorways:
    """The WebSockets of two revisions."""

    serving: Doorway
    candidate: Doorway

    async def rounds(self, said: Talk, most: int, chance: random.Random, volatile: Volatile) -> list[Round]:
        """Talk in rounds, as `Sides.rounds` asks: twice to the serving revision, once to the candidate."""
        found: list[Round] = []
        while len(found) < most and not is_decided(found, volatile):
            order = [("primary", self.serving), ("secondary", self.serving), ("candidate", self.candidate)]
            chance.shuffle(order)
            found.append(Round(**{role: await talk(doorway, said) for role, doorway in order}))
        return found


async def talk(doorway: Doorway, said: Talk) -> Any:  # noqa: ANN401 - a JSON value
    """Hold a session and return what came: how it opened, its welcome, and what followed each message."""
    headers = None if said.headers is None else list(said.headers)
    try:
        opened = await doorway.open(said.token, way=said.way, headers=headers)
    except (Unreachable, TooSlow, BadAnswer) as error:
        return {"status": type(error).__name__}
    if isinstance(opened, Refused):
        return {"status": f"refused by {opened.by} with {opened.status}", "body": _body(opened)}
    async with closed_at_end(opened) as session:
        came: dict[str, Any] = {
            "status": "open",
            "subprotocol": session.connection.subprotocol or "",
            "welcome": session.welcome,
        }
        for number, message in enumerate(said.says, 1):
            came[f"after message {number}"] = await _after(session, message, said.until)
            if session.closed is not None:
                break
        return came


def _body(refused: Refused) -> Any:  # noqa: ANN401 - a JSON value
    text = refused.message or refused.detail
    try:
        return read_json(text.encode("utf-8", errors="surrogatepass"))
    except ValueError:
        return text


async def _after(session: Session, message: Message | str | bytes, until: str) -> Sequence[Any]:
    """What follows a message: up to a type, or to the pong of a ping sent after it, or to the session's end."""
    came: list[Any] = []
    try:
        await session.send(message)
        if not until:
            await session.send({"type": session.dialect.ping})
        while len(came) < MOST_MESSAGES:
            got = await session.receive()
            if session.dialect.is_unasked(got):
                continue
            came.append(got)
            if got.get("type") == (until or session.dialect.pong):
                break
    except (TooSlow, BadAnswer) as error:
        closed = session.closed
        came.append({"ended": f"closed with {closed.code}" if closed else type(error).__name__})
    return came
