"""One user, many sockets: tabs, connections that come and go, a long talk, and the agent's answer in every tab."""

import asyncio
from collections.abc import Sequence

from fixtures.sockets import SocketDoor, refusal
from fixtures.users import MakeUser
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.errors import ProbeError
from probes.websocket.dialect import Message, data_of
from probes.websocket.sessions import Session
from targets.contract import Contract

TABS, CONNECTS, MESSAGES, TOGETHER = 5, 30, 300, 20


async def run_of(session: Session, contract: Contract) -> list[Message]:
    """The events of one answer of the agent, up to its last one. Raises TooSlow where it does not end."""
    rules = contract.websocket.agent
    events: list[Message] = []
    while not events or events[-1].get("type") != rules.events[-1]:
        events.append(await session.receive_of(*rules.events, deadline_s=rules.seconds))
    return events


def refuse_other_run(events: Sequence[Message], contract: Contract, tab: str) -> None:
    """Raise CheckFailure where a run is not the contract's events in their order, of one run, with the answer."""
    rules = contract.websocket.agent
    kinds = [str(event.get("type")) for event in events]
    if kinds != list(rules.events):
        raise CheckFailure(
            expected=f"{list(rules.events)} in {tab} (contract.websocket.agent.events)", actual=f"{kinds}"
        )
    runs = {str(data_of(event).get(rules.run_field)) for event in events if rules.run_field}
    if len(runs) > 1:
        raise CheckFailure(expected=f"events of one run in {tab}", actual=f"of {len(runs)} runs")
    said = str(data_of(events[-1]).get(rules.text_field, ""))
    if not said.strip():
        raise CheckFailure(
            expected=f"an answer in {rules.text_field!r} of the last event in {tab}", actual=f"{events[-1]}"
        )


@check(
    "websocket.tabs",
    requirement="one user in five tabs: all live, each answer of the agent in each, closing one closes one",
    needs="ws token agent",
    remedy="Keep a set of sockets a user, add and discard one at a time, and send to each of them.",
)
async def test_every_tab_lives_and_hears(sockets: SocketDoor, owner: User, contract: Contract) -> None:
    """Five sessions of one user are open at once; the agent's answer comes to each; four go on after one is closed."""
    tabs = [await sockets.open(owner) for _ in range(TABS)]
    for tab in tabs:
        await tab.ping()
    await tabs[0].send(tabs[0].dialect.said("what is new?"))
    for number, tab in enumerate(tabs, 1):
        try:
            refuse_other_run(await run_of(tab, contract), contract, f"tab {number} of {TABS}")
        except ProbeError as error:
            expected = f"the agent's answer in tab {number} of {TABS}"
            raise CheckFailure(expected=expected, actual=error.detail) from error
    await tabs[-1].aclose()
    for number, tab in enumerate(tabs[:-1], 1):
        try:
            await tab.ping()
        except ProbeError as error:
            expected = f"tab {number} goes on when another is closed"
            raise CheckFailure(expected=expected, actual=error.detail) from error


@check(
    "websocket.churn",
    requirement="one user connects and leaves thirty times: the next connection is as good as the first",
    needs="ws token",
    remedy="Free what a connection took when it closes, however it closes.",
)
async def test_coming_and_going_uses_nothing_up(sockets: SocketDoor, owner: User, recorder: Recorder) -> None:
    """Each of thirty connections is welcomed and answered, and so is the one after them."""
    for number in range(1, CONNECTS + 2):
        session = await sockets.try_open(sockets.tokens.good(owner), good=True)
        if not isinstance(session, Session):
            raise CheckFailure(
                expected=f"connection {number} of one user is welcomed, like those before it",
                actual=refusal(session),
            )
        await session.ping()
        await session.aclose()
    recorder.figures(rule="connections of one user, one after the other", n=CONNECTS + 1, value=CONNECTS + 1)


@check(
    "websocket.long-talk",
    requirement="three hundred messages in one session are all answered, in order",
    needs="ws token",
    remedy="Answer each message in the session's own loop; no buffer that waits for more, no limit on messages.",
)
async def test_a_long_talk_is_answered_to_its_end(sockets: SocketDoor, owner: User, recorder: Recorder) -> None:
    """Each ping is answered before the next one is sent."""
    session = await sockets.open(owner)
    for number in range(1, MESSAGES + 1):
        try:
            await session.ping(seq=number)
        except ProbeError as error:
            expected = f"message {number} of {MESSAGES} is answered"
            raise CheckFailure(expected=expected, actual=error.detail) from error
    recorder.figures(rule="messages answered in one session", n=MESSAGES, value=MESSAGES, limit=MESSAGES)


@check(
    "websocket.together",
    requirement="twenty users at once: each welcome, each answer and each event is its own user's",
    needs="ws mint",
    remedy="Keep nothing of a session in a module global; hand the user through, from the token to the last event.",
)
async def test_users_at_once_keep_their_own(sockets: SocketDoor, make_user: MakeUser, recorder: Recorder) -> None:
    """Twenty users open at the same time and ping at the same time; nobody sees another's name."""
    users = [make_user("together") for _ in range(TOGETHER)]
    sessions = await asyncio.gather(*(sockets.open(user) for user in users))
    pongs = await asyncio.gather(*(session.ping() for session in sessions))
    for user, session, pong in zip(users, sessions, pongs, strict=True):
        field = session.dialect.user_field
        for what, message in (("welcome", session.welcome), ("answer", pong)):
            named = data_of(message).get(field, None if what == "welcome" else user.sub)
            if field and named != user.sub:
                raise CheckFailure(expected=f"{field} {user.sub} in the {what}", actual=f"{named!r}")
    recorder.figures(rule="users at once", n=TOGETHER, value=TOGETHER, limit=TOGETHER)


@check(
    "websocket.agent",
    requirement="a user's message is answered by the agent's events in their order, and nobody else hears them",
    needs="ws mint agent",
    remedy="End every run with its last event, whatever happens in it; send to the user's own sockets alone.",
)
async def test_the_agent_answers_its_user_alone(
    sockets: SocketDoor, owner: User, stranger: User, contract: Contract
) -> None:
    """Two messages get two runs, each whole and in order; a stranger who is connected hears nothing."""
    mine, theirs = await sockets.open(owner), await sockets.open(stranger)
    for asked in (f"first question of {owner.sub}", f"second question of {owner.sub}"):
        await mine.send(mine.dialect.said(asked))
        try:
            events = await run_of(mine, contract)
        except ProbeError as error:
            last = contract.websocket.agent.events[-1]
            raise CheckFailure(expected=f"an answer that ends with {last}", actual=error.detail) from error
        refuse_other_run(events, contract, "the user's session")
    await theirs.send({"type": theirs.dialect.heartbeat})
    overheard = await theirs.receive_answer(theirs.deadlines.message)
    if overheard.get("type") != theirs.dialect.acknowledgement:
        raise CheckFailure(expected="nothing of another user's agent", actual=f"{overheard}")
