"""Where a signal finds the run: by the frames of pytest's own functions."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pluggy
import pytest

from gate.session.interrupting import Place, find_place


def here(*, tearing_down: bool = False) -> Place:
    return find_place(sys._getframe(), tearing_down=tearing_down)


def alone(looks: Callable[[], Place]) -> Place:
    """Looked at from a thread of its own, which has none of this test's own frames below."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(looks).result()


def in_a_step(looks: Callable[[], Place]) -> Place:
    return pytest.CallInfo.from_call(looks, when="call").result


def in_a_teardown(looks: Callable[[], Place]) -> Place:
    """As pytest calls a fixture's finalizers."""
    found: list[Place] = []
    fixture = SimpleNamespace(cached_result=(None, 0, None), _finalizers=[lambda: found.append(looks())], argname="it")
    pytest.FixtureDef.finish(cast("pytest.FixtureDef[object]", fixture), cast("Any", SimpleNamespace(node="")))
    return found[0]


def in_a_hook(looks: Callable[[], Place]) -> Place:
    class Hooks:
        @pluggy.HookspecMarker("it")
        def look(self) -> Place: ...  # type: ignore[empty-body]  # a plugin implements it

    class Plugin:
        @pluggy.HookimplMarker("it")
        def look(self) -> Place:
            return looks()

    manager = pluggy.PluginManager("it")
    manager.add_hookspecs(Hooks)
    manager.register(Plugin())
    return cast("list[Place]", manager.hook.look())[0]


def test_a_case_can_be_interrupted() -> None:
    assert alone(lambda: in_a_step(here)) is Place.CASE


def test_a_teardown_can_be_given_up() -> None:
    assert alone(lambda: in_a_step(lambda: in_a_teardown(lambda: here(tearing_down=True)))) is Place.TEARDOWN


def test_between_two_teardowns_nothing_is_raised() -> None:
    assert alone(lambda: in_a_step(lambda: here(tearing_down=True))) is Place.BETWEEN


def test_a_hook_within_a_teardown_is_not_the_teardown() -> None:
    assert alone(lambda: in_a_teardown(lambda: in_a_hook(here))) is Place.BETWEEN


def test_outside_every_step_nothing_is_raised() -> None:
    assert alone(here) is Place.BETWEEN
