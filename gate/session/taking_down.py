"""What every fixture takes down, named while it does: once the deadline has passed, each has a share of what is left.

A teardown that takes longer is given up, by name, and the next one has its turn: rows are taken back even where a
client's goodbye hangs.
"""

from collections.abc import Generator
from functools import partial

import pytest

from gate.session.stopping import Stopping


class TakingDown:
    """A plugin that tells the run's signals which fixture is being taken down."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: what other plugins take down with it is inside
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """Put what takes the fixture down between two notes: the last finalizer that is added is the first to run."""
        fixturedef.addfinalizer(self._stopping.taken_down)
        try:
            return (yield)
        finally:
            fixturedef.addfinalizer(partial(self._stopping.takes_down, fixturedef.argname))
