"""The run's options, and what must be known about a command line before pytest reads it."""

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
IN_A_WHEEL = Path(__file__).parents[3].name == "netra_verify"
CALLED = "netra-verify run" if IN_A_WHEEL else "python -m gate.session"  # pytest would say `pytest.main()`
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
    """Declare the options. `--lf` is pytest's own, declared by its cache plugin even if that is not used."""
    parser.prog = CALLED
    group = parser.getgroup("netra-verify")
    group.addoption("--phase", choices=get_args(Phase), default="smoke", help="which phase to run")
    group.addoption("--quick", action="store_true", help="smaller samples: faster, but proves less")
    group.addoption("--report-dir", default=None, help=f"the folder for reports; default: {REPORTS}")
    group.addoption("--log-export", default=None, help="judge logs.* from an exported log file instead of the log API")
    group.addoption(
        "--evidence",
        default=os.environ.get(VARIABLE, ""),
        metavar="URL",
        help=f"an evidence store for the verdict, such as a folder or gs://bucket/path; default: ${VARIABLE}",
    )
    group.addoption("--verdict-only", action="store_true", help="write only verdict.json: no reports, no plots")
    group.addoption("--exit-code-only", action="store_true", help="print nothing, write only verdict.json")
    group.addoption("--known-failures", type=Path, default=None, help="TOML file of known failures")
    group.addoption(
        "--check",
        action="append",
        default=[],
        metavar="ID",
        help="run only these checks, such as 'threads.*' or 'threads.metadata[json-null]': no verdict on the release",
    )


def arguments_of(config: pytest.Config) -> list[str]:
    """The command line including PYTEST_ADDOPTS."""
    added = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    return [*added, *(str(argument) for argument in config.invocation_params.args)]


def only_looks(arguments: list[str]) -> bool:
    """Whether nothing will run, because pytest is asked for help or for a list."""
    return any(argument in LOOK_ONLY for argument in arguments)


def report_dir(arguments: list[str], root: Path) -> Path:
    """The folder of the last verdict, whatever else is wrong with the command line."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--report-dir", type=Path, nargs="?", default=None)  # without a value: pytest reports it
    known, _ = parser.parse_known_args(arguments)
    folder: Path | None = known.report_dir
    return folder or default_reports(root)


def default_reports(root: Path) -> Path:
    """The default report folder: in the current folder, or the project's from anywhere inside it."""
    return root / REPORTS if root in Path.cwd().parents else Path(REPORTS)


def refuse_workers(arguments: list[str]) -> None:
    """Refuse to distribute cases over processes. Raises pytest.UsageError."""
    named = next((argument for argument in arguments if WORKERS.fullmatch(argument)), "")
    if named:
        raise pytest.UsageError(
            f"{named}: a run can't be distributed over processes: its cases measure one "
            "service and share users and sessions. To run less, use --check='threads.*', -k or --lf."
        )
