"""Faults of the agent's runs: what their events name, and what waits for them."""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.seams import Seams
    from twin.backend.websocket import Message, Sessions

BLOCKED_S = 0.2  # how long a call lasts that is not awaited


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


@fault("threads.wait-for-the-agent", place="backend", seen="a synchronous client of the model, called in a coroutine")
def wait_for_the_agent(seams: "Seams") -> Undo:
    """While the agent's model answers, nothing else is answered."""
    from twin.backend.agent import AgentSupervisor  # noqa: PLC0415 - other processes import this file for its ids alone

    class Agent(AgentSupervisor):
        async def run(self, asked: str) -> AsyncIterator[dict[str, Any]]:
            time.sleep(BLOCKED_S)  # noqa: ASYNC251 - that it blocks the loop is the fault
            async for event in super().run(asked):
                yield event

    return replace(seams.sessions, supervisor=Agent)
