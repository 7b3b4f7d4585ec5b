"""A pytest plugin for self-tests: this process' own clock, as Python sees it, is set while the run goes on."""

import time

JUMP_S = 400.0
_TRUE = time.time


def pytest_runtest_teardown() -> None:
    """Set the clock after the first case, by which tokens are signed and answers are compared."""
    time.time = lambda: _TRUE() + JUMP_S
