"""Waiting for what a process is about to do."""

import time
from typing import Any

HANGS_S = 300.0  # nothing here takes so long, however busy the machine is: what does hangs


def until(what: Any, why: str) -> None:  # noqa: ANN401 - a question without arguments
    """Ask again and again until the answer is true; fail with `why` if it never is."""
    end = time.monotonic() + HANGS_S
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.05)  # between two looks, with a limit
