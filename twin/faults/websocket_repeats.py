"""Faults of a WebSocket that shows them only when something happens again: an error, an abrupt end, a text."""

from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.seams import Seams
    from twin.backend.websocket import Message

MOST_ERRORS = 3


@fault("websocket.third-bad-json-ends-it", place="backend", seen="a limit of errors that raises where nothing catches")
def third_bad_json_ends_it(seams: "Seams") -> Undo:
    """The third message of a session that is not JSON ends it with 1011."""
    healthy: Any = seams.sessions.send

    async def send(socket: "WebSocket", message: "Message") -> None:
        if message.get("error_code") == "JSON_PARSE_ERROR":
            socket.state.errors = getattr(socket.state, "errors", 0) + 1
            if socket.state.errors >= MOST_ERRORS:
                raise RuntimeError("too many parse errors")
        await healthy(socket, message)

    return replace(seams.sessions, send=send)
