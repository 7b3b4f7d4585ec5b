"""Starting the project's own commands in processes of their own, and looking at what they leave behind."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
OURS = ("our own", "too busy to measure")  # a busy machine says nothing about what is tested
LONG_S = 900.0  # a whole run takes a minute; on a machine that does much else several


def run(*words: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> tuple[int, str]:
    """Run `python -m words…` to its end; return its exit code and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=cwd,
        env={**clean_environment(), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    return done.returncode, done.stdout


def start(*words: str, env: dict[str, str] | None = None, stdin: int | None = None) -> subprocess.Popen[str]:
    """Start `python -m words…`, in a process group of its own; its standard input is ours unless one is named."""
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**clean_environment(), **(env or {})},
        text=True,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def clean_environment() -> dict[str, str]:
    """Our environment without what configures a target."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NETRA_", "GOOGLE_", "PYTEST_", "OTEL_"))
    }


def verdict_in(reports: Path) -> dict[str, Any]:
    """The last verdict of a report folder."""
    document: dict[str, Any] = json.loads((reports / "latest/verdict.json").read_text(encoding="utf-8"))
    return document


def assert_go(code: int, reports: Path, said: str) -> bool:
    """Assert that the last run is GO, or that it only could not be because this machine was too busy to measure.

    Returns whether it is GO.
    """
    document = verdict_in(reports)
    required = [row for row in document["checks"] if row["required"] and row["outcome"] != "PASSED"]
    red = {row["name"]: (row["outcome"], row["reason"]) for row in required}
    unfit = {row["name"] for row in required if was_too_busy(row)}
    assert red.keys() == unfit, {name: why for name, why in red.items() if name not in unfit}
    assert (code, document["verdict"]) == ((10, "INCONCLUSIVE") if unfit else (0, "GO")), said
    return not unfit


def was_too_busy(row: Mapping[str, Any]) -> bool:
    """Whether a case has no result only because this machine was too busy to measure."""
    return row["outcome"] == "BROKEN" and any(words in row["reason"] for words in OURS)


def descendants(pid: int) -> list[psutil.Process]:
    """Every process below this one."""
    return psutil.Process(pid).children(recursive=True)


@contextmanager
def own_temporary_folder() -> Iterator[tuple[dict[str, str], Path]]:
    """An environment with a folder for temporary files of its own, and the folder: what is left in it is ours.

    PostgreSQL drops to another user where we are root, so everybody may pass through.
    """
    with tempfile.TemporaryDirectory(prefix="netra-own-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield {"TMPDIR": name}, folder


@dataclass(frozen=True, slots=True)
class ReusedTwin:
    """A running twin that one module after another uses: the file with its addresses, and what stands in it."""

    file: Path
    addresses: dict[str, Any]

    def reset(self) -> None:
        """Take every fault back and empty the log, for the next who uses it."""
        for what in ("faults", "log"):
            httpx.delete(f"{self.addresses['twin']['control_url']}/{what}", timeout=LONG_S).raise_for_status()


@contextmanager
def twin_up(folder: Path, *words: str) -> Iterator[dict[str, Any]]:
    """A twin of one's own, by `up` and `down`; yields its addresses."""
    path = folder / "addresses.json"
    code, said = run("twin", "up", "--addresses", str(path), *words)
    assert code == 0, said
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    finally:
        assert run("twin", "down", "--addresses", str(path))[0] == 0
