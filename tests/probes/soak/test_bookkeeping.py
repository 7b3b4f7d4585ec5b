"""What a soak keeps of its sessions, and what it says of itself while they are held."""

from dataclasses import replace

import pytest

from probes.client_health.vitals import Vitals, watching
from probes.errors import BadAnswer
from probes.soak.events import Back, Breach, Close, Moment, Open, Unfit
from probes.soak.soak import Bookkeeper, Soak
from probes.soak.soak_plan import SoakPlan
from probes.timing.window import SteadyClock
from probes.websocket.closes import CloseClass
from probes.websocket.handshake import Refused
from tests.probes.soak.books import PLAN, Kept, life
from tests.probes.websocket.joining import named

PACE = PLAN.pace


async def refuse(_user: str, _keepalive: float | None) -> Refused:
    raise BadAnswer("GET /ws", "odd")


def soak(journal: Kept, plan: SoakPlan = PLAN) -> Soak:
    return Soak(plan=plan, journal=journal, join=refuse, name_user=named, tell=lambda _progress: None)


@pytest.mark.parametrize(
    "lag_ms, reason, said",
    [
        (1_000.0, "", ""),
        (1_001.0, "", "our event loop stood still for 1001 ms, over a quarter of the ping timeout of 4 s"),
        (1_001.0, "out of descriptors", "out of descriptors"),
    ],
)
@pytest.mark.parametrize("answer_s, reconnect_s", [(4.0, 5.0), (5.0, 4.0)])
async def test_what_was_seen_may_be_our_own_doing(
    lag_ms: float, reason: str, said: str, answer_s: float, reconnect_s: float, journal: Kept
) -> None:
    pace = replace(PACE, answer_s=answer_s, reconnect_s=reconnect_s)
    it = soak(journal, plan=replace(PLAN, pace=pace))
    vitals = Vitals(lag_ms, 100.0, 10)
    journal.note(Moment(at=1.0, open=0, p50=None, p95=None, rtt={}, held=0.0, vitals=vitals))
    if reason:
        journal.note(Unfit(at=2.0, reason=reason))
    assert it.unfit().startswith(said)
    assert bool(it.unfit()) is bool(said)


async def test_progress_is_what_the_books_say_now(journal: Kept) -> None:
    it = soak(journal)
    nothing = it.progress()
    assert (nothing.open, nothing.youngest_s, nothing.oldest_s, nothing.rtt_p50_ms) == (0, 0.0, 0.0, None)
    assert (nothing.rtt_p95_ms, nothing.left_s, nothing.back, nothing.breaches) == (None, 0.0, 0, 0)
    now = it.clock.now_s()
    journal.note(Open(at=now - 100.0, line=0, number=1, since=now - 100.0, silent=0.0))
    journal.note(Open(at=now - 10.0, line=1, number=1, since=now - 10.0, silent=0.0))
    journal.note(Close(at=now, life=life(2, 5.0, CloseClass.ABNORMAL)))
    journal.note(Back(at=now, line=2, took=0.5, attempts=1))
    journal.note(Breach(at=now, line=2, kind="state lost", detail="x"))
    for p50 in (3.0, 4.0):
        vitals = Vitals(0.0, 1.0, 1)
        journal.note(Moment(at=now, open=2, p50=p50, p95=2 * p50, rtt={}, held=0.0, vitals=vitals))
    found = it.progress()
    assert (found.open, found.closes, found.back, found.breaches) == (2, {"abnormal": 1}, 1, 1)
    assert (found.rtt_p50_ms, found.rtt_p95_ms) == (4.0, 8.0)
    assert 10.0 <= found.youngest_s < found.oldest_s
    assert found.oldest_s - found.youngest_s == pytest.approx(90.0)


async def test_what_happens_to_a_session_becomes_a_line_at_its_moment(journal: Kept) -> None:
    steady = iter(range(100))
    clock = SteadyClock(wall=lambda: 1_000.0, steady=lambda: float(next(steady)))
    keeper = Bookkeeper(journal, clock=clock)
    ended = life(1, 5.0, CloseClass.OURS)
    assert (keeper.opened(1, 1, 0.0), keeper.opened(1, 2, 30.0), keeper.opened(2, 1, 0.0)) == (1001.0, 1002.0, 1003.0)
    keeper.ended(ended)
    keeper.back(1, 0.5, 3)
    keeper.breach(1, "state lost", "how")
    keeper.unfit("why")
    assert journal.events[1:] == [
        Open(at=1001.0, line=1, number=1, since=1001.0, silent=0.0),
        Open(at=1002.0, line=1, number=2, since=1001.0, silent=30.0),
        Open(at=1003.0, line=2, number=1, since=1003.0, silent=0.0),
        Close(at=1004.0, life=ended),
        Back(at=1005.0, line=1, took=0.5, attempts=3),
        Breach(at=1006.0, line=1, kind="state lost", detail="how"),
        Unfit(at=1007.0, reason="why"),
    ]


async def test_each_moment_has_the_round_trips_since_the_one_before_and_is_on_disk(journal: Kept) -> None:
    keeper = Bookkeeper(journal)
    keeper.opened(0, 1, 0.0)
    async with watching() as watch:
        for milliseconds in [1.0] * 19 + [100.0]:
            keeper.rtt(milliseconds)
        keeper.tick(watch, 1.5)
        keeper.tick(watch, 0.0)
    first, second = journal.events[2:]
    assert isinstance(first, Moment)
    assert isinstance(second, Moment)
    assert (first.open, first.held, first.p50, first.p95, sum(first.rtt.values())) == (1, 1.5, 1.0, 1.0, 20)
    assert (second.open, second.held, second.p50, second.p95, second.rtt) == (1, 0.0, None, None, {})
    assert first.vitals.descriptors > 0
    assert journal.ledger.times.n == 20
    assert journal.path.read_bytes().count(b"\n") == 4
