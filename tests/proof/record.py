"""The figures of the long proofs: a run leaves a record among its reports, `make proof` puts it on the pages."""

import json
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.standing import ROOT

LEFT, KEPT = ROOT / "reports/proof", ROOT / "docs/proof"
Figures = dict[str, int | float | str]


def _commit() -> str:
    """This commit, marked where code was changed since."""
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return f"{commit or 'no commit'}{' with changes' if changed else ''}"


def _git(*words: str) -> str:
    command = ["git", *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.stdout.strip() if ended.returncode == 0 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one round of a proof came to."""

    proof: str  # the part before a dot is the kind: `mutants.gate`
    command: str
    short: str  # the one figure that counts, in a few words
    figures: Figures
    said: list[str] = field(default_factory=list)  # lines of Markdown below the figures
    rows: list[list[str]] = field(default_factory=list)  # a table; its first row is the head
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    commit: str = field(default_factory=_commit)
    machine: str = field(default_factory=lambda: f"Python {platform.python_version()}, {platform.machine()}")


def command_text(target: str, only: Sequence[str] = (), /, **variables: str | int) -> str:
    """The line that runs a proof again, such as `make struck ONLY='health.*' SHARD=1/4`; what is empty is left out."""
    given: dict[str, str | int] = {"ONLY": f"'{' '.join(only)}'" if only else "", **variables}
    return " ".join([f"make {target}", *(f"{name}={value}" for name, value in given.items() if value != "")])


def leave(record: Record, folder: Path = LEFT) -> None:
    """Write a record in the place of the older one of its proof."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.proof}.json"
    path.write_text(json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def take_over(left: Path = LEFT, kept: Path = KEPT) -> list[str]:
    """Copy the records that runs left to where the pages are made from; returns their names."""
    kept.mkdir(parents=True, exist_ok=True)
    found = sorted(left.glob("*.json"))
    for path in found:
        shutil.copyfile(path, kept / path.name)
    return [path.stem for path in found]


def read(folder: Path = KEPT) -> list[Record]:
    """Every record that is kept, by proof."""
    return [Record(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
