"""Where pongs repeat what was sent, each of them has to repeat its own ping's number."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.sockets import dialect_of
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.timing.deadlines import Deadlines
from probes.websocket.dialect import Dialect, Message
from suites import test_websocket as suite
from targets.contract import Contract
from targets.loading import describe_target

ECHO = "seq"


def contract(echo_field: str, *, text_frames: bool = True) -> Contract:
    usual = describe_target("local").contract
    changed = {"echo_field": echo_field, "text_frames": text_frames}
    return usual.model_copy(update={"websocket": usual.websocket.model_copy(update=changed)})


@dataclass(slots=True, kw_only=True)
class Echoing:
    """A session whose pongs repeat the number of a ping; `late` of them repeat the one before."""

    dialect: Dialect
    late: int = 0
    age_s: float = 0.0
    in_binary: bytes = b""
    inbox: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        if message["type"] == self.dialect.ping:
            repeated = message[ECHO] - (message[ECHO] >= suite.ROUNDS - self.late)
            self.inbox.append({"type": self.dialect.pong, "data": {ECHO: repeated}})
        else:
            self.inbox.append({"type": self.dialect.acknowledgement})

    async def receive_of(self, _kind: str) -> Message:
        return self.inbox.pop(0)

    async def receive(self, _deadline_s: float) -> Message:
        return self.inbox.pop(0)


async def ask(late: int, echo_field: str, *, in_binary: bytes = b"", text_frames: bool = True) -> None:
    rules = contract(echo_field, text_frames=text_frames)
    session = Echoing(dialect=dialect_of(rules), late=late, in_binary=in_binary)

    async def open_one(_user: object, first: Message) -> Echoing:
        session.inbox.append({"type": session.dialect.pong, "data": {}} if first else {})
        return session

    door: Any = SimpleNamespace(open=open_one, doorway=SimpleNamespace(dialect=session.dialect))
    user: Any = None
    await suite.test_pings_and_heartbeats_are_answered_in_order(door, user, Deadlines(), Recorder(), rules)


@pytest.mark.parametrize("late,echo_field", [(0, ECHO), (0, ""), (1, "")])
async def test_each_pong_of_its_own_ping_passes_and_so_does_any_where_nothing_is_repeated(
    late: int, echo_field: str
) -> None:
    await ask(late, echo_field)


@pytest.mark.parametrize("late", [1, 3])
async def test_a_pong_of_another_ping_is_refused(late: int) -> None:
    with pytest.raises(CheckFailure, match="pongs for"):
        await ask(late, ECHO)


async def test_an_answer_in_a_binary_frame_is_refused_unless_the_contract_has_them() -> None:
    await ask(0, "", in_binary=b"{}", text_frames=False)
    with pytest.raises(CheckFailure, match="text frames"):
        await ask(0, "", in_binary=b"{}")
