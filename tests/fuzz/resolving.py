"""The suites' checks with their own fixtures, resolved by name over a world in memory."""

import importlib
import inspect
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from _pytest.fixtures import FixtureFunctionDefinition
from _pytest.mark.structures import ParameterSet

import conftest
import suites
from tests.arrows import files

ASKING = frozenset({"guard"})  # fixtures that ask pytest's request for tokens and users alone
PLUGINS = [name for name in conftest.pytest_plugins if name.startswith("fixtures.")]


def _fixtures() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for plugin in PLUGINS:
        for name, value in vars(importlib.import_module(plugin)).items():
            if isinstance(value, FixtureFunctionDefinition):
                found[name] = inspect.unwrap(value)
    return found


FIXTURES = _fixtures()


@dataclass(frozen=True)
class Case:
    """One case of a check: its function, and the values of its parameters."""

    function: Callable[..., Any]
    values: Mapping[str, Any]
    name: str

    @property
    def wants(self) -> list[str]:
        """The fixtures that it asks for."""
        return [name for name in inspect.signature(self.function).parameters if name not in self.values]


def all_cases() -> list[Case]:
    """Every case that the suites declare."""
    found: list[Case] = []
    for path in sorted(files("suites")):
        module = importlib.import_module(f"{suites.__name__}.{path.stem}")
        for name, function in vars(module).items():
            if name.startswith("test_") and inspect.iscoroutinefunction(function):
                found += [
                    Case(function, values, f"{path.stem.removeprefix('test_')}.{name.removeprefix('test_')}-{number}")
                    for number, values in enumerate(_values(function))
                ]
    return found


def _values(function: Callable[..., Any]) -> list[dict[str, Any]]:
    """The parameters of each case, by name."""
    by_mark = []
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            names = mark.args[0].replace(" ", "").split(",") if isinstance(mark.args[0], str) else list(mark.args[0])
            rows = [one.values if isinstance(one, ParameterSet) else one for one in mark.args[1]]
            wrapped = [row if isinstance(row, tuple) and len(row) == len(names) else (row,) for row in rows]
            by_mark.append([dict(zip(names, row, strict=True)) for row in wrapped])
    return [dict(itertools.chain(*(one.items() for one in chosen))) for chosen in itertools.product(*by_mark)]


def can_resolve(names: list[str], given: frozenset[str], whose: str = "") -> bool:
    """Whether these fixtures can be made from what is given, and from fixtures of the suite's own."""
    for name in names:
        if name in given or (name == "request" and whose in ASKING):
            continue
        if name not in FIXTURES or not can_resolve(list(inspect.signature(FIXTURES[name]).parameters), given, name):
            return False
    return True


def all_wants(names: list[str]) -> frozenset[str]:
    """These fixtures, and those that they ask for themselves."""
    found, left = set[str](), list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += list(inspect.signature(FIXTURES[name]).parameters) if name in FIXTURES else []
    return frozenset(found)


@dataclass
class Resolver:
    """Calls fixtures as pytest does: dependencies first, each once, undone in the end."""

    given: dict[str, Any]
    stack: AsyncExitStack
    had: dict[str, Any] = field(default_factory=dict)

    def getfixturevalue(self, name: str) -> Any:  # noqa: ANN401 - a fixture's value
        """As pytest's request has it, for what was resolved before."""
        return self.given[name] if name in self.given else self.had[name]

    async def get(self, name: str) -> Any:  # noqa: ANN401 - a fixture's value
        """A fixture's value."""
        if name == "request":
            await self.get("tokens")  # what those in ASKING ask for when they need it
            return self
        if name in self.given:
            return self.given[name]
        if name not in self.had:
            function = FIXTURES[name]
            wanted = {one: await self.get(one) for one in inspect.signature(function).parameters}
            self.had[name] = await self._call(function, wanted)
        return self.had[name]

    async def _call(self, function: Callable[..., Any], wanted: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        made = function(**wanted)
        if inspect.isasyncgen(made):
            return await self.stack.enter_async_context(_around(made))
        if inspect.isgenerator(made):
            self.stack.callback(lambda: next(made, None))
            return next(made)
        return await made if inspect.isawaitable(made) else made

    async def run(self, case: Case) -> None:
        """Run a case. Raises what it raises."""
        await case.function(**case.values, **{name: await self.get(name) for name in case.wants})


@asynccontextmanager
async def _around(made: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield await anext(made)
    async for _ in made:
        raise RuntimeError("a fixture yielded twice")
