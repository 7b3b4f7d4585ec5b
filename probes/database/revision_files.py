"""What the files of an alembic folder say about their revisions, read without running them.

A migration is a program of the image's: imported, it would see our environment, with every address and secret in it,
and could connect to anything before a single check has run. It would also need the packages of the image.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from probes.database.alembic_settings import Settings, names
from probes.errors import SourceRefused

NAMES = ("revision", "down_revision", "depends_on", "branch_labels")
NO_REVISION = re.compile(r"\.#|__init__")  # files that alembic leaves out
OLD_NAME = re.compile(r"([a-f0-9]+)\.py")  # of a file that does not name its revision
Values = Mapping[str, Any]


def read_revisions(settings: Settings) -> list[Values]:
    """The values of `NAMES` in each migration's file, with what is absent left out; `revision` always is there.

    Raises:
        SourceRefused: A file that is not Python, or that computes such a value instead of writing it out; or none.
    """
    files = [file for file in settings.files() if not NO_REVISION.match(file.name)]
    if not files:
        raise SourceRefused(str(settings.folder), "holds no migrations")
    return [_read(where, file) for where, file in names(files, settings.folder)]


def _read(where: str, file: Path) -> Values:
    try:
        written = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise SourceRefused(where, f"{where}{line}: {what}") from error
    return _complete(where, file, _values(where, written))


def _values(where: str, written: ast.Module) -> Values:
    """What the module assigns as it is written, without what it computes."""
    found: dict[str, Any] = {}
    for name, value in _assigned(written):
        if isinstance(value, ast.Name) and value.id in found:
            found[name] = found[value.id]
            continue
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, RecursionError) as error:
            if name in NAMES:
                what = f"{name} is computed, and migrations are not run to learn their history: write its value there"
                raise SourceRefused(where, f"{where}, line {value.lineno}: {what}") from error
    return found


def _assigned(written: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Each name that the module itself assigns, with what is assigned to it."""
    for statement in written.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _pairs(target, statement.value)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, its)


def _complete(where: str, file: Path, found: Values) -> Values:
    values = {name: found[name] for name in NAMES if name in found}
    if "revision" not in values and (old := OLD_NAME.fullmatch(file.name)):
        values["revision"] = old[1]
    for name in ("revision", "down_revision"):
        if name not in values:
            raise SourceRefused(where, f"{where} has no {name}")
    if not isinstance(values["revision"], str):
        raise SourceRefused(where, f"{where}: revision is {values['revision']!r}, not text")
    return values
