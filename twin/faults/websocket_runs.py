"""Faults of what the agent's events name: the run that they belong to, and the user whom they are for."""

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions


def _naming(seams: "Seams", change: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Undo:
    """Lay `change(user, data)` over the data of each event, as it is sent."""
    healthy = seams.sessions.tell

    async def tell(sessions: "Sessions", user_id: str, message: "Message") -> None:
        data = message["data"]
        await healthy(sessions, user_id, {**message, "data": {**data, **change(user_id, data)}})

    return replace(seams.sessions, tell=tell)


@fault("websocket.runs-counted-by-session", place="backend", seen="a counter that each session begins at one")
def runs_counted_by_session(seams: "Seams") -> Undo:
    """The first run of every user has the same id."""
    counted = defaultdict[str, dict[str, str]](dict)

    def change(user_id: str, data: dict[str, Any]) -> dict[str, Any]:
        own = counted[user_id]
        return {"run_id": own.setdefault(data["run_id"], f"run-{len(own) + 1}")}

    return _naming(seams, change)


@fault("websocket.run-of-the-session", place="backend", seen="the run's id made when the session's context is")
def run_of_the_session(seams: "Seams") -> Undo:
    """Every run of a user has the same id."""
    return _naming(seams, lambda user_id, _data: {"run_id": f"run-of-{user_id}"})


@fault("websocket.agent-names-the-demo-user", place="backend", seen="the default of a user context in the agent alone")
def agent_names_the_demo_user(seams: "Seams") -> Undo:
    """The agent's events reach the user who asked, and name another."""
    return _naming(seams, lambda _user_id, _data: {"user_id": "demo-user-001"})
