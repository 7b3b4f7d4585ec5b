"""An image's alembic migrations: its heads and its history, read from the folder or as a target gives them."""

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
    from alembic.util.exc import CommandError  # noqa: PLC0415 - as above

    if not (folder / "env.py").is_file() or not (folder / "versions").is_dir():
        raise SourceRefused(str(folder), "is not an alembic folder: it must hold env.py and versions/")
    try:
        script = ScriptDirectory(str(folder))
        script.get_heads()
    except (CommandError, ImportError, SyntaxError) as error:
        raise SourceRefused(str(folder), f"can't be read as alembic migrations: {error}") from error
    return script


def read_folder(folder: Path) -> History:
    """The history in an alembic folder. Raises SourceRefused."""
    script = open_folder(folder)
    return History(frozenset(script.get_heads()), frozenset(known.revision for known in script.walk_revisions()))
