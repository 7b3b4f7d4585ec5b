"""How a run is stopped: Ctrl-C, SIGTERM, SIGHUP and its own deadline, whatever signal dispositions it inherited.

While cases and teardowns run, each of these interrupts the current step, as Ctrl-C does: asyncio and pytest both
know how to wind down from there. After that the run writes its results: nothing raises there any more,
and a final alarm limits it.

After the deadline there are two more limits: `TAKEN_DOWN_S` later all teardowns have finished or been abandoned, one
at a time and reported, and `ENDED_S` after that the process has ended, whatever is still pending. Without a
hang both take only a moment.
"""

import atexit
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from gate.failures import Broken
from gate.session.age import age_s
from gate.session.interrupting import Place, find_place, silence_what_is_collected, silence_what_was_cut_off

INTERRUPTED, INTERNAL_ERROR = 2, 3  # pytest's
WIND_DOWN_S = 30.0  # for teardowns after the last case
WRITE_S = 120.0  # for deciding and writing reports
LATE_AGAIN_S = 0.5  # after the deadline, the interval at which an ineffective stop is repeated
BETWEEN_S = 0.01  # when a stop is tried again that came between two steps
MOST_BETWEEN = 500  # tries before it interrupts all the same: pytest or a plugin hangs
TAKEN_DOWN_S = 3.0  # after the deadline, for the case that it cut short and for all teardowns together
TEARDOWN_S = 1.0  # the share of one teardown
EARLY_S = 0.5  # an alarm this much before the deadline was not for the deadline
LEAST_S = 0.2  # the minimum for every teardown, whatever earlier ones used
NEAR_S = 10.0  # before the deadline, when there is no time left for plots and for notifications
ENDED_S = 30.0  # after the deadline, for reports on a machine that is far from idle
GONE_S = 2.0  # after the verdict was printed, for threads that are still running
BEGIN_S = 1.0  # from arming on, the shortest deadline there is
PATIENCE = 3  # this many requests during report writing abort it
MOST_SIGNALS = 4096  # that are read at a time: more than one case meets
ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
Handler = Callable[[int, FrameType | None], object] | int | None


class GivenUp(Broken):
    """A teardown that took longer than the time left. Not an interrupt: pytest continues with the next one."""


