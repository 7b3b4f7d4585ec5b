"""The habits of CONTRIBUTING that can be counted: short functions, named fields, reasons, names that occur once."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.prose import files
from tests.standing import ROOT

TABLE = tomllib.loads((ROOT / "tests/habits.toml").read_text(encoding="utf-8"))
LONG, LONGEST = 30, 60  # lines of a function
MOST_POSITIONAL = 4  # fields of a dataclass that may be given without their names
MOST_UNFORMATTED = 40  # lines that the formatter leaves alone
MOST_ANY_IN_GATE = 15  # lines
OWN = "tests/test_habits.py"
EVERYWHERE = frozenset({"__init__", "__main__", "conftest"})
UNFORMATTED = re.compile(r"# fmt: (?:skip|off)")
REASONED_NOQA = re.compile(r"# noqa: [A-Z]+\d+(?:, [A-Z]+\d+)* - \S")
REASONED_IGNORE = re.compile(r"# type: ignore\[[a-z,-]+\] +# \S")
EXCEPTION = re.compile(r"# (?:noqa|type: ignore)")
REASONED = (REASONED_NOQA, REASONED_IGNORE)
ANY = re.compile(r"\bAny\b")

Declaration = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> dict[str, str]:
    """The text of every Python file by its path in the project."""
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files() if path.suffix == ".py"}


@cache
def declarations() -> list[tuple[str, Declaration]]:
    """Every class and function, with its file's path in the project."""
    return [(name, node) for name, source in sources().items() for node in declared_in(source)]


def declared_in(source: str) -> Iterator[Declaration]:
    """The classes and functions of a source, at whatever depth."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt | ast.excepthandler)]
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(declaration: Declaration) -> int:
    """The number of lines of a function, from its `def` to its end; 0 for a class."""
    if isinstance(declaration, ast.ClassDef):
        return 0
    return (declaration.end_lineno or declaration.lineno) - declaration.lineno + 1


def is_positional(declaration: Declaration) -> bool:
    """Whether it is a dataclass of many fields that can be made without naming them."""
    if not isinstance(declaration, ast.ClassDef):
        return False
    decorators = [ast.unparse(one) for one in declaration.decorator_list]
    fields = [ast.unparse(one) for one in declaration.body if isinstance(one, ast.AnnAssign)]
    given = [one for one in fields if not re.search(r"^_|ClassVar|init=False", one)]
    return len(given) > MOST_POSITIONAL and any("dataclass" in it and "kw_only=True" not in it for it in decorators)


def unreasoned(source: str) -> Iterator[int]:
    """The lines on which a rule of ruff's or mypy's is switched off without saying why."""
    for number, line in enumerate(source.splitlines(), 1):
        marks = len(EXCEPTION.findall(line))
        if marks and sum(len(one.findall(line)) for one in REASONED) < marks:
            yield number


def by_file(found: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    """Names by file, both in order."""
    listed: dict[str, list[str]] = {}
    for file, name in sorted(found):
        listed.setdefault(file, []).append(name)
    return listed


def test_long_functions_only_become_fewer() -> None:
    count = Counter(name.partition("/")[0] for name, one in declarations() if length(one) > LONG)
    assert dict(count) == TABLE["long_functions"]


def test_no_further_function_is_very_long() -> None:
    found = by_file((name, one.name) for name, one in declarations() if length(one) > LONGEST)
    assert found == TABLE["longest_functions"]


def test_the_fields_of_a_wide_dataclass_are_named_where_it_is_made() -> None:
    assert by_file((name, one.name) for name, one in declarations() if is_positional(one)) == TABLE["positional"]


def test_few_lines_are_kept_from_the_formatter() -> None:
    count = Counter(name for name, source in sources().items() for _ in UNFORMATTED.finditer(source))
    assert sum(count.values()) < MOST_UNFORMATTED, count.most_common(10)


def test_every_exception_from_a_rule_has_its_reason() -> None:
    assert not [
        f"{name}:{number}" for name, source in sources().items() for number in unreasoned(source) if name != OWN
    ]


def test_the_gate_knows_the_types_of_its_values() -> None:
    lines = [
        f"{name}: {line.strip()}"
        for name, source in sources().items()
        if name.startswith("gate/")
        for line in source.splitlines()
        if ANY.search(line) and "import" not in line
    ]
    assert len(lines) <= MOST_ANY_IN_GATE, lines


def test_a_modules_name_occurs_once_in_its_package() -> None:
    """Test files aside: they mirror the packages that they test."""
    places: dict[tuple[str, str], list[str]] = {}
    for path in map(Path, sources()):
        if path.stem not in EVERYWHERE and not path.name.startswith("test_"):
            places.setdefault((path.parts[0], path.name), []).append(str(path.parent))
    twice = {f"{package}: {name}": folders for (package, name), folders in places.items() if len(folders) > 1}
    assert twice.keys() == TABLE["same_names"].keys()
    assert all(TABLE["same_names"].values()), "each has its reason"


def test_a_function_is_counted_from_its_def_to_its_end() -> None:
    source = (
        'class A:\n    @cache\n    def f(self):\n        """One."""\n        def h(): pass\n\nasync def g(): pass\n'
    )
    assert {one.name: length(one) for one in declared_in(source)} == {"A": 0, "f": 3, "h": 1, "g": 1}


@pytest.mark.parametrize(
    "decorator, found",
    [
        ("@dataclass(frozen=True)", True),
        ("@dataclass", True),
        ("@dataclass(frozen=True, kw_only=True)", False),
        ("@final", False),
    ],
)
def test_a_wide_dataclass_is_found(decorator: str, found: bool) -> None:  # noqa: FBT001 - a column of the table
    fields = [f"    field_{number}: int" for number in range(5)]
    narrow = [*fields[1:], "    made: int = field(init=False)", "    many: ClassVar[int] = 5", "    _own: int = 0"]
    wide, other = (f"{decorator}\nclass Row:\n" + "\n".join(body) for body in (fields, narrow))
    assert [is_positional(one) for one in declared_in(wide)] == [found]
    assert [is_positional(one) for one in declared_in(other)] == [False]


@pytest.mark.parametrize(
    "line, why",
    [
        ("x = 1  # noqa: E501 - a table", True),
        ("x = 1  # noqa: E501, S603 - a table", True),
        ("x = 1  # noqa: E501", False),
        ("x = 1  # noqa", False),
        ("x = 1  # type: ignore[arg-type]  # its stubs say less", True),
        ("x = 1  # type: ignore[arg-type] # its stubs say less", True),
        ("x = 1  # type: ignore[arg-type]", False),
        ("x = 1  # type: ignore", False),
        ("x = 1  # type: ignore[arg-type]  # noqa: E501 - a table", True),
        ("x = 1  # type: ignore[arg-type]  # its stubs  # noqa: E501 - a table", True),
        ("x = 1  # as it is", True),
    ],
)
def test_an_exception_without_a_reason_is_found(line: str, why: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (not list(unreasoned(line))) is why
