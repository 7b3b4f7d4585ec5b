"""Waiting for what a process is about to do, with a limit."""

import time
from typing import Any


def until(what: Any, limit_s: float, why: str) -> None:  # noqa: ANN401 - a question without arguments
    """Ask again and again until the answer is true; fail with `why` after the limit."""
    end = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.05)  # between two looks, with a limit
