"""The project's sources as syntax trees, and what can be looked up in them without importing anything."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, and what stands there."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}  {self.what}".rstrip()


@cache
def text(path: Path) -> str:
    """A file's text."""
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(text(path))


def naming(room: str, word: str) -> Iterator[Path]:
    """The Python files of a room in whose text a word stands: no other has to be parsed to find it."""
    return (path for path in files(room) if word in text(path))


@cache
def files(room: str) -> tuple[Path, ...]:
    """Every Python file of a room."""
    return tuple(sorted((ROOT / room).rglob("*.py")))


def decorated(path: Path, decorator: str) -> Iterator[tuple[str, ast.Call, Function]]:
    """Functions with `@decorator("id", ...)`, each with that id and the call."""
    for node in tree(path).body:
        if not isinstance(node, Function):
            continue
        for call in node.decorator_list:
            named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == decorator
            if named and isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
                yield str(call.args[0].value), call, node


def declared_by_helper(path: Path, wanted: str) -> tuple[ast.Call, Function] | None:
    """The function of the module that declares `wanted` when it is called with that id, at the module's top."""
    functions = {node.name: node for node in tree(path).body if isinstance(node, Function)}
    for node in tree(path).body:
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args:
            named = isinstance(call.args[0], ast.Constant) and call.args[0].value == wanted
            if named and call.func.id in functions:
                return call, functions[call.func.id]
    return None


def declared_by_pattern(path: Path, declaring: str, wanted: str) -> tuple[ast.Call, Function] | None:
    """The function that declares `wanted` in a loop, by `declaring(f"...{name}...")`; None where none does."""
    for node in tree(path).body:
        for call in ast.walk(node) if isinstance(node, Function) else ():
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == declaring:
                parts = call.args[0].values if call.args and isinstance(call.args[0], ast.JoinedStr) else []
                pattern = "".join(re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".+" for one in parts)
                if parts and re.fullmatch(pattern, wanted) and isinstance(node, Function):
                    return call, node
    return None


@cache
def fixtures() -> dict[str, tuple[Path, Function]]:
    """Every pytest fixture by its name."""
    found = {}
    for path in (path for room in ("fixtures", "gate/session", "suites") for path in naming(room, ".fixture")):
        for node in tree(path).body:
            if isinstance(node, Function) and any("fixture" in ast.unparse(one) for one in node.decorator_list):
                found[node.name] = path, node
    return found


def arguments(function: Function) -> list[str]:
    """A function's parameters."""
    return [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]


def names_used(node: ast.AST) -> set[str]:
    """Every plain name that a piece of code mentions."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def imported(path: Path) -> dict[str, str]:
    """The names that a file imports, each with the module that it comes from."""
    return {
        alias.asname or alias.name: node.module
        for block in (tree(path).body, *(node.body for node in tree(path).body if isinstance(node, ast.If)))
        for node in block  # what stands at the top, or under TYPE_CHECKING
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def module_of(dotted: str) -> Path | None:
    """The file of one of our modules; None for a library's."""
    path = ROOT / (dotted.replace(".", "/") + ".py")
    return path if path.exists() else None


def definition(path: Path, name: str) -> int:
    """The line at which a file defines a name; 1 where it does not say."""
    for node in tree(path).body:
        if isinstance(node, Function | ast.ClassDef) and node.name == name:
            return node.lineno
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == name for one in targets):
                return node.lineno
    return 1


def lines_with(path: Path, pattern: str) -> Iterator[tuple[int, str]]:
    """The lines of a text file that match a pattern, numbered from 1."""
    whole = text(path)
    for found in re.finditer(pattern, whole, re.MULTILINE):
        begin, end = whole.rfind("\n", 0, found.start()) + 1, whole.find("\n", found.end())
        yield whole.count("\n", 0, begin) + 1, whole[begin : end if end >= 0 else None].strip()
