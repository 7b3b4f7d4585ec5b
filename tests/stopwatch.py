"""Time less what a busy machine adds to it: where a self-test has to say how long something took."""

import time
from pathlib import Path


def queued_s(process: int | str) -> float:
    """How long the threads of a process (its id, or "self") have waited for a core, in seconds; 0 off Linux."""
    looks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(look.read_text(encoding="ascii").split()[1]) for look in looks) / 1e9


class Stopwatch:
    """Runs from when it is made, and does not count waits of this process' threads for a core."""

    def __init__(self) -> None:
        self._begun = self._now()

    @property
    def seconds(self) -> float:
        """Since it was made; where several threads wait at once, each wait is taken off, so rather too little."""
        return self._now() - self._begun

    @staticmethod
    def _now() -> float:
        return time.monotonic() - queued_s("self")
