"""Faults of a WebSocket that takes users with similar ids for one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from twin.backend.seams import Seams

UUID = 36  # characters


def _registering(seams: "Seams", key_of: Callable[[str], str]) -> Undo:
    """Tell every socket that is registered under the same key."""
    from twin.backend.websocket import Hub  # noqa: PLC0415 - other processes import this file for its ids alone

    class Registry(Hub):
        def recipients(self, user_id: str) -> "list[WebSocket]":
            alike = [own for user, own in self.sockets.items() if key_of(user) == key_of(user_id)]
            return [socket for own in alike for socket in own]

    return replace(seams.sessions, hub=Registry(seams.sessions.hub.sockets))


@fault("websocket.sockets-by-lower-case", place="backend", seen="user.lower() for a key, as for an e-mail address")
def sockets_by_lower_case(seams: "Seams") -> Undo:
    """Users whose ids differ in capitals alone hear each other's answers."""
    return _registering(seams, str.lower)


@fault("websocket.sockets-by-first-36", place="backend", seen="a key of a fixed width, as wide as a UUID")
def sockets_by_first_36(seams: "Seams") -> Undo:
    """Users whose ids begin with the same 36 characters hear each other's answers."""
    return _registering(seams, lambda user: user[:UUID])


@fault("websocket.sockets-by-prefix", place="backend", seen="KEYS sockets:<user>*, to find every socket of a user")
def sockets_by_prefix(seams: "Seams") -> Undo:
    """A user hears the answers of another one whose id is the beginning of theirs."""
    from twin.backend.websocket import Hub  # noqa: PLC0415 - other processes import this file for its ids alone

    class Registry(Hub):
        def recipients(self, user_id: str) -> "list[WebSocket]":
            return [socket for user, own in self.sockets.items() if user.startswith(user_id) for socket in own]

    return replace(seams.sessions, hub=Registry(seams.sessions.hub.sockets))
