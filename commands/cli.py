"""The command line. A user's mistake is one paragraph and exit code 4; a source that refuses us is exit code 10."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from commands import allure, preflight, rows
from commands.console import say
from probes.errors import ProbeError
from targets.loading import ConfigurationError, load_target

USAGE, REFUSED = 4, 10
DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>s|m|h|d)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """A duration such as `90s`, `10m`, `1h` or `2d`. Raises argparse.ArgumentTypeError with what is understood."""
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 10m, 1h or 2d")
    return timedelta(**{UNITS[match["unit"]]: float(match["number"])})


def main(arguments: Sequence[str]) -> int:
    """Run one command; return the process's exit code."""
    options = _parse(arguments)
    try:
        return int(asyncio.run(options.run(options)))
    except (ConfigurationError, allure.ReportError) as error:
        say(f"{error}", file=sys.stderr)
        return USAGE
    except ProbeError as error:
        say(f"{error.request}: {error.detail}", file=sys.stderr)
        return REFUSED


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="python -m commands", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="reap | repair-plan | preflight | report")
    reap = commands.add_parser("reap", help="remove rows that killed runs left behind")
    reap.add_argument("--older-than", type=duration, default=timedelta(hours=1), help="90s, 10m, 1h; default 1h")
    reap.set_defaults(
        run=lambda options: rows.reap(load_target(options.target, options.targets_dir), options.older_than)
    )
    repair = commands.add_parser("repair-plan", help="count rows of bad shape, and write the SQL that mends them")
    repair.add_argument("--out", type=Path, default=Path("reports/repair-plan.sql"), help="the file to review")
    repair.set_defaults(run=lambda options: rows.repair(load_target(options.target, options.targets_dir), options.out))
    for command in (reap, repair):
        command.add_argument("--target", required=True, help="name of the target")
        command.add_argument("--targets-dir", type=Path, default=None, help="a folder with targets of your own")
    looking = commands.add_parser("preflight", help="apply pending migrations to a scratch database, and judge them")
    looking.add_argument("--alembic", type=Path, required=True, help="the folder with env.py and versions/")
    looking.add_argument("--since", default="base", help="the revision that the target's database is at; default: base")
    looking.add_argument("--database", default=os.environ.get("NETRA_SCRATCH_URL"), help="URL of a scratch database")
    looking.set_defaults(run=lambda options: preflight.run(options.alembic, options.since, options.database))
    showing = commands.add_parser("report", help="build the last run's Allure HTML, as one file that works offline")
    showing.add_argument("--reports", type=Path, default=Path("reports"), help="the report folder; default: reports")
    showing.set_defaults(run=lambda options: allure.run(options.reports))
    return parser.parse_args(arguments)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")
