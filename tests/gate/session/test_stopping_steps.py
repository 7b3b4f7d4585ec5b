"""The steps of stopping a run, one by one: which handler, which timer, which reason; no signal is really sent."""

import atexit
import os
import signal
from collections.abc import Iterator

import pytest

from gate.session import stopping
from gate.session.interrupting import Place
from gate.session.stopping import GivenUp, Stopping
from tests.gate.session.signalling import ALL, Signals, found_at, installed

REAL = signal.ITIMER_REAL


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Signals:
    return installed(monkeypatch)


@pytest.fixture
def reasons() -> list[str]:
    return []


@pytest.fixture
def armed(signals: Signals, reasons: list[str]) -> Iterator[Stopping]:
    """A run of 100 s, 30 s after its start: at 1000 on the clock, its deadline is at 1070."""
    it = Stopping(deadline_s=100.0, again_s=5.0, on_stop=reasons.append)
    it.arm()
    it.steps(now=True)
    yield it
    signals.timers.clear()
    it.release()


def test_arming_takes_every_signal_and_starts_the_deadline(armed: Stopping, signals: Signals) -> None:
    assert {signals.handlers[number] for number in ALL[1:]} == {armed._stop}
    assert signals.handlers[signal.SIGINT] is signal.default_int_handler, "asyncio looks for Python's own"
    armed.steps(now=False)
    assert signals.handlers[signal.SIGINT] == armed._stop, "between two steps nothing is raised"
    assert signals.timers == [(REAL, 70.0, 0.5)]
    assert signals.unblocked == [(signal.SIG_UNBLOCK, stopping.ALL)]
    assert stopping.ALL == ALL


@pytest.mark.parametrize("age, left", [(0.0, 100.0), (98.9, 1.1), (99.5, 1.0), (300.0, 1.0)])
def test_a_run_that_begins_late_has_a_second_at_least(signals: Signals, age: float, left: float) -> None:
    signals.age = age
    it = Stopping(deadline_s=100.0, again_s=5.0, on_stop=lambda _reason: None)
    it.arm()
    assert signals.timers == [(REAL, left, 0.5)]
    it.release()


def test_under_nohup_hanging_up_is_left_alone(signals: Signals) -> None:
    signals.before[signal.SIGHUP] = signal.SIG_IGN
    it = Stopping(deadline_s=100.0, again_s=5.0, on_stop=lambda _reason: None)
    it.arm()
    it.only_note()
    assert signal.SIGHUP not in signals.handlers
    it.release()
    assert signals.handlers[signal.SIGHUP] is signal.SIG_IGN


def test_releasing_gives_every_signal_back(armed: Stopping, signals: Signals) -> None:
    signals.before[signal.SIGTERM] = None  # installed by something other than Python
    again = Stopping(deadline_s=100.0, again_s=5.0, on_stop=lambda _reason: None)
    again.arm()
    again.release(3)
    assert [signals.handlers[number] for number in ALL] == [signal.SIG_DFL] * 4
    assert signals.timers[-1] == (REAL, 0.0), "no alarm is left: it was not late"
    signals.timers.clear()
    again.release(3)
    assert not signals.timers, "once is enough"
    assert armed.reason == ""


