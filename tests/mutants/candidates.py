"""Which mutants there are: cosmic-ray's, at every place of the modules, without those that nothing could notice."""

import ast
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from cosmic_ray.commands.init import _all_work_items  # the one listing of positions that the tool has
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

from tests.proof.journal import digest_of
from tests.standing import ROOT

ROOMS = ("gate", "probes", "targets")  # their self-tests are asked
TWIN = ("twin/backend", "twin/auth")  # the suite is asked
# They answer no request, or only in states and under faults, which the suite is not asked about here.
UNASKED = frozenset({"serve.py", "migrate.py", "seams.py", "__init__.py", "documented.py", "by_hand.py"})
CACHE = Path("reports/mutants")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: an operator of cosmic-ray at one of the positions in a module that it knows."""

    module: str
    operator: str
    occurrence: int
    function: str
    line: int
    column: int

    @property
    def id(self) -> str:
        """As the journal writes it."""
        return f"{self.module}:{self.line}:{self.column} {self.operator.rpartition('/')[2]}#{self.occurrence}"

    def applied(self, source: str) -> str | None:
        """The module's source with the change; None where the operator does not do anything there."""
        try:
            changed: str | None = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        except AttributeError:  # its ExceptionReplacer, at a name with a dot among several exceptions
            return None
        return None if changed == source else changed

    def told(self, source: str, changed: str) -> tuple[str, str]:
        """The first line that differs, before and after."""
        pairs = zip(source.splitlines(), changed.splitlines(), strict=False)
        return next(((one.strip(), other.strip()) for one, other in pairs if one != other), ("", ""))


def modules(patterns: Sequence[str]) -> list[str]:
    """The modules that are asked about, by path pattern (`gate/*`, `twin/backend/*`) or by room."""
    twin = [path for room in TWIN for path in (ROOT / room).glob("*.py") if path.name not in UNASKED]
    ours = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py"]
    names = sorted(str(path.relative_to(ROOT)) for path in (*twin, *ours))
    rooms = [f"{pattern}/*" for pattern in patterns]
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in (*patterns, *rooms))]


def list_mutants(module: str) -> list[Mutant]:
    """Every mutant of a module; kept in `reports/mutants` under the module's digest, since listing takes a second."""
    kept = CACHE / "listed" / f"{module.replace('/', '.')}-{digest_of(module)}.json"
    if kept.exists():
        return [Mutant(**row) for row in json.loads(kept.read_text(encoding="utf-8"))]
    unseen = _unseen_spans((ROOT / module).read_text(encoding="utf-8"))
    found = []
    for item in _all_work_items([ROOT / module], {}):
        (one,) = item.mutations
        line, column = one.start_pos
        if one.operator_name != "core/NoOp" and not any(begin <= (line, column) < end for begin, end in unseen):
            function = one.definition_name or ""
            found.append(
                Mutant(
                    module=module,
                    operator=one.operator_name,
                    occurrence=one.occurrence,
                    function=function,
                    line=line,
                    column=column,
                )
            )
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps([asdict(one) for one in found]), encoding="utf-8")
    return found


def _unseen_spans(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Annotations, and what dataclasses and checks are declared with: types, slots, words. No run can show them."""
    spans = []
    for node in ast.walk(ast.parse(source)):
        seen: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [
                *node.args.posonlyargs,
                *node.args.args,
                *node.args.kwonlyargs,
                node.args.vararg,
                node.args.kwarg,
            ]
            seen = [node.returns, *(one.annotation for one in arguments if one)]
        elif isinstance(node, ast.AnnAssign):
            seen = [node.annotation]
        elif isinstance(node, ast.ClassDef):
            seen = [
                *(one for one in node.decorator_list if isinstance(one, ast.Call)),
                *(one.value for one in node.keywords),
            ]
        spans += [_span(one) for one in seen if one]
    return spans


def _span(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    first, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    return (first, column), (getattr(node, "end_lineno", first), getattr(node, "end_col_offset", column))


def sample(mutants: Iterable[Mutant], size: int, seed: int) -> list[Mutant]:
    """`size` places, drawn by a seed, with one mutant of each: eleven mutants of one `+` are still one place."""
    places: dict[tuple[str, int, int], list[Mutant]] = {}
    for one in mutants:
        places.setdefault((one.module, one.line, one.column), []).append(one)
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret
    chosen = draw.sample(sorted(places), min(size, len(places)))
    return [draw.choice(places[place]) for place in chosen]
