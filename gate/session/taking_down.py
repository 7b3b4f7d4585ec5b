"""Tracks the teardown of every fixture: once the deadline has passed, each gets a share of the remaining time.

A teardown that takes longer is abandoned and reported, and the next one runs: seeded rows are deleted even if
closing a client hangs.
"""

from collections.abc import Generator
from functools import partial

import pytest

from gate.session.stopping import Stopping


class TakingDown:
    """A plugin that tells the signal handlers which fixture's teardown is running."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: other plugins' teardown is inside
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """Wrap the fixture's teardown in two notes: the last finalizer to be added runs first."""
        fixturedef.addfinalizer(self._stopping.taken_down)
        try:
            return (yield)
        finally:
            fixturedef.addfinalizer(partial(self._stopping.takes_down, fixturedef.argname))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        """What is raised between two fixtures would lose the teardowns that are still to come."""
        self._stopping.tears_down(now=True)
        self._stopping.steps(now=True)
        try:
            return (yield)
        finally:
            self._stopping.steps(now=False)
            self._stopping.tears_down(now=False)

    @pytest.hookimpl(wrapper=True, trylast=True)  # innermost: an interrupt in another plugin's hook ends no step
    def pytest_runtest_setup(self) -> Generator[None]:
        """A case's own fixtures, which Ctrl-C may end."""
        return (yield from self._step())

    @pytest.hookimpl(wrapper=True, trylast=True)  # innermost, as above
    def pytest_runtest_call(self) -> Generator[None]:
        """The case itself."""
        return (yield from self._step())

    def _step(self) -> Generator[None]:
        self._stopping.steps(now=True)
        try:
            return (yield)
        finally:
            self._stopping.steps(now=False)

    def pytest_runtest_logfinish(self) -> None:
        """After each case: a Ctrl-C that it survived was its last."""
        self._stopping.look()

    @pytest.hookimpl(wrapper=True, trylast=True)  # innermost: around pytest's own, which takes the session's down
    def pytest_sessionfinish(self) -> Generator[None]:
        """Allow interrupts while the session's fixtures are taken down, and no longer: summaries come after that."""
        self._stopping.wind_down()
        try:
            return (yield)
        finally:
            self._stopping.only_note()
