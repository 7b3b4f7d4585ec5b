"""Faults of the WebSocket under hostile input."""

import json
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from twin.faults.websocket import handling
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions


def _looking_first(seams: "Seams", look: "Callable[[Message], None]") -> Undo:
    """Have each frame looked at before it is parsed, with whatever that raises."""
    healthy = seams.sessions.parse

    def parse(frame: "Message") -> "Message":
        look(frame)
        return healthy(frame)

    return replace(seams.sessions, parse=parse)


@fault("websocket.crashes-on-bad-json", place="backend", seen="json.loads outside the try of the receive loop")
def crashes_on_bad_json(seams: "Seams") -> Undo:
    """A parse error ends the session with 1011."""
    return replace(seams.sessions, parse=lambda frame: dict(json.loads(frame["text"])))


@fault("websocket.crashes-on-binary", place="backend", seen="receive_text() on a binary frame: KeyError")
def crashes_on_binary(seams: "Seams") -> Undo:
    """A binary frame ends the session with 1011."""

    def look(frame: "Message") -> None:
        if frame.get("bytes") is not None:
            raise KeyError("text")

    return _looking_first(seams, look)


@fault("websocket.no-size-limit", place="backend", seen="a limit that is documented and never checked")
def no_size_limit(seams: "Seams") -> Undo:
    """Messages of any length are accepted."""
    healthy = seams.sessions.parse

    def parse(frame: "Message") -> "Message":
        text = frame.get("text")
        if text is not None and len(text) > 8192:  # noqa: PLR2004 - the contract's limit
            return dict(json.loads(text))
        return healthy(frame)

    return replace(seams.sessions, parse=parse)


@fault("websocket.recursion-crashes", place="backend", seen="RecursionError is not a ValueError")
def recursion_crashes(seams: "Seams") -> Undo:
    """Deep nesting ends the session with 1011."""

    def look(frame: "Message") -> None:
        if (frame.get("text") or "").startswith("[" * 1000):
            raise RecursionError("maximum recursion depth exceeded")

    return _looking_first(seams, look)


@fault("websocket.unknown-type-crashes", place="backend", seen="handlers[message['type']] without a default")
def unknown_type_crashes(seams: "Seams") -> Undo:
    """An unknown message type ends the session with 1011."""
    healthy = seams.sessions.parse

    def parse(frame: "Message") -> "Message":
        message = healthy(frame)
        seams.sessions.handlers[str(message["type"])]
        return message

    return replace(seams.sessions, parse=parse)


@fault("websocket.proxy-cuts-fragments", place="platform", seen="a security proxy that knows whole messages only")
def proxy_cuts_fragments(platform: Any) -> Undo:  # noqa: ANN401 - the platform's state
    """A fragmented message ends the connection."""
    first_of_many = 0x01  # text, without the final bit

    def let_through(data: bytes) -> bool:
        return data[:1] != bytes([first_of_many])

    return replace(platform, let_through=let_through)


@fault("websocket.flood-stalls-everyone", place="backend", seen="time.sleep() in a rate limiter")
def flood_stalls(seams: "Seams") -> Undo:
    """Many messages at once block the whole process for seconds."""
    healthy, number = seams.sessions.handlers["heartbeat"], count(1)

    async def beat(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        if next(number) % 300 == 0:
            time.sleep(4)  # noqa: ASYNC251 - this is the fault
        await healthy(sessions, socket, identity, message)

    return handling(seams, heartbeat=beat)


@fault("websocket.limit-of-4096", place="backend", seen="ws_max_size of another service's configuration")
def limit_of_4096(seams: "Seams") -> Undo:
    """A message of half the length that is promised is refused."""
    from twin.backend.websocket import LONGEST_MESSAGE, ProtocolError  # noqa: PLC0415 - other processes import this file for its ids alone

    def look(frame: "Message") -> None:
        if len((frame.get("text") or "").encode()) > LONGEST_MESSAGE // 2:
            raise ProtocolError("MESSAGE_TOO_LARGE")

    return _looking_first(seams, look)


@fault("websocket.type-taken-for-text", place="backend", seen='message["type"].upper(), to find a member of an enum')
def type_taken_for_text(seams: "Seams") -> Undo:
    """A message without a type, or with a number for one, ends the session with 1011."""
    healthy = seams.sessions.parse

    def parse(frame: "Message") -> "Message":
        message = healthy(frame)
        return message | {"type": message["type"].lower()}

    return replace(seams.sessions, parse=parse)


@fault("websocket.text-not-looked-at", place="backend", seen='data["text"].encode("latin-1"), for its length')
def text_not_looked_at(seams: "Seams") -> Undo:
    """A user's message without a text, with a number for it, or with a NUL ends the session with 1011."""
    healthy = seams.sessions.handlers["user_message"]

    async def handle(sessions: "Sessions", socket: "WebSocket", identity: "Identity", message: "Message") -> None:
        if "\0" in message["data"]["text"].strip():
            raise ValueError("embedded null byte")
        await healthy(sessions, socket, identity, message)

    return handling(seams, user_message=handle)


@fault("websocket.size-in-characters", place="backend", seen="len() of a text, for a limit that is meant in bytes")
def size_in_characters(seams: "Seams") -> Undo:
    """A message of up to 8,192 characters passes, however many bytes they are."""
    from twin.backend.websocket import LONGEST_MESSAGE  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy = seams.sessions.parse

    def parse(frame: "Message") -> "Message":
        text = frame.get("text") or ""
        if len(text) <= LONGEST_MESSAGE < len(text.encode()):
            return dict(json.loads(text))
        return healthy(frame)

    return replace(seams.sessions, parse=parse)
