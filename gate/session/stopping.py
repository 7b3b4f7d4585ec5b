"""How a run is stopped: Ctrl-C, SIGTERM, SIGHUP and its own deadline, whatever dispositions it inherited.

While cases run, and while what they used is taken down, each of these ends what is going on, as Ctrl-C does: asyncio
and pytest both know how to wind down from there. After that a run is writing what it has: nothing raises there any
more, and a last alarm bounds it.
"""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

INTERRUPTED, INTERNAL_ERROR = 2, 3  # pytest's
WIND_DOWN_S = 30.0  # for what is taken down after the last case
WRITE_S = 120.0  # for deciding and writing reports
PATIENCE = 3  # the so manieth request while reports are written ends them unwritten
ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
Handler = Callable[[int, FrameType | None], object] | int | None


@dataclass(slots=True)
class Stopping:
    """The signals of one run. `on_stop` is told the reason, once."""

    deadline_s: float
    again_s: float  # a stop that was survived is repeated so often
    on_stop: Callable[[str], None]
    reason: str = ""
    ignored: int = 0  # requests that came while reports were written
    _before: dict[signal.Signals, Handler] = field(default_factory=dict)
    _hang_up: bool = True

    def arm(self) -> None:
        """Take the signals over, and start the deadline. Does nothing outside the main thread, where none arrive."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._before = {number: signal.getsignal(number) for number in ALL}
        self._hang_up = self._before[signal.SIGHUP] is not signal.SIG_IGN  # nohup is a wish to go on
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ALL)
        self._raise_on_signals()
        signal.setitimer(signal.ITIMER_REAL, self.deadline_s, self.again_s)

    def only_note(self, within_s: float = WRITE_S) -> None:
        """From here on nothing raises; what goes on may take so long, and is given up then."""
        if not self._before:
            return
        for number in (signal.SIGINT, signal.SIGTERM, *self._hanging_up):
            signal.signal(number, self._note)
        signal.signal(signal.SIGALRM, self._give_up)
        signal.setitimer(signal.ITIMER_REAL, within_s)

    def wind_down(self, within_s: float = WIND_DOWN_S) -> None:
        """What is taken down now can be interrupted again, and is after so long."""
        if self._before:
            self._raise_on_signals()
            signal.setitimer(signal.ITIMER_REAL, within_s, self.again_s)

    def release(self) -> None:
        """Give the signals back."""
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in self._before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            self._before = {}

    @property
    def _hanging_up(self) -> tuple[signal.Signals, ...]:
        return (signal.SIGHUP,) if self._hang_up else ()

    def _raise_on_signals(self) -> None:
        # asyncio turns Ctrl-C into a cancellation only where it finds Python's own handler. A background job inherits
        # SIGINT as ignored, and raising it would do nothing.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGALRM, *self._hanging_up):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if not self.reason:
            late = f"the run's deadline of {self.deadline_s:g} s passed"
            self.reason = late if number == signal.SIGALRM else signal.Signals(number).name
            self.on_stop(self.reason)
        signal.raise_signal(signal.SIGINT)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.ignored += 1
        if self.ignored >= PATIENCE:
            _leave(INTERRUPTED, "interrupted while reports were written")

    def _give_up(self, _number: int, _frame: FrameType | None) -> None:
        _leave(INTERNAL_ERROR, f"reports could not be written within {WRITE_S:g} s")


def _leave(code: int, why: str) -> NoReturn:
    """End at once. What stands on disk is INCONCLUSIVE, or already the verdict."""
    line = f"VERDICT: INCONCLUSIVE exit_code={code} reason={why}\n"
    try:
        os.write(1, line.encode())
    finally:
        os._exit(code)
