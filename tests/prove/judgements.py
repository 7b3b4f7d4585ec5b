"""Where the suites judge: every `raise` of a failure, found in the source and taken out of it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FAILURES = frozenset({"CheckFailure", "MissingRoute", "OneFinding", "ShutDoor"})
JUDGING = ("suites", "fixtures")  # here every raise of a failure is a judgement
OBSERVING = "probes"  # here any raise may be one: what it raises is classified as the product's failure, or as ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One raise. Its `id` stays when lines above it are added."""

    file: str  # relative to the project
    function: str
    number: int  # among the function's raises
    lines: tuple[int, int]
    columns: tuple[int, int]
    judges: bool  # it names a failure that it raises; otherwise it has to be seen to end a case

    @property
    def id(self) -> str:
        """As reports and the journal write it."""
        return f"{self.file}::{self.function}#{self.number}"

    @property
    def place(self) -> str:
        """Where to look."""
        return f"{self.file}:{self.lines[0]}"


def find_sites(tree: Path) -> list[Site]:
    """Every raise of the judging and observing rooms of a project."""
    files = [path for room in (*JUDGING, OBSERVING) for path in sorted((tree / room).rglob("*.py"))]
    return [site for path in files for site in _of_file(path, str(path.relative_to(tree)))]


def _of_file(path: Path, name: str) -> Iterator[Site]:
    for function, raises in _raises_by_function(ast.parse(path.read_text(encoding="utf-8"))):
        for number, (node, last, end) in enumerate(raises, 1):
            judges = _raised(node) in FAILURES
            if judges or name.startswith(OBSERVING):
                yield Site(
                    file=name,
                    function=function,
                    number=number,
                    lines=(node.lineno, last),
                    columns=(node.col_offset, end),
                    judges=judges,
                )


def _raises_by_function(module: ast.Module) -> Iterator[tuple[str, list[tuple[ast.Raise, int, int]]]]:
    """Every function with the raises that stand in it, and in no function within it."""
    waiting: list[tuple[str, ast.AST]] = [("", module)]
    while waiting:
        name, scope = waiting.pop(0)
        found: list[tuple[ast.Raise, int, int]] = []
        nodes = list(ast.iter_child_nodes(scope))
        while nodes:
            node = nodes.pop(0)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                waiting.append((f"{name}.{node.name}".lstrip("."), node))
                continue
            if isinstance(node, ast.Raise) and node.exc and node.end_lineno and node.end_col_offset:
                found.append((node, node.end_lineno, node.end_col_offset))
            nodes = [*ast.iter_child_nodes(node), *nodes]
        if found:
            yield name, found


def _raised(node: ast.Raise) -> str:
    called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return called.id if isinstance(called, ast.Name) else ""


def without(source: str, site: Site) -> str:
    """The source with this raise struck out: `pass` stands in its place."""
    lines = source.splitlines(keepends=True)
    (first, last), (begin, end) = site.lines, site.columns
    head = lines[first - 1].encode()[:begin].decode()
    tail = lines[last - 1].encode()[end:].decode()
    return "".join([*lines[: first - 1], f"{head}pass{tail}", *lines[last:]])


def site_at(sites: Iterable[Site], file: str, line: int) -> Site | None:
    """The raise that stands on this line of a file."""
    return next((one for one in sites if one.file == file and one.lines[0] <= line <= one.lines[1]), None)
