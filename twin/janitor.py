"""`python -m twin.janitor FOLDER`: outlives the supervisor, ends its processes and removes its folder.

It reads lines `PID SIGNAL` from its standard input, which only the supervisor holds open. At its end, however
the supervisor died, each process is sent its signal, then SIGKILL with its group; then the folder goes.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

GRACE_S = 3.0
POLL_S = 0.02


def alive(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def end(processes: dict[int, int]) -> None:
    """Send each process its signal, wait a moment, kill what is left with its whole group."""
    for pid, number in processes.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # one that a fault had stopped could not act on its signal
    limit = time.monotonic() + GRACE_S
    while time.monotonic() < limit and any(alive(pid) for pid in processes):
        time.sleep(POLL_S)
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def main(folder: str) -> None:
    """Read until the supervisor is gone, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    processes: dict[int, int] = {}
    for line in sys.stdin:
        pid, how = map(int, line.split())
        if how:
            processes[pid] = how
        else:
            processes.pop(pid, None)  # it has ended and was waited for
    end(processes)
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.exists(folder):  # noqa: PTH110 - a late writer is possible; once more, and then loudly
        time.sleep(POLL_S * 10)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1])
