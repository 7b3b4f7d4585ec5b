"""How long this process has existed, by clocks that can't be set; its imports are part of the run."""

import os
import time
from pathlib import Path

import psutil

STAT = Path("/proc/self/stat")
START_TICKS = 19  # field 22 of proc(5), counted behind the name, which may hold blanks itself


def age_s() -> float:
    """Seconds since this process was started.

    psutil gives the start by the wall clock, which is rounded to whole seconds and may be set meanwhile; if
    the kernel gives the start since boot, that is used.
    """
    try:
        ticks = int(STAT.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[START_TICKS])
        started_s = ticks / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    except (OSError, AttributeError, IndexError, ValueError):  # not Linux
        return max(0.0, time.time() - psutil.Process().create_time())
