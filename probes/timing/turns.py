"""Turns between processes on one machine: many together, or one alone. A turn never outlives its process.

Two files, both locked with flock(2): the kernel releases the locks when a process ends, however it ends. To get a turn,
a process first takes the door, and keeps it until it has the turn: a process that wants to be alone is therefore not
kept waiting by others that come and go.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from probes.errors import SourceRefused

POLL_S = 0.02
DOOR = ".door"  # behind the name of the file that the turns are taken on


@dataclass(slots=True)
class Turns:
    """The turns of one process. What the turns are about creates `path` and its door."""

    path: Path
    waited_s: float = 0.0  # in all
    narrate: Callable[[str], None] | None = None  # gets a line, again and again, while we wait for a turn
    _held: list[int] = field(default_factory=list)  # file descriptors

    def take(self, *, alone: bool, within_s: float) -> None:
        """Wait for a turn and hold it until `give_back`.

        Raises:
            SourceRefused: Others had theirs for all that time, or the files are not there.
        """
        begun = time.monotonic()
        try:
            door = self._lock(Path(f"{self.path}{DOOR}"), fcntl.LOCK_EX, begun + within_s)
            try:
                self._held.append(self._lock(self.path, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, begun + within_s))
            finally:
                os.close(door)
        except TimeoutError as error:
            raise SourceRefused("a turn on the target", f"another run has been using it for {within_s:g} s") from error
        except OSError as error:
            raise SourceRefused("a turn on the target", f"{self.path} can't be locked ({error.strerror})") from error
        finally:
            self.waited_s += time.monotonic() - begun

    def give_back(self) -> None:
        """End the turn, if there is one."""
        while self._held:
            os.close(self._held.pop())

    def _lock(self, path: Path, kind: int, until: float) -> int:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        pause = threading.Event()
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    os.close(descriptor)
                    raise TimeoutError from None
                if self.narrate:
                    left_s = max(0.0, until - time.monotonic())
                    self.narrate(f"waiting, {left_s:.0f} s more at most: another run is at work on this target")
                pause.wait(POLL_S)
            except BaseException:
                os.close(descriptor)
                raise
            else:
                return descriptor
