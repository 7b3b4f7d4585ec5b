"""Output whose reader has gone (`| head`)."""

import os
from typing import TextIO


def drop(stream: TextIO) -> None:
    """Send a stream's output nowhere from now on: Python's last flush would otherwise fail and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
