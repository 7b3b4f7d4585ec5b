"""The machine's side of signals and its clock, for the tests of stopping: nothing is really sent, and nothing waits."""

import signal
from collections.abc import Callable
from types import FrameType, SimpleNamespace

import pytest

from gate.session import stopping
from gate.session.interrupting import Place

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
Handler = Callable[[int, FrameType | None], object] | int | None


class Signals:
    """The machine's side of signals: what was installed, which timers were set, what was raised, what time it is."""

    def __init__(self) -> None:
        self.now, self.age = 1000.0, 30.0
        self.before: dict[int, Handler] = dict.fromkeys(ALL, signal.SIG_DFL)
        self.handlers: dict[int, Handler] = {}
        self.timers: list[tuple[float, ...]] = []
        self.raised: list[int] = []
        self.unblocked: list[object] = []
        self.left: list[tuple[int, str]] = []

    def install(self, number: int, handler: Handler) -> Handler:
        self.handlers[number] = handler
        return self.before.get(number)

    def leave(self, code: int, why: str) -> None:
        self.left.append((code, why))

    def send(self, number: int, frame: FrameType | None = None) -> None:
        """The signal comes: what is installed for it is called."""
        handler = self.handlers[number]
        assert callable(handler)
        handler(number, frame)


def installed(monkeypatch: pytest.MonkeyPatch) -> Signals:
    """Put it in the place of the machine's own."""
    it = Signals()
    monkeypatch.setattr(signal, "signal", it.install)
    monkeypatch.setattr(signal, "getsignal", lambda number: it.before[number])
    monkeypatch.setattr(signal, "setitimer", lambda which, *s: it.timers.append((which, *(round(one, 3) for one in s))))
    monkeypatch.setattr(signal, "raise_signal", it.raised.append)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda how, which: it.unblocked.append((how, which)))
    monkeypatch.setattr(signal, "set_wakeup_fd", lambda *_args, **_how: -1)
    monkeypatch.setattr(stopping, "time", SimpleNamespace(monotonic=lambda: it.now))
    monkeypatch.setattr(stopping, "age_s", lambda: it.age)
    monkeypatch.setattr(stopping, "_leave", it.leave)
    return it


def found_at(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """A signal finds the run there."""
    monkeypatch.setattr(stopping, "find_place", lambda _frame, **_how: place)
