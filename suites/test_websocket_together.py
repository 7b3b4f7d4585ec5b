"""Many concurrent users: each gets their own welcome, answers and events, and no one else's."""

import asyncio
from collections.abc import Sequence

import pytest

from fixtures.agent import read_run, refuse_other_names, refuse_other_run, run_ids
from fixtures.sockets import EACH_TAB, NOT_GLOBAL, SocketDoor, refuse_binary, refuse_not_ready
from fixtures.users import MakeUser
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from gate.run import Run
from probes.auth.pool import UserPool
from probes.auth.tokens import User
from probes.errors import NOT_ANSWERED, TooSlow
from probes.foreign.excerpt import excerpt
from probes.statistics.exact import trials_to_catch
from probes.websocket.dialect import Message, data_of
from probes.websocket.sessions import Session
from targets.contract import Contract

USERS, MIXED_UP, MISSED = (
    20,
    0.05,
    0.001,
)  # a fault that mixes up this share of answers is missed in at most this share of runs
ROUNDS = -(-trials_to_catch(MIXED_UP, MISSED) // USERS)  # of this many concurrent users: 135 answers take seven
ASKED = 2  # rounds that also ask the agent: 200 events, and an answer may take as long as a model needs
ONE_RUN = "one run id for several questions"
RUN_OF_ITS_OWN = "Give each run an id of its own when it begins (a UUID): pages sort events by it."
QUESTION = "où est l'été ? 雪 🚀 a question of"  # in letters of several scripts
QUIET_S = 1.0  # how long to listen for a stray event


@check(
    "websocket.together",
    requirement="with twenty concurrent users, each welcome, answer and event is its own user's, in order",
    needs="ws mint",
    remedy=NOT_GLOBAL,
    looking="whose name came to whom, in the case; module globals between two awaits",
)
async def test_users_at_once_keep_their_own(
    sockets: SocketDoor, make_user: MakeUser, contract: Contract, run: Run, recorder: Recorder
) -> None:
    """Twenty users open, ping and talk to the agent concurrently, repeatedly; no user sees another's name."""
    users = [make_user("together") for _ in range(USERS)]
    compared, runs, sessions = 0, list[tuple[str, str]](), list[Session]()
    for number in range(ROUNDS):
        coming = asyncio.gather(*(sockets.open(user) for user in users))
        sessions, _ = await asyncio.gather(coming, _leave(sessions))
        compared += sum(await asyncio.gather(*map(_talk, users, sessions)))
        if number < ASKED and "agent" in run.plan.offers:
            asked = await asyncio.gather(*(_ask(*pair, contract) for pair in zip(users, sessions, strict=True)))
            runs += [(one, user.sub) for user, ids in zip(users, asked, strict=True) for one in ids]
    _refuse_one_run(runs)
    recorder.figures(
        rule=f"answers to {USERS} concurrent users with another user's name, or none",
        n=compared,
        value=0,
        limit=0,
        runs_of_the_agent=len(runs),
        one_in_twenty_is_missed_with=f"{(1 - MIXED_UP) ** (ROUNDS * USERS):.1g}",
    )


def _refuse_one_run(runs: Sequence[tuple[str, str]]) -> None:
    """Raise CheckFailure if two questions were answered under one run's id; `runs` are ids, with the user of each."""
    whose = dict[str, list[str]]()
    for run, user in runs:
        whose.setdefault(run, []).append(user)
    run, users = max(whose.items(), key=lambda item: len(item[1]), default=("", []))
    if len(users) > 1:
        actual = f"{ONE_RUN}: {run} ({' and '.join(users[:2])})"
        raise CheckFailure(expected="a separate run for each user's question", actual=actual, remedy=RUN_OF_ITS_OWN)


async def _leave(sessions: Sequence[Session]) -> None:
    """End all of them at once."""
    await asyncio.gather(*(session.aclose() for session in sessions))


async def _talk(user: User, session: Session) -> int:
    """How many names were compared. Raises CheckFailure unless welcome and answers are the user's and in order."""
    dialect = session.dialect
    refuse_not_ready(session)
    sent = [dialect.ping, dialect.heartbeat, dialect.ping, dialect.heartbeat]
    for kind in sent:
        await session.send({"type": kind})
    answers = [await session.receive_answer(session.deadlines.message) for _ in sent]
    kinds = [str(answer.get("type")) for answer in answers]
    wanted = [dialect.pong if kind == dialect.ping else dialect.acknowledgement for kind in sent]
    if kinds != wanted:
        raise CheckFailure(expected=f"{wanted} to {sent}, with {USERS} concurrent users", actual=f"{kinds}")
    named = [session.welcome, *(answer for answer in answers if answer.get("type") == dialect.pong)]
    for message in named if dialect.user_field else ():
        if data_of(message).get(dialect.user_field) != user.sub:
            raise CheckFailure(
                expected=f"{dialect.user_field} {user.sub} in {message.get('type')}", actual=excerpt(f"{message}", 300)
            )
    return len(named)


async def _ask(user: User, session: Session, contract: Contract) -> Sequence[str]:
    """Ask the agent; the id of its run. Raises CheckFailure for anything but one complete run for the user."""
    await session.send(session.dialect.message_of(f"{QUESTION} {user.sub}"))
    messages = await _read_run(session, contract)
    refuse_other_run(messages, contract, f"the session of {user.sub}", user)
    return sorted(run_ids(messages, contract))


async def _read_run(session: Session, contract: Contract, remedy: str = "") -> list[Message]:
    try:
        return await read_run(session, contract)
    except NOT_ANSWERED as error:
        last = contract.websocket.agent.events[-1]
        raise CheckFailure(expected=f"an answer that ends with {last}", actual=error.detail, remedy=remedy) from error


@check(
    "websocket.agent",
    requirement="a user's message is answered by the agent's events in order, and no other user receives them",
    needs="ws mint agent",
    remedy="End every run with its last event, whatever happens in it; send only to the user's own sockets.",
    looking="the events in the evidence, in order; the server's log lines of the run",
)
@pytest.mark.beside(takes_long=True)
async def test_the_agent_answers_its_user_alone(
    sockets: SocketDoor, owner: User, stranger: User, contract: Contract
) -> None:
    """A question asked twice gets two complete runs, in both tabs; other users get nothing, even a second later.

    Some of the others have an id like the user's. A third tab was closed before: a service that still sends to it must
    not fail for the user's other tabs.
    """
    await (await sockets.open(owner)).aclose()
    others = [stranger, *UserPool.lookalikes(owner, stranger)]
    mine, other_tab, *theirs = await sockets.open_all(owner, owner, *others)
    seen = set[str]()
    for _ in range(2):
        await mine.send(mine.dialect.message_of(f"{QUESTION} {owner.sub}"))
        seen |= await _refuse_other_runs(mine, other_tab, owner, contract, seen)
    own = [mine, other_tab] if contract.websocket.agent.every_tab else [mine]
    late = await asyncio.gather(*(_overhear(session) for session in (*own, *theirs)))
    if any(late):
        whose = "another user's session" if any(late[len(own) :]) else "the user's own sessions after the run's end"
        raise CheckFailure(
            expected="nothing more from the agent, to anybody", actual=excerpt(f"in {whose}: {late}", 400)
        )
    for session, user in ((mine, owner), *zip(theirs, others, strict=True)):
        refuse_other_names([await session.ping()], contract, "a pong after the agent's answer", user)


async def _refuse_other_runs(
    mine: Session, other_tab: Session, owner: User, contract: Contract, seen: set[str]
) -> set[str]:
    """The id of a run, if it has one. Raises CheckFailure unless it comes whole in both tabs, and is none of `seen`.

    If the contract does not promise it to every tab, only the one that asked has to hear it.
    """
    ids = set[str]()
    tabs = [("the user's session", mine, "")]
    tabs += [("the user's other tab", other_tab, EACH_TAB)] if contract.websocket.agent.every_tab else []
    for name, session, remedy in tabs:
        messages = await _read_run(session, contract, remedy)
        refuse_binary(session, contract, "the agent's events")
        refuse_other_run(messages, contract, name, owner)
        ids = run_ids(messages, contract)
        if session is mine and ids & seen:
            expected, actual = "a separate run for each message", f"{ONE_RUN}: {', '.join(ids)}"
            raise CheckFailure(expected=expected, actual=actual, remedy=RUN_OF_ITS_OWN)
    return ids


async def _overhear(session: Session) -> list[Message]:
    """What a silent session receives for a while, except messages that may come unasked."""
    messages = list[Message]()
    while True:
        try:
            messages.append(await session.receive_answer(QUIET_S))
        except TooSlow:
            return messages