def test_a_late_run_ends_two_seconds_after_its_verdict_even_if_a_thread_stays(
    signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, at_exit = list[int](), list[tuple[object, ...]]()
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(atexit, "register", lambda *what: at_exit.append(what))
    it = Stopping(deadline_s=100.0, again_s=5.0, on_stop=lambda _reason: None)
    it.arm()
    signals.now = 1060.5
    assert it.late
    it.release(2)
    assert signals.timers[-2:] == [(REAL, 0.0), (REAL, 2.0)]
    assert at_exit == [(signal.setitimer, REAL, 0)]
    signals.send(signal.SIGALRM)
    assert ended == [2]


@pytest.mark.parametrize("now, late", [(1060.0, False), (1060.1, True), (1080.0, True)])
def test_ten_seconds_before_the_deadline_nothing_slow_is_begun(
    armed: Stopping, signals: Signals, now: float, *, late: bool
) -> None:
    signals.now = now
    assert armed.late is late


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_a_reason_and_an_interrupt(
    armed: Stopping, signals: Signals, reasons: list[str], number: signal.Signals
) -> None:
    signals.send(number)
    signals.send(signal.SIGTERM)
    assert (armed.reason, reasons) == (number.name, [number.name]), "the first reason stays, and is said once"
    assert signals.raised == [signal.SIGINT, signal.SIGINT]


def test_between_two_steps_ctrl_c_waits_for_the_next_one(
    armed: Stopping, signals: Signals, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    armed.steps(now=False)
    found_at(monkeypatch, Place.BETWEEN)
    signals.send(signal.SIGINT)
    assert (reasons, signals.raised) == (["SIGINT"], []), "no further case begins, and nothing is raised"
    assert signals.timers[-1] == (REAL, 0.01, 5.0), "it is tried again"
    found_at(monkeypatch, Place.CASE)
    with pytest.raises(KeyboardInterrupt):  # such as a module that is being collected
        signals.send(signal.SIGALRM)
    assert signals.timers[-1] == (REAL, 70.0, 5.0), "the deadline is where it was"
    armed.steps(now=True)
    assert not armed._late


@pytest.mark.parametrize(
    "now, reason",
    [
        (1069.4, "the teardowns did not finish within 30 s"),
        (1069.5, "the run's deadline of 100 s passed"),
        (1070.0, "the run's deadline of 100 s passed"),
    ],
)
def test_an_alarm_says_what_it_was_for(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch, now: float, reason: str
) -> None:
    found_at(monkeypatch, Place.CASE)
    signals.now = now
    signals.send(signal.SIGALRM)
    assert armed.reason == reason
    assert signals.raised == [signal.SIGINT]


def test_after_the_deadline_a_teardown_has_its_share_of_what_is_left(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_at(monkeypatch, Place.CASE)
    armed.takes_down("early")
    armed.taken_down()
    assert len(signals.timers) == 1, "before the deadline nothing is bounded"
    signals.now = 1070.0
    signals.send(signal.SIGALRM)
    assert signals.timers[-1] == (REAL, 1.0, 0.5)
    signals.send(signal.SIGALRM)
    assert signals.timers[-1] == (REAL, 0.5, 0.5)
    for now, share, rest in ((1070.0, 1.0, 3.0), (1071.5, 1.0, 1.5), (1072.5, 0.5, 0.5), (1080.0, 0.2, 0.2)):
        signals.now = now
        armed.takes_down("rows")
        assert signals.timers[-1] == (REAL, share, 0.5)
        armed.taken_down()
        assert signals.timers[-1] == (REAL, rest, 0.5)


def test_a_teardown_that_runs_when_the_deadline_passes_gets_its_share_first(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_at(monkeypatch, Place.TEARDOWN)
    armed.takes_down("rows")
    signals.now = 1070.0
    signals.send(signal.SIGALRM)
    assert (signals.timers[-1], armed.given_up) == ((REAL, 1.0, 0.5), [])
    for _ in range(2):
        with pytest.raises(GivenUp, match="the teardown of rows took too long"):
            signals.send(signal.SIGALRM)
    assert armed.given_up == ["rows"], "named once"
    armed.taken_down()
    with pytest.raises(GivenUp, match="the teardown of a fixture took too long"):
        signals.send(signal.SIGALRM)


def test_between_two_steps_it_is_tried_again_in_a_moment_and_not_for_ever(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_at(monkeypatch, Place.BETWEEN)
    armed.wind_down()
    for tries in range(1, stopping.MOST_BETWEEN + 1):
        signals.send(signal.SIGTERM)
        assert (armed._between, signals.timers[-1]) == (tries, (REAL, 0.01, 5.0))
    with pytest.raises(KeyboardInterrupt):
        signals.send(signal.SIGTERM)
    assert (stopping.MOST_BETWEEN, armed._between, signals.timers[-1]) == (500, 0, (REAL, 5.0, 5.0))


def test_an_alarm_that_is_a_further_try_is_not_the_deadlines(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_at(monkeypatch, Place.BETWEEN)
    signals.now = 1070.0
    armed.takes_down("rows")
    signals.send(signal.SIGALRM)
    assert signals.timers[-1] == (REAL, 1.0, 0.5), "the teardown's share"
    signals.send(signal.SIGALRM)
    assert signals.timers[-1] == (REAL, 0.01, 0.5)
    before = len(signals.timers)
    signals.send(signal.SIGALRM)
    assert signals.timers[before:] == [(REAL, 0.01, 0.5)], "no new period begins"


def test_winding_down_is_bounded_and_each_request_abandons_one_teardown(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    armed.wind_down()
    assert signals.timers[-1] == (REAL, 30.0, 5.0)
    assert signals.handlers[signal.SIGINT] == armed._stop, "a cancellation is not wanted there"
    found_at(monkeypatch, Place.TEARDOWN)
    armed.takes_down("rows")
    with pytest.raises(GivenUp):
        signals.send(signal.SIGINT)
    assert armed.reason == "SIGINT"
    found_at(monkeypatch, Place.CASE)
    with pytest.raises(KeyboardInterrupt):
        signals.send(signal.SIGTERM)
    assert not signals.raised


def pass_the_deadline(signals: Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its alarm finds a case that runs."""
    found_at(monkeypatch, Place.CASE)
    signals.now = 1070.0
    signals.send(signal.SIGALRM)


def test_winding_down_after_the_deadline_has_what_is_left_of_three_seconds(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_the_deadline(signals, monkeypatch)
    signals.now = 1071.0
    armed.wind_down()
    assert signals.timers[-1] == (REAL, 2.0, 0.5)


@pytest.mark.parametrize(
    "now, within, timer", [(1000.0, 120.0, 100.0), (1000.0, 7.0, 7.0), (1050.0, 120.0, 50.0), (1200.0, 120.0, 1.0)]
)
def test_writing_may_take_two_minutes_and_half_a_minute_after_the_deadline(
    armed: Stopping, signals: Signals, now: float, within: float, timer: float
) -> None:
    signals.now = now
    armed.only_note(within)
    assert signals.timers[-1] == (REAL, timer)
    assert signals.handlers[signal.SIGALRM] == armed._give_up
    armed.takes_down("rows")
    assert signals.timers[-1] == (REAL, timer), "writing has its own bound"


def test_writing_after_the_deadline_ends_half_a_minute_after_it(
    armed: Stopping, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_the_deadline(signals, monkeypatch)
    signals.now = 1075.0
    armed.only_note()
    assert signals.timers[-1] == (REAL, 25.0)
    signals.send(signal.SIGALRM)
    assert signals.left == [(3, "reports could not be written within the run's deadline and the time allowed after it")]


def test_while_reports_are_written_the_third_request_ends_it(armed: Stopping, signals: Signals) -> None:
    armed.only_note()
    for number in (signal.SIGINT, signal.SIGTERM):
        signals.send(number)
    assert (armed.ignored, signals.left) == (2, [])
    signals.send(signal.SIGHUP)
    assert signals.left == [(2, "interrupted while reports were written")]
    signals.left.clear()
    signals.send(signal.SIGALRM)
    assert signals.left == [(3, "reports could not be written within 120 s")]


def test_a_ctrl_c_that_a_case_swallowed_is_seen_afterwards(armed: Stopping, reasons: list[str]) -> None:
    armed.look()
    assert not reasons
    assert armed._came is not None
    os.write(armed._came[1], bytes([signal.SIGTERM]))
    armed.look()
    assert not reasons
    os.write(armed._came[1], bytes([signal.SIGTERM, signal.SIGINT]))
    armed.look()
    assert reasons == ["SIGINT"]


def test_what_was_never_armed_does_nothing(signals: Signals) -> None:
    it = Stopping(deadline_s=100.0, again_s=5.0, on_stop=lambda _reason: None)
    it.only_note()
    it.wind_down()
    it.look()
    it.release(1)
    assert (signals.handlers, signals.timers) == ({}, [])
