"""The messages of a thread: all of them, in their order, as they were written or said, and its owner's alone."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from fixtures.agent import read_run, refuse_other_run
from fixtures.http_services import seen
from fixtures.journeys import Journey, refuse_title
from fixtures.messages import Messages, Said
from fixtures.rows import Plant
from fixtures.sockets import SocketDoor
from fixtures.threads import AS_STORED, OUT_OF_RANGE, WINDOWED
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.errors import NOT_ANSWERED, TooSlow
from probes.foreign.excerpt import excerpt
from probes.websocket.dialect import data_of
from probes.websocket.sessions import Session
from targets.contract import Contract

TITLE = "A thread with messages"
SECRET = 'What only its owner may read: "l\'été" & <b>雪</b> 🚀'
# Who says it (0 asks, 1 answers: contract.threads.messages.roles), what, and how long ago; not in the order of their
# times, so that neither ids nor the table's own order is theirs.
WRITTEN = (
    (1, "Fourth.\nOn two lines.", timedelta(minutes=20)),
    (0, SECRET, timedelta(days=2)),
    (0, "  Third & more,\n\n  with blanks at its ends \n", timedelta(hours=1)),
    (1, "Second: None", timedelta(hours=26)),
    (0, "Fifth", timedelta(minutes=3)),
    (1, "Sixth, " + "and then " * 600, timedelta(minutes=2)),  # longer than what a short column holds
)
LONGER = "and then? " * 300  # than what a short column holds
SAID = pytest.mark.also_needs("ws", "agent", "talk", "messages")
WINDOW = 2
MANY = 120  # of another thread: more than any window has room for
# What to do about each finding.
OWNERS_ALONE = "Check the thread's owner before its messages are read or written."
BOUND = "Bind the thread in the query, and check its owner before a message is stored: there are others' among them."
RUN_WITH_AN_END = "Answer what is said in a thread like any other message, and end the run also when its history fails."
WHOLE = "Commit what was said before it is answered, and list the thread's messages of every role."
OWN_THREAD = "Keep the thread with the run, and not with the user or the session, until its answer is stored."
ITS_OWN_TITLE = "Name only threads that have no title: the one that a user gave stays."
ORDERED = "ORDER BY time and id, and store each message when it is said."
COUNTED = "Count a thread's messages in the statement that lists it; a counter beside the table goes stale."


@check(
    "threads.messages",
    requirement="a thread's owner can read all of its messages, unchanged and in order, and no other user can",
    needs="http write mint single",
    remedy="See the server's traceback, or what the route answered: a thread's owner reads its messages through it.",
    looking="the case's `curl`, and what the evidence has of each message; "
    "**an incident where somebody else read or wrote one**. "
    "`SELECT` of the thread's messages: are they stored?",
)
@pytest.mark.beside
@pytest.mark.parametrize(
    "whose",
    [
        "none",
        pytest.param("planted", marks=pytest.mark.also_needs("messages")),
        pytest.param("by the agent", marks=SAID),
        pytest.param("in two threads at once", marks=SAID),
    ],
)
async def test_messages_are_as_they_were_said(
    journey: Journey, messages: Messages, plant: Plant, sockets: SocketDoor, stranger: User, whose: str
) -> None:
    """A new thread has none; written ones come whole, in order, in windows; what is said in a session is kept."""
    if whose == "planted":
        await _planted_ones_come_back(messages, plant, stranger)
        return
    if whose == "in two threads at once":
        await _keep_apart(messages, sockets)
        return
    thread = journey.threads.id_of(await journey.create(title=TITLE))
    if whose == "none":
        found = await messages.page(thread)
        if found:
            raise CheckFailure(expected="no messages in a new thread", actual=excerpt(f"{found}", 300), remedy=BOUND)
        await _refuse_odd_windows(messages, thread)
        await _refuse_stranger(journey, thread, TITLE, stranger)
        return
    messages.watch(thread)
    await _refuse_other_count(journey, {thread: 0})
    mine, theirs = await sockets.open_all(journey.user, stranger)
    said = await _talk(mine, messages, thread)
    await _keep_out(theirs, messages, thread)
    await _refuse_other(messages, thread, _as_listed(said, messages.journey.threads.contract))
    await _refuse_other_count(journey, {thread: len(said)})
    refuse_title(await journey.listed(thread), TITLE, journey, "in the list after something was said", ITS_OWN_TITLE)
    await _refuse_stranger(journey, thread, SECRET, stranger)


async def _refuse_stranger(journey: Journey, thread: str, secret: str, stranger: User, **window: int) -> None:
    params = journey.threads.query_of(window) or None
    await journey.refuse("history", thread, secret, user=stranger, remedy=OWNERS_ALONE, params=params)


async def _planted_ones_come_back(messages: Messages, plant: Plant, stranger: User) -> None:
    """Of three threads, two of one owner, each has its own messages, whole and by windows; strangers have none."""
    journey = messages.journey
    mine, other = await plant(journey.user, count=2)
    (theirs,) = await plant(stranger)
    written = [one.says for one in await messages.plant(mine.id, WRITTEN)]
    others = [(0, f"number {number}", timedelta(hours=3, minutes=-number)) for number in range(MANY)]
    many = [one.says for one in await messages.plant(other.id, others)]
    foreign = [one.says for one in await messages.plant(theirs.id, [(0, "of another user", timedelta(hours=3))])]
    rules = journey.threads.contract.threads.messages
    expected = sorted(written, key=lambda says: says["created_at"], reverse=rules.descending)
    pace = journey.threads.door.pace
    await pace.together(
        [
            partial(_refuse_other, messages, mine.id, expected),
            partial(_refuse_other, messages, theirs.id, foreign, stranger),
            partial(_refuse_other_count, journey, {mine.id: len(WRITTEN), other.id: MANY}),
            partial(_refuse_unread, messages, other.id, many),
            *(
                partial(_refuse_stranger, journey, mine.id, SECRET, stranger, **window)
                for window in ({}, {"offset": 1}, {"limit": 1})  # a window may take another way through the handler
            ),
        ]
    )
    await _refuse_other_windows(messages, mine.id)
    change = journey.body(title=TITLE, metadata={"topic": "changed"})
    await journey.done("rename", mine.id, "a thread with messages is changed", json=change)
    await _refuse_other(messages, mine.id, expected)


async def _refuse_other_windows(messages: Messages, thread: str) -> None:
    """Raise CheckFailure unless the windows of a thread are, one after the other, what is listed without one."""
    windows = [{"limit": WINDOW, "offset": offset} for offset in range(0, len(WRITTEN) + WINDOW, WINDOW)]
    asked = [partial(messages.page, thread, None, **window) for window in ({}, {"offset": WINDOW}, *windows)]
    whole, rest, *pages = await messages.journey.threads.door.pace.together(asked)
    paged = [one for page in pages for one in page]
    for found, wanted, how in ((paged, whole, f"in windows of {WINDOW}"), (rest, whole[WINDOW:], "by an offset alone")):
        if found != wanted:
            expected = f"the same {len(wanted)} messages {how}"
            raise CheckFailure(expected=expected, actual=excerpt(f"{found}", 400), remedy=WINDOWED)


async def _refuse_other(
    messages: Messages, thread: str, expected: Sequence[Mapping[str, Any]], user: User | None = None
) -> None:
    """Raise CheckFailure unless a thread's messages are these, in this order, with these values and instants."""
    rules = messages.journey.threads.contract.threads.messages
    found = await messages.page(thread, user)
    wanted = [{field: says[said] for field, said in rules.compare.items() if said in says} for says in expected]
    got = [{field: one.get(field) for field in wants} for one, wants in zip(found, wanted, strict=False)]
    if len(found) != len(wanted) or got != wanted:
        raise CheckFailure(
            expected=f"{len(wanted)} messages in order (contract.threads.messages): {excerpt(str(wanted), 400)}",
            actual=f"{len(found)}: {excerpt(str(got), 400)}",
            remedy=_what_to_do(found, wanted, got),
        )
    for one, says in zip(found, expected, strict=True):
        _refuse_other_times(one, says, rules.times)


