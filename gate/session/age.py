"""How long this process has been there, by clocks that nobody sets: its imports are a part of the run."""

import os
import time
from pathlib import Path

import psutil

STAT = Path("/proc/self/stat")
START_TICKS = 19  # field 22 of proc(5), counted behind the name, which may hold blanks itself


def age_s() -> float:
    """Seconds since this process was started.

    The wall clock, by which psutil tells a start, is cut to whole seconds and may be set while we import: where the
    kernel tells the start since its own boot, that counts.
    """
    try:
        ticks = int(STAT.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[START_TICKS])
        started_s = ticks / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    except (OSError, AttributeError, IndexError, ValueError):  # no Linux
        return max(0.0, time.time() - psutil.Process().create_time())
