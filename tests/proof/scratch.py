"""A copy of the project's code in which something may be spoiled: the tree that people work on is never touched."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.standing import ROOT, own_folder

NOT_CODE = (
    ".git",
    ".venv",
    ".venv-suite",
    ".twin",
    "reports",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
)


@contextmanager
def scratch_tree() -> Iterator[Path]:
    """The project without its history, environments and reports, in a folder that is removed again."""
    folder = own_folder("netra-scratch-")
    try:
        tree = folder / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*NOT_CODE))
        yield tree
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def spoiled(path: Path, text: str) -> Iterator[None]:
    """A file of a scratch tree says `text` for a while."""
    before = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # a file's time has seconds alone