def _what_to_do(found: Sequence[Said], wanted: Sequence[Said], got: Sequence[Said]) -> str:
    """The remedy for other messages than the wanted ones; `got` is what is compared of those found."""
    if len(found) != len(wanted):
        return BOUND if len(found) > len(wanted) else WHOLE
    return ORDERED if all(one in got for one in wanted) else AS_STORED


def _refuse_other_times(one: Said, says: Mapping[str, Any], times: Mapping[str, str]) -> None:
    for field, said in times.items():
        value = one.get(field)
        if said in says and (isinstance(value, bool) or not isinstance(value, int) or abs(value - says[said]) > 1):
            raise CheckFailure(
                expected=f"{field} {says[said]} (unix seconds, within a second)", actual=f"{value!r}", remedy=AS_STORED
            )


async def _refuse_other_count(journey: Journey, written: Mapping[str, int]) -> None:
    """Raise CheckFailure where the list says another number of messages of a thread than were written."""
    name = journey.threads.contract.threads.messages.count_field
    items = await journey.threads.everything(journey.user)
    first, *_ = written
    alone = await journey.read(first)
    if name in alone and alone[name] != written[first]:
        raise CheckFailure(expected=f"{name} {written[first]} by its id", actual=f"{alone[name]!r}", remedy=COUNTED)
    for thread, count in written.items():
        found = [item for item in items if journey.threads.id_of(item) == thread]
        if len(found) != 1:  # joined with its messages, it comes as often as it has some
            raise CheckFailure(
                expected=f"the thread {thread} once in its owner's list", actual=f"{len(found)} times", remedy=COUNTED
            )
        if name and found[0].get(name) != count:
            raise CheckFailure(expected=f"{name} {count} in the list", actual=f"{found[0].get(name)!r}", remedy=COUNTED)