@dataclass(slots=True, kw_only=True)
class Stopping:
    """The signals of one run. `on_stop` is called once, with the reason."""

    deadline_s: float
    again_s: float  # the interval at which an ineffective stop is repeated
    on_stop: Callable[[str], None]
    reason: str = ""
    ignored: int = 0  # requests that came while reports were written
    given_up: list[str] = field(default_factory=list)  # fixtures that could not be taken down in time
    _taking_down: str = ""  # the fixture that is being taken down
    _late: float | None = None  # when the deadline passed, on the monotonic clock
    _tearing_down: bool = False  # a case's fixtures are taken down
    _winding_down: bool = False  # the session's are
    _in_step: bool = False  # a case is set up, called or taken down: Ctrl-C may raise
    _between: int = 0  # tries in a row that found the run between two steps
    _trying_again: bool = False  # the next alarm is one of them
    _writing: bool = False
    _end: float = math.inf  # when the deadline passes, on the monotonic clock
    _before: dict[signal.Signals, Handler] = field(default_factory=dict)
    _hang_up: bool = True
    _came: tuple[int, int] | None = None  # a pipe with one byte for each signal, written by Python itself

    def arm(self) -> None:
        """Install the handlers and start the deadline.

        Does nothing outside the main thread, where no signals arrive.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        self._before = {number: signal.getsignal(number) for number in ALL}
        self._hang_up = self._before[signal.SIGHUP] is not signal.SIG_IGN  # nohup means: keep running
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ALL)
        self._came = os.pipe()
        for end in self._came:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._came[1], warn_on_full_buffer=False)
        self._raise_on_signals()
        left_s = max(BEGIN_S, self.deadline_s - age_s())
        self._end = time.monotonic() + left_s
        signal.setitimer(signal.ITIMER_REAL, left_s, LATE_AGAIN_S)

    def only_note(self, within_s: float = WRITE_S) -> None:
        """From here on nothing raises; the rest may take this long and is abandoned then."""
        if not self._before:
            return
        for number in (signal.SIGINT, signal.SIGTERM, *self._hanging_up):
            signal.signal(number, self._note)
        signal.signal(signal.SIGALRM, self._give_up)
        self._writing = True
        end_s = self._end - time.monotonic() + ENDED_S if self._late is None else self._left(ENDED_S)
        signal.setitimer(signal.ITIMER_REAL, max(BEGIN_S, min(within_s, end_s)))

    def wind_down(self, within_s: float = WIND_DOWN_S) -> None:
        """Teardowns can be interrupted again, and are after this long."""
        if self._before:
            self._writing, self._winding_down = False, True
            self._between, self._trying_again = 0, False  # of an interrupt that found no step any more
            self._raise_on_signals()
            first_s = within_s if self._late is None else self._left(TAKEN_DOWN_S)
            signal.setitimer(signal.ITIMER_REAL, first_s, self._interval_s)

    def look(self) -> None:
        """Stop after a Ctrl-C that something swallowed: asyncio makes it a cancellation, which code may survive."""
        with suppress(BlockingIOError):  # no signal came
            if self._came and signal.SIGINT in os.read(self._came[0], MOST_SIGNALS):
                self._give_reason(signal.SIGINT.name)

    @property
    def late(self) -> bool:
        """Whether the deadline has passed or is near, so that nothing slow is started."""
        return self._late is not None or self._end - time.monotonic() < NEAR_S

    def steps(self, *, now: bool) -> None:
        """Note whether a step of a case runs, which Ctrl-C may end; between two it waits for the next one."""
        self._in_step = now
        if self._before and not self._writing:
            signal.signal(signal.SIGINT, self._on_ctrl_c)

    def tears_down(self, *, now: bool) -> None:
        """Note whether a case's fixtures are being taken down."""
        self._tearing_down = now

    def takes_down(self, fixture: str) -> None:
        """Note which teardown runs; after the deadline it has its share of the remaining time."""
        self._taking_down = fixture
        self._share(TEARDOWN_S)

    def taken_down(self) -> None:
        """Note that the teardown is done: what follows is limited by the time left for all."""
        self._taking_down = ""
        self._share(TAKEN_DOWN_S)

    def _share(self, most_s: float) -> None:
        if self._late is not None and not self._writing:
            signal.setitimer(signal.ITIMER_REAL, min(most_s, self._left(TAKEN_DOWN_S)), LATE_AGAIN_S)

    def _left(self, of_s: float) -> float:
        """What is left of a period that began at the deadline."""
        return max(LEAST_S, of_s - (time.monotonic() - (self._late or 0.0)))

    def release(self, code: int | None = None) -> None:
        """Restore the signal handlers. After the deadline the process ends with `code` even if a thread does not."""
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in self._before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            self._before = {}
            if self._came:
                signal.set_wakeup_fd(-1)
                for end in self._came:
                    os.close(end)
                self._came = None
            if self._late is not None:
                silence_what_is_collected()
            if self.late and code is not None:
                signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
                atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # all threads have ended: so does Python
                signal.setitimer(signal.ITIMER_REAL, GONE_S)

    @property
    def _hanging_up(self) -> tuple[signal.Signals, ...]:
        return (signal.SIGHUP,) if self._hang_up else ()

    @property
    def _on_ctrl_c(self) -> Callable[[int, FrameType | None], object]:
        """In a step Python's own handler, because asyncio turns Ctrl-C into a cancellation only if it finds that one.

        In the session's teardowns a cancellation is not wanted.
        """
        return signal.default_int_handler if self._in_step and not self._winding_down else self._stop

    def _raise_on_signals(self) -> None:
        # A background job inherits SIGINT as ignored, and raising it would do nothing.
        signal.signal(signal.SIGINT, self._on_ctrl_c)
        for number in (signal.SIGTERM, signal.SIGALRM, *self._hanging_up):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Stop what runs; in the session's teardowns each request abandons one, so that the others are run."""
        alarm, again = number == signal.SIGALRM, self._trying_again
        self._trying_again = False
        self._give_reason(self._why_late() if alarm else signal.Signals(number).name)
        if alarm and not again and self._passes_deadline():
            return
        if alarm or self._winding_down or not self._in_step:
            self._interrupt(frame)
        else:
            signal.raise_signal(signal.SIGINT)

    def _give_reason(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            self.on_stop(reason)

    def _why_late(self) -> str:
        """What the alarm was for: the deadline, or a teardown that had a limit before it."""
        if time.monotonic() < self._end - EARLY_S:
            return f"the teardowns did not finish within {WIND_DOWN_S:g} s"
        return f"the run's deadline of {self.deadline_s:g} s passed"

    def _passes_deadline(self) -> bool:
        """Note that the deadline has passed; a teardown that was already running gets its share first."""
        first, self._late = self._late is None, self._late or time.monotonic()
        if first:
            silence_what_was_cut_off()
        if first and self._taking_down:
            self._share(TEARDOWN_S)
            return True
        signal.setitimer(signal.ITIMER_REAL, TEARDOWN_S if first else LATE_AGAIN_S, LATE_AGAIN_S)
        return False

    def _interrupt(self, frame: FrameType | None) -> None:
        """Interrupt the current step, or try again in a moment. Raises GivenUp or KeyboardInterrupt."""
        place = find_place(frame, tearing_down=self._tearing_down or self._winding_down)
        if place is Place.BETWEEN and self._between < MOST_BETWEEN:
            self._between, self._trying_again = self._between + 1, True
            signal.setitimer(signal.ITIMER_REAL, BETWEEN_S, self._interval_s)
            return
        if self._between:
            self._between = 0
            signal.setitimer(signal.ITIMER_REAL, self._until_next_s, self._interval_s)
        if place is Place.TEARDOWN:
            name = self._taking_down or "a fixture"
            if name not in self.given_up:
                self.given_up.append(name)
            raise GivenUp(f"the teardown of {name} took too long")
        if self._winding_down or not self._in_step:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)  # which asyncio may have taken over

    @property
    def _until_next_s(self) -> float:
        """Until the next alarm after an interrupt that had to wait for a step: before the deadline, that is it."""
        early = self._late is None and not self._winding_down
        return max(BEGIN_S, self._end - time.monotonic()) if early else self._interval_s

    @property
    def _interval_s(self) -> float:
        """At which a stop is repeated."""
        return self.again_s if self._late is None else LATE_AGAIN_S

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.ignored += 1
        if self.ignored >= PATIENCE:
            _leave(INTERRUPTED, "interrupted while reports were written")

    def _give_up(self, _number: int, _frame: FrameType | None) -> None:
        late = "within the run's deadline and the time allowed after it" if self.late else f"within {WRITE_S:g} s"
        _leave(INTERNAL_ERROR, f"reports could not be written {late}")


def _leave(code: int, why: str) -> NoReturn:
    """End at once. The file on disk is INCONCLUSIVE, or already the verdict."""
    line = f"VERDICT: INCONCLUSIVE exit_code={code} reason={why}\n"
    try:
        os.write(1, line.encode())
    finally:
        os._exit(code)
