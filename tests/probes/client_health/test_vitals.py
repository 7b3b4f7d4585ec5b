"""Our own health: the worst of a time, when it makes us unfit, room for sessions, and a collector that waits."""

import gc
import resource

import pytest

from probes.client_health.event_loop import LoopWatch
from probes.client_health.garbage_collector import RARELY, patiently
from probes.client_health.vitals import NOTHING, Vitals, descriptor_limit, make_room, watching
from probes.errors import ClientUnfit


def test_the_worst_is_taken_value_by_value() -> None:
    worst = Vitals(1.26, 90.0, 3).worst(Vitals(2.0, 50.04, 7))
    assert worst == Vitals(2.0, 90.0, 7)
    assert NOTHING.worst(worst) == worst
    assert Vitals(1.26, 50.04, 3).as_json() == {"loop_lag_ms": 1.3, "rss_mib": 50.0, "descriptors": 3}


@pytest.mark.parametrize(
    "lag_ms, descriptors, said",
    [
        (500.0, 950, ""),
        (
            500.1,
            0,
            "our event loop stood still for 500 ms, over a quarter of the ping timeout of 2 s",
        ),
        (0.0, 951, "we had 951 of 1000 descriptors open: raise `ulimit -n`"),
    ],
)
def test_disconnects_may_be_our_own_doing(lag_ms: float, descriptors: int, said: str) -> None:
    found = Vitals(lag_ms, 1e6, descriptors).unfit(2.0, 1000)
    assert found.startswith(said)
    assert bool(found) is bool(said)


async def test_a_watch_sees_this_process() -> None:
    async with watching() as watch:
        taken = watch.take()
    assert 5 < taken.rss_mib < 64_000  # an interpreter alone has more than that, in MiB
    assert taken.descriptors >= 3
    assert taken.lag_ms >= 0


class Limits:
    """The process's limits on descriptors, as a machine would have them; what is set is noted."""

    def __init__(self, soft: int, hard: int) -> None:
        self.now, self.set = (soft, hard), list[tuple[int, int]]()

    def getrlimit(self, _which: int) -> tuple[int, int]:
        return self.now

    def setrlimit(self, _which: int, to: tuple[int, int]) -> None:
        self.now = to
        self.set.append(to)


@pytest.mark.parametrize(
    "soft, hard, sessions, after, was_set",
    [
        (1024, 4096, 960, 1024, []),
        (1024, 4096, 961, 1025, [(1025, 4096)]),
        (1024, 4096, 4032, 4096, [(4096, 4096)]),
        (1024, resource.RLIM_INFINITY, 10_000, 10_064, [(10_064, resource.RLIM_INFINITY)]),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 10_000, 2**31, []),
    ],
)
def test_room_is_made_as_far_as_sessions_need_it(
    monkeypatch: pytest.MonkeyPatch,
    soft: int,
    hard: int,
    sessions: int,
    after: int,
    was_set: list[tuple[int, int]],
) -> None:
    limits = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", limits.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", limits.setrlimit)
    assert make_room(sessions) == after
    assert limits.set == was_set
    assert descriptor_limit() == after


def test_a_hard_limit_that_is_too_low_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(1024, 4096)
    monkeypatch.setattr(resource, "getrlimit", limits.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", limits.setrlimit)
    with pytest.raises(ClientUnfit, match=r"4033 sessions.*they need 4097 descriptors and the hard limit is 4096"):
        make_room(4033)
    assert not limits.set


def test_the_collector_is_patient_only_while_sessions_are_held() -> None:
    before = gc.get_threshold()
    with patiently():
        meanwhile = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), patiently():
        divmod(1, 0)
    assert meanwhile == RARELY > (10_000, 10, 10)
    assert gc.get_threshold() == before


def noted(*standstills: tuple[float, float], most: int | None = None) -> LoopWatch:
    """A watch that is not running, with what it would have noted."""
    watch = LoopWatch(most=most)
    watch._standstills.extend(standstills)
    return watch


@pytest.mark.parametrize(
    "begin, end, worst, within",
    [
        (0.0, 10.0, 3000.0, 4500.0),
        (0.0, 2.0, 0.0, 0.0),
        (0.0, 2.25, 500.0, 250.0),
        (2.5, 5.0, 0.0, 0.0),
        (2.25, 5.5, 3000.0, 750.0),
        (6.0, 7.0, 3000.0, 1000.0),
        (8.5, 10.0, 1000.0, 500.0),
        (9.0, 10.0, 0.0, 0.0),
    ],
)
def test_a_standstill_counts_where_it_touches_a_span(begin: float, end: float, worst: float, within: float) -> None:
    watch = noted((2.0, 2.5), (5.0, 8.0), (8.0, 9.0))
    assert watch.worst_ms(begin, end) == pytest.approx(worst)
    assert watch.within_ms(begin, end) == pytest.approx(within)


def test_a_worst_that_was_taken_is_forgotten_and_so_is_what_is_too_much() -> None:
    watch = noted((2.0, 2.5), (5.0, 8.0))
    assert [watch.take_worst_ms(), watch.take_worst_ms()] == [3000.0, 0.0]
    assert noted((1.0, 9.0), (9.0, 9.5), (10.0, 10.1), most=2).worst_ms(0.0, 20.0) == pytest.approx(500.0)


def test_a_standstill_that_has_not_ended_counts_up_to_now() -> None:
    watch = noted()
    watch._due = 5.0
    assert watch.within_ms(0.0, 5.0009) == 0.0, "a timer is always a little late"
    assert watch.within_ms(0.0, 5.0011) == pytest.approx(1.1)
    assert watch.within_ms(0.0, 5.5) == pytest.approx(500.0)
    assert watch.within_ms(5.25, 5.5) == pytest.approx(250.0)
