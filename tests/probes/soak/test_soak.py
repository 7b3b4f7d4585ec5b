"""A soak as a whole: its sessions are opened mixed and spread, held, watched, and left with a goodbye in any case."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from websockets.asyncio.client import ClientConnection

from probes.errors import BadAnswer, ClientUnfit
from probes.soak import soak as soaks
from probes.soak.events import Begin, End, Moment
from probes.soak.held_session import Join, Pace
from probes.soak.progress import Progress
from probes.soak.soak import Soak
from probes.soak.soak_plan import SoakPlan
from probes.websocket.closes import CloseClass
from probes.websocket.dialect import Message
from probes.websocket.handshake import Refused
from tests.probes.soak.books import Kept
from tests.probes.websocket.joining import DIALECT, joiner, named
from tests.probes.websocket.server import running
from tests.system.waiting import HANGS_S

PACE = Pace(ping_every_s=0.05, answer_s=HANGS_S, reconnect_s=HANGS_S, dialect=DIALECT, reconnects=False)
PLAN = SoakPlan(duration_s=0.6, need_s=0.6, sessions=4, silent=2, pace=PACE, hour_s=6.0)
Joined = tuple[ClientConnection, Message] | Refused


@dataclass
class Told:
    """What a soak reported, and the moment from which a condition on it held."""

    when: Callable[[Progress], bool] = lambda _: False
    all: list[Progress] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, progress: Progress) -> None:
        """Take a report in."""
        self.all.append(progress)
        if self.when(progress):
            self.reached.set()


def soak(journal: Kept, join: Join, told: Told | None = None, plan: SoakPlan = PLAN) -> Soak:
    return Soak(plan=plan, journal=journal, join=join, name_user=named, tell=told or Told())


async def refuse(_user: str, _keepalive: float | None) -> Joined:
    raise BadAnswer("GET /ws", "odd")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty reports in a second, instead of one."""
    monkeypatch.setattr(soaks, "TICK_S", 0.05)


@pytest.mark.usefixtures("quick")
async def test_sessions_are_held_until_the_end_and_left_with_a_goodbye(journal: Kept) -> None:
    told = Told()
    with running("healthy") as (url, _):
        it = soak(journal, joiner(url), told)
        ledger = await it.hold()
    assert ledger is journal.ledger
    assert Counter(one.close for one in ledger.lives) == {CloseClass.OURS: 6}
    assert {one.line for one in ledger.lives} == set(range(6))
    assert {one.line for one in ledger.lives if one.silent_s} == {4, 5}
    assert (ledger.open, ledger.breaches.total(), it.stopped) == ({}, 0, False)
    assert PLAN.duration_s <= ledger.held_s <= it.clock.now_s() - ledger.ticks[0].at
    assert ledger.times.n > 4
    last = journal.events[-1]
    assert isinstance(last, End)
    assert last.why == "over"
    assert isinstance(journal.events[-2], Moment)
    assert len(told.all) == len(journal.of(Moment)) - 1
    assert all(one.total == 6 for one in told.all)
    assert max(one.open for one in told.all) == 6
    left = [one.left_s for one in told.all]
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0.0
    assert journal.path.read_bytes().count(b"\n") == len(journal.events)


@pytest.mark.usefixtures("quick")
async def test_a_soak_that_is_stopped_says_goodbye_and_returns_what_there_is(journal: Kept) -> None:
    told = Told(when=lambda progress: progress.open == 6)
    with running("healthy") as (url, _):
        it = soak(journal, joiner(url), told, replace(PLAN, duration_s=HANGS_S))
        it.plan = replace(it.plan, need_s=0.6)
        holding = asyncio.create_task(it.hold())
        await told.reached.wait()
        holding.cancel()
        ledger = await holding
    assert Counter(one.close for one in ledger.lives) == {CloseClass.OURS: 6}
    last = journal.events[-1]
    assert isinstance(last, End)
    assert (it.stopped, last.why) == (True, "stopped")
    assert told.all[-1].left_s > 0
    assert not holding.cancelling()