async def _refuse_unread(messages: Messages, thread: str, expected: Sequence[Mapping[str, Any]]) -> None:
    """Raise CheckFailure unless the widest windows, one after the other, are all of a thread's many messages."""
    rules = messages.journey.threads.contract.threads
    wide, name = rules.max_limit, next((one for one, said in rules.messages.compare.items() if said == "content"), "")
    asked = [partial(messages.page, thread, None, limit=wide, offset=start) for start in range(0, MANY, wide)]
    found = [one.get(name) for page in await messages.journey.threads.door.pace.together(asked) for one in page]
    wanted = [one["content"] for one in (reversed(expected) if rules.messages.descending else expected)]
    if name and found != wanted:
        actual = f"{len(found)}, {len({*map(str, found)})} different, from {found[:1]} to {found[-1:]}"
        raise CheckFailure(
            expected=f"{MANY} messages in windows of {wide}, in order", actual=excerpt(actual, 300), remedy=WINDOWED
        )


async def _refuse_odd_windows(messages: Messages, thread: str) -> None:
    """Raise CheckFailure unless each impossible window is refused, or answered as if it were another one."""
    threads = messages.journey.threads
    rules = threads.contract.threads
    answers = await threads.door.pace.together(
        partial(messages.journey.do, "history", thread, params=threads.query_of(window))
        for window in OUT_OF_RANGE.values()
    )
    for what, answer in zip(OUT_OF_RANGE, answers, strict=True):
        if answer.status not in rules.out_of_bounds | rules.one.done:
            raise CheckFailure(expected=f"messages with {what}: refused, or a list", actual=seen(answer))


