"""One user, many sockets: tabs, connections that come and go, and a long session."""

import asyncio
import time
from collections import deque
from functools import partial
from itertools import count

import pytest

from fixtures.agent import leave_during_answer, refuse_unheard
from fixtures.growth import is_growth, refuse_growth
from fixtures.sockets import EACH_TAB, FREED, OWN_LOOP, SocketDoor, refuse_binary, refuse_refused
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.errors import NOT_ANSWERED
from probes.foreign.excerpt import excerpt
from probes.statistics.trend import find_trend
from probes.websocket.sessions import Session
from targets.contract import Contract

TABS, AT_ONCE, ROUNDS = 5, 5, 6
MESSAGES, EACH, LOOKS = 300, 5, (8, 16, 30, 60)  # in batches of five, tested for a trend after this many
ONE_EACH = "Send each answer once: a send that was slow may have succeeded."
AHEAD = 11  # batches that are on their way before the oldest one's answers are read


@check(
    "websocket.tabs",
    requirement="with five tabs of one user, all are live, each gets every answer of the agent, and closing one "
    "closes only that one",
    needs="ws token agent",
    remedy=EACH_TAB,
    looking="which tab heard nothing, in the case; how many sockets a user may have",
)
@pytest.mark.beside
async def test_every_tab_lives_and_hears(sockets: SocketDoor, owner: User, contract: Contract) -> None:
    """One user has five open sessions; each gets the agent's answer; four keep working after one is closed.

    It is closed while an answer is under way, which the others get whole.
    """
    tabs = await sockets.open_all(*[owner] * TABS)
    await sockets.pace.together(
        partial(_refuse_dead, tab, f"tab {number} is live with {TABS} open") for number, tab in enumerate(tabs, 1)
    )
    await refuse_unheard(tabs, contract, owner, "")
    where = ", the last of which was closed during the answer"
    await refuse_unheard(tabs[:-1], contract, owner, where, partial(leave_during_answer, tabs[-1], contract))
    await refuse_unheard(tabs[:-1], contract, owner, ", after another was closed")
    await sockets.pace.together(
        partial(_refuse_dead, tab, f"tab {number} keeps working when another is closed")
        for number, tab in enumerate(tabs[:-1], 1)
    )


async def _refuse_dead(session: Session, expected: str) -> None:
    """Raise CheckFailure if a ping is not answered."""
    try:
        await session.ping()
    except NOT_ANSWERED as error:
        raise CheckFailure(expected=expected, actual=error.detail) from error


@check(
    "websocket.churn",
    requirement="after one user has connected and left thirty times, the next connection is as good as the first",
    needs="ws token",
    remedy=FREED,
    looking="at which connection it was refused; what is kept for each connection, and who frees it",
)
async def test_coming_and_going_uses_nothing_up(sockets: SocketDoor, owner: User, recorder: Recorder) -> None:
    """Each of thirty connections, and the next one, is welcomed and answered no slower than those before it.

    Every other one ends without a close, as when a phone leaves its network: what it held must be free again as well.
    """
    visits = count(1)

    async def visit() -> float:
        number, begun = next(visits), time.perf_counter()
        session = refuse_refused(
            await sockets.try_open(sockets.tokens.good(owner), good=True),
            f"connection {number} of one user is welcomed, like those before it",
        )
        took = time.perf_counter() - begun
        await _refuse_dead(session, f"connection {number} is answered")
        if number % 2:
            session.connection.transport.abort()
        await session.aclose()
        return took * 1e3

    async def measure() -> list[float]:
        times = list[float]()
        for _ in range(ROUNDS):
            for visited in await asyncio.gather(*(visit() for _ in range(AT_ONCE)), return_exceptions=True):
                if isinstance(visited, BaseException):
                    raise visited
                times.append(visited)
        return [*times, await visit()]

    await refuse_growth(measure, recorder, "time to the welcome, of one user's connections")


@check(
    "websocket.long-talk",
    requirement="three hundred messages in one session are all answered, the last as fast as the first",
    needs="ws token",
    remedy=OWN_LOOP,
    looking="at which message it stopped; buffers and limits by message",
)
async def test_a_long_talk_is_answered_to_its_end(
    sockets: SocketDoor, owner: User, recorder: Recorder, contract: Contract
) -> None:
    """Every ping gets its pong, only one, as text, and no batch takes longer than those before it.

    The batches overlap, so that a distant service is not waited for sixty times. The first message and the last one are
    alone: no other is there to push them out of a buffer.
    """

    async def measure() -> list[float]:
        session = await sockets.open(owner)
        await _refuse_dead(session, "the first message of a session is answered")
        times = await _batches(session)
        if len(times) == MESSAGES // EACH:
            await _refuse_more(session)
            refuse_binary(session, contract, "answers")
        await _refuse_dead(session, f"a message after {MESSAGES} others is answered")
        await session.aclose()
        return times

    await refuse_growth(measure, recorder, f"time for {EACH} of {MESSAGES} messages in one session", looks=len(LOOKS))


async def _batches(session: Session) -> list[float]:
    """How many milliseconds each batch took since it was sent, or since the batch before ended if that was later."""
    sent, times, ended = deque[float](), list[float](), 0.0
    for batch in range(MESSAGES // EACH + AHEAD):
        if batch < MESSAGES // EACH:
            sent.append(time.perf_counter())
            for number in _numbers(batch):
                await session.send({"type": session.dialect.ping, "seq": number})
        if batch < AHEAD:
            continue
        for number in _numbers(batch - AHEAD):
            await _refuse_silence(session, number)
        begun, ended = max(sent.popleft(), ended), time.perf_counter()
        times.append((ended - begun) * 1e3)
        if len(times) in LOOKS and is_growth(find_trend(times), looks=len(LOOKS)):
            break  # if the cost grows with each message, stop early
    return times


async def _refuse_more(session: Session) -> None:
    """Raise CheckFailure if a pong is left over: what answers a heartbeat is its acknowledgement."""
    words = session.dialect
    await session.send({"type": words.heartbeat})
    answer = await session.receive_answer(session.deadlines.message)
    if answer.get("type") != words.acknowledgement:
        expected = f"{MESSAGES} answers to {MESSAGES} messages, then a heartbeat's {words.acknowledgement}"
        raise CheckFailure(expected=expected, actual=excerpt(f"one answer more: {answer}"), remedy=ONE_EACH)


def _numbers(batch: int) -> range:
    return range(batch * EACH + 1, (batch + 1) * EACH + 1)


async def _refuse_silence(session: Session, number: int) -> None:
    """Raise CheckFailure if a pong does not come, or something else does."""
    try:
        answer = await session.receive_answer(session.deadlines.message)
    except NOT_ANSWERED as error:
        raise CheckFailure(
            expected=f"each of {MESSAGES} messages is answered", actual=f"{number - 1} answers, then {error.detail}"
        ) from error
    if answer.get("type") != session.dialect.pong:
        raise CheckFailure(expected=f"a pong for message {number} of {MESSAGES}", actual=excerpt(f"{answer}"))
