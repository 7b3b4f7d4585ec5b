"""A pytest plugin for self-tests: this process' own clock two minutes ahead, as Python sees it."""

import time

AHEAD_S = 120.0
_TRUE = time.time


def pytest_configure() -> None:
    """Move the clock by which tokens are signed and answers are compared."""
    time.time = lambda: _TRUE() + AHEAD_S