@pytest.mark.usefixtures("quick")
async def test_a_soak_that_is_stopped_opens_no_further_sessions(journal: Kept) -> None:
    asked, first = list[str](), asyncio.Event()

    async def join(user: str, _keepalive: float | None) -> Joined:
        asked.append(user)
        first.set()
        raise BadAnswer("GET /ws", "odd")

    it = soak(journal, join, plan=replace(PLAN, duration_s=HANGS_S, need_s=HANGS_S))
    holding = asyncio.create_task(it.hold())
    await first.wait()
    holding.cancel()
    await holding
    assert asked == ["user-4"]


@pytest.mark.usefixtures("quick")
async def test_a_soak_all_of_whose_sessions_are_lost_ends_at_once(journal: Kept) -> None:
    told = Told()
    it = soak(journal, refuse, told, replace(PLAN, duration_s=HANGS_S, need_s=0.06))
    ledger = await it.hold()
    assert ledger.breaches == {"never opened": 6}
    assert isinstance(journal.events[-1], End)
    assert journal.events[-1].why == "over"
    assert told.all[-1].left_s > 0
    assert told.all[-1].breaches == 6


@pytest.mark.parametrize(
    "sessions, silent, order",
    [
        (4, 2, "401523"),
        (5, 2, "5016234"),
        (2, 3, "20314"),
        (3, 0, "012"),
        (0, 2, "01"),
        (2, 1, "201"),
        (6, 3, "601723845"),
    ],
)
@pytest.mark.usefixtures("quick")
async def test_silent_sessions_are_opened_evenly_among_the_others(
    sessions: int, silent: int, order: str, journal: Kept
) -> None:
    asked = list[str]()

    async def join(user: str, _keepalive: float | None) -> Joined:
        asked.append(user.removeprefix("user-"))
        raise BadAnswer("GET /ws", "odd")

    plan = replace(PLAN, sessions=sessions, silent=silent, duration_s=0.06)
    it = soak(journal, join, plan=plan)
    await it.hold()
    assert "".join(asked) == order


async def test_sessions_are_opened_spread_over_the_stagger_and_looked_at_once_a_second(journal: Kept) -> None:
    loop, opened = asyncio.get_running_loop(), list[float]()

    async def join(_user: str, _keepalive: float | None) -> Joined:
        opened.append(loop.time())
        raise BadAnswer("GET /ws", "odd")

    told = Told()
    it = soak(journal, join, told, replace(PLAN, duration_s=3.0, need_s=3.0, sessions=5, silent=0))
    begun = loop.time()
    await it.hold()
    assert all(at - begun >= 0.1 * number - 0.01 for number, at in enumerate(opened))
    assert len(opened) == 5
    assert loop.time() - begun >= len(told.all) >= 1


@pytest.mark.usefixtures("quick")
async def test_a_session_that_does_not_end_is_given_up(journal: Kept) -> None:
    ended = list[str]()

    async def join(user: str, _keepalive: float | None) -> Joined:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(user)
        raise AssertionError("it waits for ever")

    pace = replace(PACE, answer_s=0.05, reconnect_s=0.05)
    it = soak(journal, join, plan=replace(PLAN, duration_s=0.06, sessions=2, silent=0, pace=pace))
    await it.hold()
    await asyncio.sleep(0)
    assert sorted(ended) == ["user-0", "user-1"]


@pytest.mark.usefixtures("quick")
async def test_a_crash_of_a_session_is_raised_once_the_others_have_said_goodbye(journal: Kept) -> None:
    async def join(user: str, _keepalive: float | None) -> Joined:
        if user == "user-1":
            raise RuntimeError("a mistake in our own code")
        return await refuse(user, None)

    it = soak(journal, join, plan=replace(PLAN, duration_s=0.06))
    with pytest.raises(RuntimeError, match="a mistake in our own code"):
        await it.hold()


async def test_more_sessions_than_descriptors_are_refused_before_any_is_opened(journal: Kept) -> None:
    it = soak(journal, refuse, plan=replace(PLAN, sessions=2**40))
    with pytest.raises(ClientUnfit, match=f"they need {2**40 + 2 + 64} descriptors"):
        await it.hold()
    assert [type(event) for event in journal.events] == [Begin]
