"""The run's options, and what has to be known of a command line before pytest has read it."""

import argparse
import os
import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

from gate.check import Phase
from gate.release.store import VARIABLE

REPORTS = "reports"
LOOK_ONLY = frozenset(
    {
        "--collect-only",
        "--co",
        "--help",
        "-h",
        "--version",
        "-V",
        "--fixtures",
        "--funcargs",
        "--fixtures-per-test",
        "--markers",
        "--setup-plan",
    }
)
WORKERS = re.compile(r"-n(\d+|auto|logical)?|--(numprocesses|maxprocesses|dist|tx)(=.*)?")


def add_options(parser: pytest.Parser) -> None:
    """Declare the options. `--lf` is pytest's own, declared by its cache even where that is not used."""
    group = parser.getgroup("netra-verify")
    group.addoption("--phase", choices=get_args(Phase), default="smoke", help="which phase to run")
    group.addoption("--quick", action="store_true", help="smaller samples: sooner, and proving less")
    group.addoption("--report-dir", default=None, help=f"where runs are written; default: {REPORTS}")
    group.addoption("--log-export", default=None, help="judge logs.* by an exported log file instead of the log API")
    group.addoption(
        "--evidence",
        default=os.environ.get(VARIABLE, ""),
        metavar="URL",
        help=f"a store into which the verdict is put as well: a folder, gs://bucket/path, ...; default: ${VARIABLE}",
    )
    group.addoption("--verdict-only", action="store_true", help="write verdict.json alone: no reports, no pictures")
    group.addoption("--exit-code-only", action="store_true", help="say nothing, write verdict.json alone")
    group.addoption("--known-failures", type=Path, default=None, help="TOML file of known failures")
    group.addoption(
        "--check",
        action="append",
        default=[],
        metavar="ID",
        help="run these checks alone, such as 'threads.*' or 'threads.metadata[json-null]': no verdict of the release",
    )


def arguments_of(config: pytest.Config) -> list[str]:
    """The command line with what PYTEST_ADDOPTS adds to it."""
    added = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    return [*added, *(str(argument) for argument in config.invocation_params.args)]


def only_looks(arguments: list[str]) -> bool:
    """Whether nothing is run: pytest is asked for help, or for a list."""
    return any(argument in LOOK_ONLY for argument in arguments)


def report_dir(arguments: list[str], root: Path) -> Path:
    """Where the last verdict lies, whatever else is wrong with the command line."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--report-dir", type=Path, default=None)
    known, _ = parser.parse_known_args(arguments)
    folder: Path | None = known.report_dir
    return folder or default_reports(root)


def default_reports(root: Path) -> Path:
    """The report folder where none is named: below where the user stands, or the project's from anywhere inside it."""
    return root / REPORTS if root in Path.cwd().parents else Path(REPORTS)


def refuse_workers(arguments: list[str]) -> None:
    """Refuse to share cases out. Raises pytest.UsageError."""
    named = next((argument for argument in arguments if WORKERS.fullmatch(argument)), "")
    if named:
        raise pytest.UsageError(
            f"{named}: a run is not shared out over processes. Its cases measure one service, share the users and "
            "sessions that they made, and one process judges them. For less of it: --check='threads.*', -k, --lf."
        )
