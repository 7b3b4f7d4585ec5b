"""From its first moment on, whatever asks a run to stop is taken over, except for a hang-up that nohup ignores."""

import signal

import pytest

from gate.session import __main__ as launcher
from tests.gate.session.signalling import installed


@pytest.mark.parametrize("nohup", [False, True])
def test_every_stop_is_taken_over_and_under_nohup_a_hang_up_is_not(
    monkeypatch: pytest.MonkeyPatch, *, nohup: bool
) -> None:
    signals = installed(monkeypatch)
    signals.before[signal.SIGHUP] = signal.SIG_IGN if nohup else signal.SIG_DFL
    signals.before[signal.SIGINT] = signal.SIG_IGN  # as a background job inherits it
    launcher._take_signals()
    taken = {signal.SIGINT, signal.SIGTERM} | (set() if nohup else {signal.SIGHUP})
    assert set(signals.handlers) == taken
    assert set(signals.handlers.values()) == {launcher._interrupt}


def test_a_signal_interrupts_a_run_and_is_noted_before_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    came = list[int]()
    monkeypatch.setattr(launcher, "CAME", came)
    monkeypatch.setattr(launcher, "RUNNING", [])
    launcher._interrupt(signal.SIGTERM, None)
    assert came == [signal.SIGTERM]
    monkeypatch.setattr(launcher, "RUNNING", [True])
    with pytest.raises(KeyboardInterrupt):
        launcher._interrupt(signal.SIGINT, None)
    assert came == [signal.SIGTERM, signal.SIGINT]
