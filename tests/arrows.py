"""Who imports whom, as the code says it and as `docs/arrows.toml` allows it."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.standing import ROOT

TABLE = tomllib.loads((ROOT / "docs/arrows.toml").read_text(encoding="utf-8"))
ROOMS: dict[str, dict[str, list[str]]] = TABLE["rooms"]
LIBRARIES: dict[str, list[str]] = TABLE["libraries"]
PRODUCT = ("suites", "fixtures", "probes", "gate", "targets", "commands", "deploy")
INSIDE: dict[str, dict[str, list[str]]] = TABLE["inside"]


def files(room: str) -> list[Path]:
    """Every Python file of a room."""
    return sorted((ROOT / room).rglob("*.py"))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The dotted names that a file imports; `from a import b` gives `a.b`."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def known_in(library: str) -> set[str]:
    """The places of `docs/arrows.toml` in which a library is imported, and files outside of them."""
    places = LIBRARIES[library]
    found = set[str]()
    for room in PRODUCT:
        for path in files(room):
            if library in {name.partition(".")[0] for name in imports(path)}:
                file = path.relative_to(ROOT).as_posix()
                found.add(next((place for place in places if f"{file}/".startswith(f"{place}/")), file))
    return found


def libraries() -> set[str]:
    """Every library of somebody else's that the product imports."""
    ours = {*ROOMS, "conftest", "netra_verify", "sealed"}  # the last two: the wheel's own, and a script beside another
    found = {name.partition(".")[0] for room in PRODUCT for path in files(room) for name in imports(path)}
    return found - ours - sys.stdlib_module_names


def arrows_between_rooms() -> dict[str, set[str]]:
    """For each room, the other rooms that it imports."""
    return {
        room: {
            top
            for path in files(room)
            for name in imports(path)
            if (top := name.partition(".")[0]) in ROOMS and top != room
        }
        for room in ROOMS
    }


def arrows_inside(room: str) -> dict[str, set[str]]:
    """For each folder of a room, and each single file that imports one, the folders that it imports."""
    folders = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")}
    found: dict[str, set[str]] = {folder: set() for folder in folders}
    for path in files(room):
        inner = path.relative_to(ROOT / room).parts
        parts = [name.split(".") for name in imports(path)]
        others = {part[1] for part in parts if part[0] == room and part[1:2] and part[1] in folders} - {inner[0]}
        if inner[0] in folders or others:
            found.setdefault(inner[0], set()).update(others)
    return found


def render() -> str:
    """The tables for ARCHITECTURE.md."""
    lines = ["| package | what is in it | imports |", "|---|---|---|"]
    for room, row in ROOMS.items():
        lines.append(f"| `{room}/` | {row['holds']} | {_listed(row['imports'])} |")
    for room, table in INSIDE.items():
        lines += ["", f"Inside `{room}/`, besides its single files:", "", "| part | imports |", "|---|---|"]
        lines += [f"| `{part}` | {_listed(others)} |" for part, others in sorted(table.items())]
    return "\n".join([*lines, ""])


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none of the others"
