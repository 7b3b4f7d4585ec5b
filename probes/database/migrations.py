"""An image's alembic migrations: its heads and its history, read from the folder or as a target gives them."""

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.errors import SourceRefused
from probes.problem import Problem

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory


@dataclass(frozen=True, slots=True)
class History:
    """The image's heads, and every revision that it knows (empty: not known)."""

    heads: frozenset[str]
    revisions: frozenset[str]

    def compare(self, found: frozenset[str]) -> Problem:
        """How a database at `found` differs from the image's heads.

        Without the history, a head that the image's heads lack can be old or new.
        """
        if found == self.heads:
            return ""
        unknown = sorted(found - self.revisions) if self.revisions else []
        if len(found) > len(self.heads):
            return f"branched: {sorted(found - self.heads)} in addition to the image's heads"
        if unknown:
            return f"ahead: the image does not know {unknown}"
        if self.revisions:
            return f"behind: at {sorted(found)}, the image's migrations were not applied"
        return f"behind or ahead of the image: at {sorted(found)} (set contract.database.revisions to find out which)"


def open_folder(folder: Path) -> "ScriptDirectory":
    """The migrations in an alembic folder. Raises SourceRefused, naming the folder and what is wrong with it."""
    # Slow to import, SQLAlchemy comes with it: most targets give their heads in the TOML.
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    if not (folder / "env.py").is_file() or not (folder / "versions").is_dir():
        raise SourceRefused(str(folder), "is not an alembic folder: it must hold env.py and versions/")
    try:
        script = ScriptDirectory(str(folder))
        for _ in script.walk_revisions():  # a gap or a cycle shows on the way
            pass
    except (Exception, SystemExit) as error:  # the image's modules are run, and raise whatever they like
        raise SourceRefused(
            str(folder), f"can't be read as alembic migrations: {_in_words(error, folder)}. Correct it"
        ) from error
    return script


def _in_words(error: BaseException, folder: Path) -> str:
    """What is wrong with the migrations: the error of one of their files, or a history that can't be followed."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    what = f"{type(error).__name__}: {error}"
    if inside:
        return f"{Path(inside[-1].filename).relative_to(folder)}, line {inside[-1].lineno}: {what}"
    if isinstance(error, KeyError):  # alembic's own map of the revisions
        return f"a down_revision names {error}, a revision that no file in versions/ has"
    return what if not str(error).strip() or isinstance(error, SystemExit) else str(error)


def read_folder(folder: Path) -> History:
    """The history in an alembic folder. Raises SourceRefused."""
    script = open_folder(folder)
    return History(frozenset(script.get_heads()), frozenset(known.revision for known in script.walk_revisions()))
