"""Who imports whom, as the code says it and as `docs/arrows.toml` allows it."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.standing import ROOT

TABLE = tomllib.loads((ROOT / "docs/arrows.toml").read_text(encoding="utf-8"))
ROOMS: dict[str, dict[str, list[str]]] = TABLE["rooms"]
INSIDE: dict[str, dict[str, list[str]]] = TABLE["inside"]


def files(room: str) -> list[Path]:
    """Every Python file of a room."""
    return sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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
