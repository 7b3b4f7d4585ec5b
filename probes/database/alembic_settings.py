"""Where an alembic folder keeps its migrations, as the alembic.ini or the pyproject.toml beside it says.

`version_locations` and `recursive_version_locations` put migrations into other folders than versions/: one that is not
found would be neither judged nor expected of a database.
"""

import configparser
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from probes.errors import SourceRefused

SECTION = b"[tool.alembic"


@dataclass(frozen=True, slots=True)
class Settings:
    """The files that alembic would read for this folder; None where there is none."""

    folder: Path
    ini: Path | None
    toml: Path | None

    def files(self) -> list[Path]:
        """Every file that alembic takes for a migration, in order.

        Raises:
            SourceRefused: The settings can't be read, or name a folder that is not there.
        """
        places, deep = self._read()
        for place in places:
            if not place.is_dir():
                raise SourceRefused(str(self.folder), f"its migrations should be in {place}, which is not a folder")
        found = {file for place in places for file in (place.rglob("*.py") if deep else place.glob("*.py"))}
        return sorted(found)

    def _read(self) -> tuple[list[Path], bool]:
        """The folders with migrations, and whether those below them belong to it."""
        # Slow to import, SQLAlchemy comes with it: most targets give their heads in the TOML.
        from alembic.config import Config  # noqa: PLC0415 - as above
        from alembic.util.exc import CommandError  # noqa: PLC0415 - as above

        config = Config(self.ini, self.toml)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # alembic's advice about the image's settings
                locations = config.get_version_locations_list() or []
            deep = config.get_alembic_boolean_option("recursive_version_locations")
        except (configparser.Error, tomllib.TOMLDecodeError, UnicodeDecodeError, CommandError, KeyError) as error:
            file = self.ini or self.toml
            raise SourceRefused(str(file), f"{file}: {' '.join(str(error).split())}") from error
        start = (self.ini or self.toml or self.folder).parent  # alembic reads them from where it is run
        return [start / location for location in locations] or [self.folder / "versions"], deep


def find_settings(folder: Path, ini: Path | None = None) -> Settings:
    """What goes with a folder: the alembic.ini given, or the one next to it, and the pyproject.toml beside that."""
    beside = folder.resolve().parent / "alembic.ini"
    ini = ini or (beside if beside.is_file() else None)
    toml = (ini or beside).parent / "pyproject.toml"
    return Settings(folder, ini, toml if toml.is_file() and SECTION in toml.read_bytes() else None)


def names(files: list[Path], folder: Path) -> Iterator[tuple[str, Path]]:
    """Each file with its name as seen from the folder, if it is in it."""
    for file in files:
        inside = file.is_relative_to(folder)
        yield (file.relative_to(folder).as_posix() if inside else str(file)), file
