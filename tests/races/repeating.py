"""A plugin of pytest that has the checks of twenty at once run as often as $NETRA_RACES says, in one run."""

import os

import pytest

from gate.check import ATTRIBUTE

REPEATED = frozenset({"threads.together", "websocket.together"})
TIMES = "NETRA_RACES"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each of the checks as many cases."""
    declared = getattr(metafunc.function, ATTRIBUTE, None)
    if declared is not None and declared.id in REPEATED:
        metafunc.fixturenames.append("attempt")
        times = int(os.environ[TIMES])
        metafunc.parametrize("attempt", range(times), ids=[f"attempt {number + 1}" for number in range(times)])
