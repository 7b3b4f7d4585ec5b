"""An image's alembic migrations: its heads and its history, read from the folder or as a target gives them."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.database.alembic_settings import find_settings
from probes.database.revision_files import read_revisions
from probes.errors import SourceRefused
from probes.problem import Problem

if TYPE_CHECKING:
    from alembic.script.revision import RevisionMap

UNREADABLE = "can't be read as alembic migrations"


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


class Revisions:
    """The revisions of an alembic folder, as alembic itself connects them."""

    def __init__(self, known: "RevisionMap") -> None:
        self._known = known

    @property
    def heads(self) -> list[str]:
        """The ids of the heads, in order."""
        return sorted(self._known.heads)

    def up_to(self, revision: str = "heads") -> list[str]:
        """The ids of a revision and of everything that comes before it, oldest first."""
        walked = self._known.iterate_revisions(revision, "base", inclusive=True, assert_relative_length=False)
        return [step.revision for step in walked][::-1]


def open_folder(folder: Path, ini: Path | None = None) -> Revisions:
    """The migrations in an alembic folder, of which nothing is run; `ini` if it is not the one next to it.

    Raises:
        SourceRefused: It is not an alembic folder, or its history can't be followed; the sentence names the file.
    """
    # Slow to import, SQLAlchemy comes with it: most targets give their heads in the TOML.
    from alembic.script.revision import Revision, RevisionMap  # noqa: PLC0415 - as above

    if not (folder / "env.py").is_file():
        raise SourceRefused(str(folder), "is not an alembic folder: it must hold env.py")
    try:
        read = [
            Revision(values["revision"], values["down_revision"], values.get("depends_on"), values.get("branch_labels"))
            for values in read_revisions(find_settings(folder, ini))
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a revision that is missing, or there twice
            found = Revisions(RevisionMap(lambda: read))
            found.up_to()  # a gap or a cycle shows on the way
    except SourceRefused as error:
        raise SourceRefused(str(folder), f"{UNREADABLE}: {error.detail}. Correct it") from error
    except Exception as error:  # alembic's own, and whatever it stumbles over in values of other types
        raise SourceRefused(str(folder), f"{UNREADABLE}: {_in_words(error)}. Correct it") from error
    return found


def _in_words(error: Exception) -> str:
    if isinstance(error, KeyError):  # alembic's own map of the revisions
        return f"a down_revision names {error}, a revision that no file in versions/ has"
    return str(error) if str(error).strip() else type(error).__name__


def read_folder(folder: Path) -> History:
    """The history in an alembic folder. Raises SourceRefused."""
    found = open_folder(folder)
    return History(frozenset(found.heads), frozenset(found.up_to()))
