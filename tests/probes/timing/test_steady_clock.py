"""The clock that does not jump, over a wall clock and a monotonic one that the test moves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.timing.window import SteadyClock, Window

BEGAN = 1_795_000_000.0
AROUND = timedelta(minutes=2)


@dataclass
class Hands:
    """Both clocks of a machine."""

    wall_s: float = BEGAN
    steady_s: float = 5.0

    def clock(self) -> SteadyClock:
        return SteadyClock(wall=lambda: self.wall_s, steady=lambda: self.steady_s)

    def run(self, seconds: float, jump_s: float = 0.0) -> None:
        self.wall_s += seconds + jump_s
        self.steady_s += seconds


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGAN + seconds, UTC)


def test_it_runs_with_the_wall_clock() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.run(90.0)
    assert clock.now() == moment(90)
    assert clock.now_s() == BEGAN + 90
    assert clock.jumped_s() == 0.0


def test_a_drift_is_no_jump() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.run(3600.0, jump_s=0.7)
    assert clock.jumped_s() == 0.0


@pytest.mark.parametrize("jump_s", [-7200.0, -3.0, 1.5, 40.0, 86400.0])
def test_a_jump_is_measured_and_does_not_move_it(jump_s: float) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.run(10.0)
    hands.run(10.0, jump_s=jump_s)
    assert clock.now() == moment(20)
    assert clock.jumped_s() == pytest.approx(jump_s)


def test_a_jump_that_is_taken_back_is_none() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.run(10.0, jump_s=300.0)
    hands.run(10.0, jump_s=-300.0)
    assert clock.jumped_s() == 0.0


@given(
    before_s=st.floats(0, 1e5),
    after_s=st.floats(0, 1e5),
    jump_s=st.floats(-1e6, 1e6),
    server_off_s=st.floats(-100, 100),
)
def test_what_happened_is_in_the_window_by_either_clock(
    before_s: float, after_s: float, jump_s: float, server_off_s: float
) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.run(before_s)
    begun = clock.now()
    hands.run(after_s / 2, jump_s=jump_s)
    steady = clock.now() + timedelta(seconds=server_off_s)
    wall = datetime.fromtimestamp(hands.wall_s, UTC) + timedelta(seconds=server_off_s)
    hands.run(after_s / 2)
    window = clock.since(begun, AROUND)
    assert holds(window, begun)
    assert holds(window, steady)
    assert holds(window, wall)


def holds(window: Window, when: datetime) -> bool:
    return window.start <= when <= window.end


def test_by_default_it_is_this_machines_clocks() -> None:
    clock = SteadyClock()
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < AROUND.total_seconds()
