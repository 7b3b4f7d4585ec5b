"""Many lists: one user's to the very end, several users' concurrently, and repeated ones."""

import asyncio
import statistics
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus

import pytest

from fixtures.agent import read_run
from fixtures.extra_wait import refuse_wait
from fixtures.growth import refuse_growth
from fixtures.http_services import refuse_server_error, seen
from fixtures.rows import Plant
from fixtures.sockets import SocketDoor
from fixtures.threads import LIMIT, Threads
from fixtures.users import MakeUser
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from probes.auth.tokens import User
from probes.client_health.event_loop import LoopWatch
from probes.client_health.fair_deadline import is_late_by_us
from probes.statistics.exact import percentile, trials_to_catch
from probes.websocket.sessions import Session
from targets.contract import Contract

ROWS, DELETED, EACH_GAP = 250, 30, 3
USERS, EACH = 5, 4
MIXED_UP, MISSED = 0.05, 0.001  # a fault that mixes up this share of answers is missed in at most this share of runs
ROUNDS = -(-trials_to_catch(MIXED_UP, MISSED) // (USERS * EACH))  # 135 answers: seven rounds of twenty at once
PAGES, LANES = 30, 3
TALKING, BESIDE = 20, 10


@check(
    "threads.far",
    requirement="a list of 250 can be read to its end, with deleted rows in between",
    needs="http write mint",
    remedy="Filter before LIMIT, and allow offsets up to the end of the list.",
    looking="how many are missing, in the case; is the filter in the query, or after its LIMIT?",
)
@pytest.mark.beside
async def test_a_long_list_is_read_to_its_end(threads: Threads, plant: Plant, owner: User) -> None:
    """The windows contain all live rows, each once, and none of the deleted ones."""
    living = list(await plant(owner, count=ROWS // 2))
    for minutes in range(1, DELETED // EACH_GAP + 1):  # deleted rows between live ones, far down the list
        await plant(owner, count=EACH_GAP, deleted=True, age=timedelta(minutes=minutes))
        living += await plant(owner, count=10, age=timedelta(minutes=minutes, seconds=30))
    living += await plant(owner, count=ROWS - len(living), age=timedelta(days=1))
    ids = [threads.id_of(item) for item in await threads.everything(owner)]
    missing, foreign = {row.id for row in living} - set(ids), set(ids) - {row.id for row in living}
    if missing or foreign or len(ids) != len(living):
        raise CheckFailure(
            expected=f"{len(living)} threads, each once",
            actual=f"{len(ids)} items: {len(missing)} are missing, {len(foreign)} do not belong there",
        )


@check(
    "threads.together",
    requirement="of twenty concurrent lists of several users, each is the user's own, none is 5xx, and all are in time",
    needs="http write mint",
    remedy="Don't keep state in a module global across awaits; size the pool for the concurrency; don't lock "
    "around a request.",
    looking="**an incident where a list was another user's**: the case says whose. Module globals between two "
    "awaits; the pool's size and time-out; locks",
)
async def test_users_at_once_get_their_own_lists(
    threads: Threads, plant: Plant, make_user: MakeUser, recorder: Recorder
) -> None:
    """In each round, five users send four requests each, all concurrently; after every other round, one is alone.

    A ratio that stalls of our own event loop may have caused decides nothing.
    """
    users = [make_user("together") for _ in range(USERS)]
    own = {user.sub: {row.id for row in await plant(user, count=3)} for user in users}
    at_once, single = list[float](), list[float]()
    await asyncio.gather(*(threads.ask(user) for user in users * EACH))  # opens the connections
    async with LoopWatch() as watch:
        for number in range(ROUNDS):
            at_once += await asyncio.gather(*(_own_list(threads, user, own) for user in users * EACH))
            if number % 2 == 0:
                single.append(await _own_list(threads, users[number % USERS], own))
        await watch.settle()
        stood_ms = watch.take_worst_ms()
    _judge_cost(at_once, single, threads.contract.threads.together_ratio, recorder, stood_ms)


async def _own_list(threads: Threads, user: User, own: dict[str, set[str]]) -> float:
    """How many seconds the list took. Raises CheckFailure for anything but the user's own list."""
    answer = await threads.ask(user)
    refuse_server_error(answer, f"the list of {user.sub}, with {USERS * EACH - 1} others at the same time")
    if answer.status != HTTPStatus.OK:
        raise CheckFailure(expected=f"200 with the list of {user.sub}", actual=seen(answer))
    ids = {threads.id_of(item) for item in threads.items(answer)}
    if ids != own[user.sub]:
        whose = next((sub for sub, others in own.items() if sub != user.sub and ids & others), "no user of this case")
        raise CheckFailure(
            expected=f"the {len(own[user.sub])} threads of {user.sub}", actual=f"{len(ids)} threads, of {whose}"
        )
    return answer.elapsed_s


def _judge_cost(
    at_once: Sequence[float], single: Sequence[float], limit: float, recorder: Recorder, stood_ms: float
) -> None:
    """State how many answers were compared, how often a fault is missed, and the cost of twenty concurrent requests."""
    many, slow, one = USERS * EACH, percentile(at_once, 0.95), statistics.fmean(single)
    recorder.figures(
        rule=f"lists of {USERS} users, {many} at once, that hold another user's threads",
        n=len(at_once),
        value=0,
        limit=0,
        one_in_twenty_is_missed_with=float(f"{(1 - MIXED_UP) ** len(at_once):.2g}"),
    )
    recorder.figures(
        rule=f"p95 of {many} concurrent lists, over one at a time",
        n=len(at_once),
        value=round(slow / one, 2),
        unit="x",
        limit=limit,
        at_once_p95_ms=round(slow * 1e3, 1),
        one_ms=round(one * 1e3, 1),
        own_standstill_ms=round(stood_ms, 1),
    )
    if is_late_by_us(slow, limit * one, stood_ms / 1e3):
        raise Broken(f"our own event loop stalled for {stood_ms:.0f} ms during {many} concurrent requests")
    if slow > limit * one:
        raise CheckFailure(
            expected=f"{many} concurrent lists within {limit:g} times a single one (contract.threads.together_ratio)",
            actual=f"{slow / one:.1f} times at p95: {slow * 1e3:.0f} ms against {one * 1e3:.0f} ms",
        )


@check(
    "threads.during-agent",
    requirement="while the agent answers twenty users, a user's lists are answered as ever",
    needs="http ws mint agent",
    remedy="Give the connection to the database back before the agent runs: hold none while a model is awaited. Await "
    "the model, its tools and its client: a synchronous one keeps everybody waiting.",
    looking="the server's log lines of the failed list: a pool's timeout; who holds a connection while the agent runs? "
    "Of a slow one: which call of the agent's is not awaited?",
)
async def test_lists_are_answered_while_the_agent_runs(
    threads: Threads, sockets: SocketDoor, make_user: MakeUser, owner: User, recorder: Recorder, contract: Contract
) -> None:
    """Twenty users each ask the agent something, and at once ten lists of another user are asked for.

    Each is 200, and takes no longer than usual, or else does so in one of five rounds more.
    """
    sessions = await sockets.open_all(*(make_user("together") for _ in range(TALKING)))
    rules, asked = contract.websocket.agent, list[Session]()  # their runs end before the next round

    async def measure() -> tuple[float, float]:
        await asyncio.gather(*(read_run(session, contract) for session in asked), return_exceptions=True)
        asked.extend(sessions[len(asked) :])
        usual = await threads.ask(owner)
        for session in sessions:
            await session.send(session.dialect.message_of("what is new?"))
        answers = await threads.door.pace.together([partial(threads.ask, owner)] * BESIDE)
        for answer in answers:
            if answer.status != HTTPStatus.OK:
                raise CheckFailure(expected=f"200 while the agent answers {TALKING} users", actual=seen(answer))
        return usual.elapsed_s, max(answer.elapsed_s for answer in answers)

    usual_s, waited_s = await measure()
    if waited_s - usual_s > rules.others_wait_s:
        what = f"a list while the agent answers {TALKING} users"
        await refuse_wait(measure, recorder, what, rules.others_wait_s, "contract.websocket.agent.others_wait_s")


@check(
    "threads.steady-cost",
    requirement="the last pages of a run take no longer than the first",
    needs="http token",
    remedy="Release what grows with each request (a list, an unbounded cache, an open cursor).",
    looking="first and last times in the evidence; what is kept for each request and never let go: memory of "
    "the process over the run",
)
async def test_the_last_page_costs_what_the_first_did(threads: Threads, owner: User, recorder: Recorder) -> None:
    """The times of successive pages, three at a time, have no upward trend.

    No more at a time: what waits for many others hides what grows.
    """

    async def page() -> float:
        answer = await threads.ask(owner, {LIMIT: 1})
        refuse_server_error(answer, "a page")
        return answer.elapsed_s * 1e3

    async def measure() -> list[float]:
        times = list[float]()
        for _ in range(PAGES // LANES):
            times += await asyncio.gather(*(page() for _ in range(LANES)))
        return times

    await asyncio.gather(*(page() for _ in range(LANES)))  # opens the connections
    await refuse_growth(measure, recorder, f"time for each of {PAGES} pages")