async def _talk(session: Session, messages: Messages, thread: str) -> list[dict[str, Any]]:
    """Say two things in a thread, the second at length, and hear the answers; what has to be kept of it."""
    contract, kept = messages.journey.threads.contract, list[dict[str, Any]]()
    rules = contract.websocket.agent
    for asked in (SECRET, LONGER[: contract.websocket.max_message_bytes // 2].strip()):
        await session.send(session.dialect.message_of(asked, rules.in_thread, thread=thread))
        try:
            events = await read_run(session, contract)
        except NOT_ANSWERED as error:
            expected = f"an answer to what is said in a thread, up to {rules.events[-1]}"
            raise CheckFailure(expected=expected, actual=error.detail, remedy=RUN_WITH_AN_END) from error
        refuse_other_run(events, contract, "a session that speaks in a thread", messages.journey.user)
        answered = data_of(events[-1]).get(rules.text_field)
        kept += [
            {"thread": thread, "role": role, "content": content}
            for role, content in zip(contract.threads.messages.roles, (asked, answered), strict=True)
        ]
    return kept


async def _keep_apart(messages: Messages, sockets: SocketDoor) -> None:
    """One user says something in two threads at once, in a session each, then the other way round.

    Each thread has its own questions, and one answer to each.
    """
    journey, contract = messages.journey, messages.journey.threads.contract
    asks, answers = contract.threads.messages.roles
    threads = [journey.threads.id_of(await journey.create(title=TITLE)) for _ in range(2)]
    said: dict[str, list[dict[str, Any]]] = {thread: [] for thread in threads}
    tabs = await sockets.open_all(*[journey.user] * len(threads))
    for texts, order in (((SECRET, "And here?"), threads), (("And now?", "Or there?"), threads[::-1])):
        for text, thread, tab in zip(texts, order, tabs, strict=True):
            messages.watch(thread)
            await tab.send(tab.dialect.message_of(text, contract.websocket.agent.in_thread, thread=thread))
            said[thread] += [{"thread": thread, "role": asks, "content": text}, {"thread": thread, "role": answers}]
        await _hear_answers(tabs, len(threads), contract)
        for thread in threads:  # which of the answers it is, its events don't say
            await _refuse_mixed(messages, thread, said)


async def _refuse_mixed(messages: Messages, thread: str, said: Mapping[str, list[dict[str, Any]]]) -> None:
    """Raise CheckFailure unless a thread has what was said in it; with a remedy of its own if another has it."""
    try:
        await _refuse_other(messages, thread, _as_listed(said[thread], messages.journey.threads.contract))
    except CheckFailure as error:
        kept = sum([len(await messages.page(one)) for one in said])
        remedy = OWN_THREAD if kept == sum(map(len, said.values())) else error.remedy
        raise CheckFailure(expected=error.expected, actual=error.actual, remedy=remedy) from error


def _as_listed(said: list[dict[str, Any]], contract: Contract) -> list[dict[str, Any]]:
    """What was said, oldest first, in the order in which it is listed."""
    return said[::-1] if contract.threads.messages.descending else said


async def _hear_answers(tabs: Sequence[Session], count: int, contract: Contract) -> None:
    """Wait until this many answers have ended, in each tab that gets them; their events may be mixed."""
    for tab in tabs:
        await _await_answers(tab, count if contract.websocket.agent.every_tab else 1, contract)


async def _await_answers(session: Session, count: int, contract: Contract) -> None:
    """Wait until this many answers have ended. Raises CheckFailure for another end."""
    try:
        events = await read_run(session, contract, count)
    except NOT_ANSWERED as error:
        raise CheckFailure(expected=f"{count} answers", actual=error.detail, remedy=RUN_WITH_AN_END) from error
    wrong = next((event for event in events if session.dialect.is_error(event)), None)
    if wrong:
        raise CheckFailure(expected=f"{count} answers", actual=f"{wrong}", remedy=RUN_WITH_AN_END)


async def _keep_out(session: Session, messages: Messages, thread: str) -> None:
    """Say something in somebody else's thread, and wait for what comes of it; the thread is looked at afterwards."""
    rules = messages.journey.threads.contract.websocket.agent
    await session.send(session.dialect.message_of("said by a stranger", rules.in_thread, thread=thread))
    try:
        await session.receive_answer(session.deadlines.message)
    except TooSlow:
        return  # silence is an answer too, as long as nothing is kept
