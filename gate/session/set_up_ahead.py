"""Sets a case's fixtures up before its turn, while those of other cases are set up.

pytest sets up one item at a time: it keeps one stack of finalizers, and a fixture of function scope has one value. Here
an item has a stack of its own above the nodes that it shares with the others (the session, the folder), and fixtures of
its own. At its turn both are handed to pytest, which finds the fixtures set up and tears them down as always.

pytest has no public way to do this. Only this module knows how it is done; its test shows that a fixture's life is as
without it.
"""

import copy
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest.fixtures import FixtureDef
from _pytest.nodes import Node
from _pytest.outcomes import TEST_OUTCOME
from _pytest.runner import SetupState

Definition = FixtureDef[object]
AHEAD = pytest.StashKey["Ahead"]()
OUTCOME = TEST_OUTCOME  # what pytest takes for an item's own: any Exception, and pytest.fail's and skip's


class Ahead:
    """One item, set up before its turn. `error`: what its set-up raised; pytest raises it again at the turn."""

    def __init__(self, item: pytest.Function, shared: SetupState) -> None:
        self.item = item
        self.error: BaseException | None = None
        self._state = SetupState()
        chain = item.listchain()
        self._state.stack = {node: parts for node, parts in shared.stack.items() if node in chain}
        self._shared = list(self._state.stack)
        item._request._arg2fixturedefs = _OwnFixtures(item)  # type: ignore[misc]  # final for others

    def set_up(self) -> None:
        """Set the item's fixtures up. Raises only what interrupts the run."""
        with self._own_stack():
            try:
                self._state.setup(self.item)
            except OUTCOME as error:  # whatever it is, it is the item's, at its turn
                self.error = error

    def value(self, fixture: str) -> Any:  # noqa: ANN401 - whatever the fixture gives
        """The value of a fixture, as the item would get it."""
        return self.item._request.getfixturevalue(fixture)

    async def run(self) -> None:
        """Run the item's body with its fixtures. Raises what that raises."""
        await self.item.obj(**{name: self.item.funcargs[name] for name in self.item._fixtureinfo.argnames})

    def hand_over(self) -> None:
        """Give the finalizers to pytest, which has just set the item up, for its teardown.

        If it has not, because something else refused the item its turn, they are run at the session's end.
        """
        stack = self.item.session._setupstate.stack
        if self.item not in stack:
            return
        for node, (finalizers, _) in self._state.stack.items():
            if node not in self._shared and node in stack:
                stack[node][0].extend(finalizers)
        self._state.stack.clear()

    def take_down(self) -> None:
        """Tear the item down before its turn, or without one; it can then be set up again. Raises what that raises."""
        if not self._state.stack:
            return
        stays = _Chain(self._shared)
        try:
            with self._own_stack():
                self._state.teardown_exact(stays)  # type: ignore[arg-type]  # it reads only the chain of nodes
        finally:
            self._state.stack.clear()
            self.item._initrequest()

    @contextmanager
    def _own_stack(self) -> Generator[None]:
        session, before = self.item.session, self.item.session._setupstate
        session._setupstate = self._state
        try:
            yield
        finally:
            session._setupstate = before


class _Chain:
    """The nodes that stay set up, as pytest asks the next item for them."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes

    def listchain(self) -> list[Node]:
        return self._nodes


class _OwnFixtures(dict[str, Sequence[Definition]]):
    """The definitions of an item's fixtures; those of function scope are copies, so that their values are its own."""

    def __init__(self, item: pytest.Function) -> None:
        known = item._fixtureinfo.name2fixturedefs
        super().__init__({name: _own(definitions) for name, definitions in known.items()})
        self._item = item

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict's own
        """The definitions of a name, also of one that is only asked for while the case runs."""
        if name not in self:
            found = self._item.session._fixturemanager.getfixturedefs(name, self._item)
            if not found:
                return default
            self[name] = _own(found)
        return self[name]


def _own(definitions: Sequence[Definition]) -> list[Definition]:
    return [_copied(definition) if definition.scope == "function" else definition for definition in definitions]


def _copied(definition: Definition) -> Definition:
    own = copy.copy(definition)
    own.cached_result = None
    own._finalizers = []  # type: ignore[misc]  # final for others
    return own


def at_session_end(turn: pytest.Item, end: Callable[[], None]) -> None:
    """Have something done at the session's end, before what was set up until now is taken down."""
    turn.session._setupstate.addfinalizer(end, turn.session)


def set_up_ahead(turn: pytest.Item, items: Sequence[pytest.Function]) -> Generator[Ahead]:
    """Set items up at the turn of one of them. What the session shares is set up for all of them."""
    state: SetupState = turn.session._setupstate
    state.setup(turn.parent)  # type: ignore[arg-type]  # it reads only the chain of nodes
    for item in items:
        ahead = item.stash[AHEAD] = Ahead(item, state)
        try:
            ahead.set_up()
        finally:  # registered after what it set up for the session, so that it is taken down before that
            at_session_end(turn, ahead.take_down)
        yield ahead


@pytest.hookimpl(wrapper=True, trylast=True)  # innermost: around pytest's own set-up alone
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """At an item's turn its fixtures are there already: their teardown becomes pytest's."""
    try:
        return (yield)
    finally:
        ahead = item.stash.get(AHEAD, None)
        if ahead is not None:
            ahead.hand_over()
