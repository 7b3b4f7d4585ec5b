"""Declaring a fault, and switching faults on and off in one process.

The healthy code does not know its faults. A fault is a function that replaces one seam of a process (an
attribute of its seams object) and returns how to take that back. Faults are found by importing the family
modules of this package.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from inspect import isawaitable
from pathlib import Path
from typing import Any, Literal

import twin.faults

Place = Literal["backend", "auth", "platform", "database", "stack"]
Undo = Callable[[], Awaitable[None] | None]
Install = Callable[[Any], Undo | Awaitable[Undo]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to be wrong: its stable id, the process that shows it, where it was seen, how to install it."""

    id: str
    place: Place
    seen: str
    install: Install
    module: str
    dependency: bool = False  # a part of another fault, or what a sound system lives with: no fault by itself
    brings: tuple[str, ...] = ()  # parts of it in other processes, installed before it

    @property
    def family(self) -> str:
        """The file that declares it, without its package."""
        return self.module.rpartition(".")[2]


_DECLARED: dict[str, Fault] = {}


def fault(
    fault_id: str, *, place: Place, seen: str, dependency: bool = False, brings: tuple[str, ...] = ()
) -> Callable[[Install], Install]:
    """Declare a fault; `seen` is one line on where it was seen or could come from. A second id raises."""

    def declare(install: Install) -> Install:
        module = install.__module__
        if fault_id in _DECLARED:
            raise ValueError(f"fault {fault_id!r} is declared twice: {_DECLARED[fault_id].module} and {module}")
        _DECLARED[fault_id] = Fault(
            id=fault_id, place=place, seen=seen, install=install, module=module, dependency=dependency, brings=brings
        )
        return install

    return declare


def replace(seams: object, **changes: object) -> Undo:
    """Set attributes of a seams object and return how to set them back."""
    before = {name: getattr(seams, name) for name in changes}
    for name, value in changes.items():
        setattr(seams, name, value)

    def undo() -> None:
        for name, value in before.items():
            setattr(seams, name, value)

    return undo


def undo_all(*undos: Undo) -> Undo:
    """One way back for several replacements: each is set back, in the order given."""

    def undo() -> None:
        for one in undos:
            one()

    return undo


def declared(places: Iterable[Place] | None = None) -> dict[str, Fault]:
    """Every declared fault by id, for all places or the given ones; dependencies included."""
    for module in pkgutil.iter_modules(twin.faults.__path__):
        importlib.import_module(f"twin.faults.{module.name}")
    wanted = None if places is None else frozenset(places)
    return {key: it for key, it in sorted(_DECLARED.items()) if wanted is None or it.place in wanted}


def find(ids: Iterable[str]) -> dict[str, Fault]:
    """The declared ones among some ids, with what they bring; only families with such an id in their text are imported.

    All of them take most of a second to import, in a process whose callers are waiting.
    """
    found: dict[str, Fault] = {}
    for one in ids:
        if one not in _DECLARED:
            for name, text in _families().items():
                if f'"{one}"' in text:
                    importlib.import_module(name)
        known = _DECLARED if one in _DECLARED else declared()  # an id that no text has as it is
        if one in known:
            found |= {one: known[one], **find(known[one].brings)}
    return found


@cache
def _families() -> dict[str, str]:
    """The text of every family, by its module's name."""
    folder = Path(twin.faults.__path__[0])
    return {f"twin.faults.{path.stem}": path.read_text(encoding="utf-8") for path in sorted(folder.glob("[!_]*.py"))}


class Switchboard:
    """The faults that are on in one process.

    Every change takes all of them back, newest first, and installs the wanted ones again in order: two faults
    on one seam can then be switched off in any order without leaving half of one behind.
    """

    def __init__(self, seams: object, place: Place) -> None:
        self._seams = seams
        self._place = place
        self._on: list[str] = []
        self._undo: list[Undo] = []

    @property
    def on(self) -> tuple[str, ...]:
        """Ids of the faults in force, in the order in which they were switched on."""
        return tuple(self._on)

    async def switch(self, wanted: Iterable[str]) -> None:
        """Have exactly the wanted faults in force. Raises KeyError for an id of no fault of this process."""
        ids = list(dict.fromkeys(wanted))
        known = {key: one for key, one in find(ids).items() if one.place == self._place}
        for unknown in (one for one in ids if one not in known):
            raise KeyError(unknown)
        await self._take_back()
        for one in ids:
            installed = known[one].install(self._seams)
            self._undo.append(await installed if isawaitable(installed) else installed)
            self._on.append(one)

    async def _take_back(self) -> None:
        while self._undo:
            done = self._undo.pop()()
            if isawaitable(done):
                await done
        self._on.clear()
