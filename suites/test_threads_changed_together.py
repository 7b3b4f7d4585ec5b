"""Changes of one thread at the same time: each that is answered as done is kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pytest

from fixtures.agent import during_answer
from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import METADATA, Journey
from fixtures.messages import Messages
from fixtures.rows import Plant
from fixtures.sockets import SocketDoor
from fixtures.threads import Item
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.http.client import Answer

TITLE, CHANGED = "before", "changed at the same time"
ROUNDS, PAIRS = 3, 4  # of each kind, this many pairs are under way together in a round
LOST_RATE = 0.25  # of pairs, for the stated probability of a miss
CHANGES = {"rename": "a new title", "describe": "new metadata", "archive": "the archiving"}
ONE_STATEMENT = (
    "Change what was sent in one UPDATE, or lock the row (SELECT ... FOR UPDATE) before it is read: a whole row that "
    "is saved again takes back what others changed meanwhile."
)


@check(
    "threads.changed-together",
    requirement="of two changes of one thread at the same time, each that is answered as done is kept",
    needs="http write mint single",
    remedy=ONE_STATEMENT,
    looking="which change was lost, in the evidence; handlers that read a row, wait, and save the whole of it",
)
@pytest.mark.parametrize(
    "by",
    [
        "two requests",
        pytest.param(
            "a request and the agent",
            marks=[pytest.mark.also_needs("ws", "agent", "talk", "messages"), pytest.mark.beside],
        ),
    ],
)
async def test_no_change_is_lost(
    journey: Journey, messages: Messages, plant: Plant, sockets: SocketDoor, recorder: Recorder, by: str
) -> None:
    """A new title beside the archiving, or beside new metadata; a new title, or the archiving, while the agent answers.

    A change may be refused because of the other one. What is archived stays so. A title and metadata are both kept only
    where the target promises that (contract.threads.one.both_kept).
    """
    if by != "two requests":
        await _beside_the_agent(journey, messages, plant, sockets)
        return
    rules = journey.threads.contract.threads.one
    kinds = ["describe", "archive"] if rules.partial and rules.both_kept else ["archive"]
    asked, lost = ROUNDS * PAIRS * len(kinds), list[str]()
    rows = iter(await plant(journey.user, count=asked, title=TITLE, metadata=dict(METADATA)))
    for _ in range(ROUNDS):
        pairs = [_Pair(journey, next(rows).id, other) for other in kinds for _ in range(PAIRS)]
        answers = await asyncio.gather(*(pair.ask() for pair in pairs))
        items = await journey.threads.everything(journey.user)
        lost += [what for pair, two in zip(pairs, answers, strict=True) for what in pair.lost(two, items)]
    recorder.figures(
        rule="pairs of changes at the same time, one of which was lost",
        n=asked,
        value=len(lost),
        limit=0,
        one_in_four_is_missed_with=float(f"{(1 - LOST_RATE) ** asked:.2g}"),
    )
    if lost:
        actual = f"{len(lost)} lost in {asked} pairs, such as {lost[0]}"
        raise CheckFailure(expected="each change that was answered as done is kept", actual=actual)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A new title, and another change of the same thread, which are sent together."""

    journey: Journey
    thread: str
    other: str  # of CHANGES

    async def ask(self) -> tuple[Answer, Answer]:
        """Send both. Raises CheckFailure for an answer that is neither done nor a refusal because of the other."""
        body = self.journey.body(metadata={"topic": self.thread}) if self.other == "describe" else None
        step = "archive" if self.other == "archive" else "rename"
        title = self.journey.do("rename", self.thread, json=self.journey.body(title=CHANGED))
        both = await asyncio.gather(title, self.journey.do(step, self.thread, json=body))
        rules = self.journey.threads.contract.threads.one
        gone = rules.gone if self.other == "archive" else frozenset[int]()
        self._refuse_other(both[0], "rename", rules.done | rules.conflict | gone)
        self._refuse_other(both[1], self.other, rules.done | rules.conflict)
        return both

    def lost(self, answers: Sequence[Answer], items: Sequence[Item]) -> list[str]:
        """What was answered as done and is not so in the list, in words."""
        threads, item = self.journey.threads, self.journey.item_of(self.thread, items)
        title, other = (answer.status in threads.contract.threads.one.done for answer in answers)
        if self.other == "archive":
            return [f"{CHANGES['archive']}: the thread {self.thread} is in the list"] if other and item else []
        if item is None:
            return [f"the whole thread {self.thread}: it is not in the list"]
        kept, metadata = item.get(threads.field_of("title")), item.get(threads.field_of("metadata"))
        topic = metadata.get("topic") if isinstance(metadata, dict) else None
        found = [f"{CHANGES['rename']} of {self.thread}: it is {kept!r}"] if title and kept != CHANGED else []
        return found + (
            [f"{CHANGES['describe']} of {self.thread}: it is {metadata!r}"] if other and topic != self.thread else []
        )

    def _refuse_other(self, answer: Answer, change: str, allowed: frozenset[int]) -> None:
        expected = f"{CHANGES[change]} beside {CHANGES[self.other if change == 'rename' else 'rename']}"
        refuse_server_error(answer, expected)
        if answer.status not in allowed:
            named = "contract.threads.one: done, conflict"
            raise CheckFailure(expected=f"{expected}: done, or refused for it ({named})", actual=seen(answer))


async def _beside_the_agent(journey: Journey, messages: Messages, plant: Plant, sockets: SocketDoor) -> None:
    """Rename a thread and archive another one while the agent answers in them. Raises CheckFailure unless both last."""
    threads, contract = journey.threads, journey.threads.contract
    renamed, archived = [row.id for row in await plant(journey.user, count=2, title=TITLE)]
    (tab,) = await sockets.open_all(journey.user)
    steps = (
        (renamed, partial(journey.done, "rename", renamed, "a new title", json=journey.body(title=CHANGED))),
        (archived, partial(journey.done, "archive", archived, "the thread is archived")),
    )
    for thread, step in steps:
        messages.watch(thread)
        await tab.send(tab.dialect.message_of("what is new?", contract.websocket.agent.in_thread, thread=thread))
        await during_answer(tab, contract, step)
    items = await threads.everything(journey.user)
    kept = (journey.item_of(renamed, items) or {}).get(threads.field_of("title"))
    if kept != CHANGED:
        expected = f"title {CHANGED!r}, which was given while the agent answered in the thread"
        raise CheckFailure(expected=expected, actual=f"{kept!r}")
    if journey.item_of(archived, items) is not None:
        expected = "a thread that was archived while the agent answered in it is not listed"
        raise CheckFailure(expected=expected, actual=f"{archived} is listed")
