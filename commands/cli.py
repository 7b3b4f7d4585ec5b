"""The command line. A user's mistake is one paragraph and exit code 4; a source that refuses us is exit code 10."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

from commands import allure
from commands.console import hide, say
from gate.extras import what_is_missing
from gate.release.store import VARIABLE
from probes.errors import ProbeError
from probes.secret import Secret
from targets.credentials import secrets_of_addresses, secrets_of_environment
from targets.dsn import secrets_of_dsn
from targets.durations import parse_duration
from targets.loading import HERE, ConfigurationError, load_target
from targets.model import Target

USAGE, REFUSED = 4, 10
INSTALLED = "netra-verify"  # the wheel's command, where `target` is called `init`
NEEDED_FOR_ROWS = ("database.url",)


def duration(text: str) -> timedelta:
    """A duration such as `90s`, `10m`, `1h` or `2d`. Raises argparse.ArgumentTypeError with the accepted forms."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: Sequence[str], called: str = "python -m commands") -> int:
    """Run one command; return the process's exit code. `called`: as the user calls us."""
    hide(*secrets_of_environment(os.environ), *secrets_of_addresses(arguments))
    options = _parse(arguments, called)
    try:
        return int(asyncio.run(options.run(options)))
    except (ConfigurationError, allure.ReportError) as error:
        say(f"{error}", file=sys.stderr)
        return USAGE
    except ProbeError as error:
        say(f"{error.request}: {error.detail}", file=sys.stderr)
        return REFUSED
    except ImportError as error:
        missing = what_is_missing(error)
        if not missing:
            raise
        say(missing, file=sys.stderr)
        return USAGE


def _with_database(options: argparse.Namespace) -> Target:
    target = load_target(options.target, options.targets_dir, NEEDED_FOR_ROWS)
    hide(*target.secrets)
    return target


def _parse(arguments: Sequence[str], called: str) -> argparse.Namespace:
    parser = _Parser(prog=called, description=__doc__)
    commands = parser.add_subparsers(
        required=True, metavar="target | reap | repair-plan | preflight | report | errors | history | rollout | gate"
    )
    for add in (
        _add_rows,
        _add_preflight,
        _add_report,
        _add_errors,
        partial(_add_target, name="init" if called == INSTALLED else "target"),
        _add_history,
        _add_rollout,
        _add_gate,
    ):
        add(commands)
    return parser.parse_args(arguments)


def _add_rows(commands: "argparse._SubParsersAction[_Parser]") -> None:
    reap = commands.add_parser("reap", help="remove rows that killed runs left behind")
    reap.add_argument("--older-than", type=duration, default=timedelta(hours=1), help="90s, 10m, 1h; default 1h")
    reap.set_defaults(run=_reap)
    repair = commands.add_parser("repair-plan", help="count malformed rows, and write the SQL that repairs them")
    repair.add_argument("--out", type=Path, default=Path("reports/repair-plan.sql"), help="the file to review")
    repair.set_defaults(run=_repair)
    for command in (reap, repair):
        _add_target_options(command)


async def _reap(options: argparse.Namespace) -> int:
    from commands import rows  # noqa: PLC0415 - asyncpg, which only two commands need

    return await rows.reap(_with_database(options), options.older_than)


async def _repair(options: argparse.Namespace) -> int:
    from commands import rows  # noqa: PLC0415 - asyncpg, which only two commands need

    return await rows.repair(_with_database(options), options.out)


def _add_target_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--target", required=True, help="name of the target")
    command.add_argument("--targets-dir", type=Path, default=None, help="a folder with your own targets")


def _add_preflight(commands: "argparse._SubParsersAction[_Parser]") -> None:
    preflight = commands.add_parser("preflight", help="apply pending migrations to a scratch database, and judge them")
    preflight.add_argument("--alembic", type=Path, required=True, help="the folder with env.py and versions/")
    preflight.add_argument(
        "--since",
        default="base",
        help="the revision that the target's database is at, or several with commas between them; default: base",
    )
    preflight.add_argument("--database", default=os.environ.get("NETRA_SCRATCH_URL"), help="URL of a scratch database")
    preflight.add_argument("--ini", type=Path, default=None, help="alembic.ini; default: the one next to the folder")
    preflight.add_argument(
        "--url-variable",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable that env.py takes its database URL from",
    )
    preflight.add_argument(
        "--pass",
        dest="passed",
        action="append",
        default=[],
        metavar="NAME",
        help="a variable to pass on; it must not hold a URL",
    )
    preflight.set_defaults(run=_preflight)


def _add_report(commands: "argparse._SubParsersAction[_Parser]") -> None:
    report = commands.add_parser("report", help="build the last run's Allure HTML, as one file that works offline")
    report.add_argument("--reports", type=Path, default=Path("reports"), help="the report folder; default: reports")
    report.set_defaults(run=lambda options: allure.run(options.reports))


def _add_errors(commands: "argparse._SubParsersAction[_Parser]") -> None:
    counting = commands.add_parser("errors", help="the 5xx in an exported log of any size, by route and signature")
    counting.add_argument("export", help="file or fsspec URL: NDJSON, a JSON array or an envelope, plain or gzip")
    counting.add_argument("--service", default="", help="of this service only; default: of all")
    counting.add_argument("--revision", default="", help="of this revision only; default: of all")
    counting.set_defaults(run=_errors)


async def _errors(options: argparse.Namespace) -> int:
    from commands import errors  # noqa: PLC0415 - only this command reads exports

    return await errors.run(options.export, options.service, options.revision)


def _add_target(commands: "argparse._SubParsersAction[_Parser]", name: str) -> None:
    target = commands.add_parser(name, help="write a first TOML for a target by looking at its service")
    target.add_argument("--name", required=True, help="the name of the target and of its file")
    target.add_argument("--backend", required=True, metavar="URL", help="the base URL of its API")
    target.add_argument("--auth", default="", metavar="URL", help="of its auth service; default: the same")
    target.add_argument("--dir", type=Path, default=HERE, help="the folder that it is written to; default: targets")
    target.add_argument("--document", default="", metavar="PATH", help="of its OpenAPI document, if that is unusual")
    target.set_defaults(run=_target)


async def _target(options: argparse.Namespace) -> int:
    from commands.describing import command  # noqa: PLC0415 - asyncpg and httpx, which a gate does not need

    auth = options.auth or options.backend
    return await command.run(
        command.Wanted(
            name=options.name, folder=options.dir, backend=options.backend, auth=auth, document=options.document
        )
    )


async def _preflight(options: argparse.Namespace) -> int:
    from commands.preflight import command  # noqa: PLC0415 - alembic takes as long to import as a gate takes to judge

    hide(*secrets_of_dsn(Secret(options.database or "")))
    question = command.Question(
        folder=options.alembic,
        since=options.since,
        ini=options.ini,
        url_variables=options.url_variable,
        passed=options.passed,
    )
    return await command.run(question, options.database)


def _add_history(commands: "argparse._SubParsersAction[_Parser]") -> None:
    history = commands.add_parser("history", help="a page about the runs of a target; it decides nothing")
    _add_target_options(history)
    history.add_argument("--report-dir", type=Path, default=Path("reports"), help="the folder for the page")
    history.add_argument(
        "--evidence", default=os.environ.get(VARIABLE, ""), metavar="URL", help="the evidence store; as for the gate"
    )
    history.set_defaults(run=_history)


async def _history(options: argparse.Namespace) -> int:
    from commands import history  # noqa: PLC0415 - only this command draws pages

    return history.run(options.target, options.targets_dir, options.evidence, options.report_dir)


def _add_rollout(commands: "argparse._SubParsersAction[_Parser]") -> None:
    shifting = commands.add_parser(
        "rollout", help="shift traffic in steps: prints the commands, and runs them if that is allowed"
    )
    _add_target_options(shifting)
    shifting.add_argument("--tag", required=True, help="the tag of the revision that gets traffic")
    shifting.add_argument("--steps", default="1,10,50,100", help="per cent, with commas; default: 1,10,50,100")
    shifting.add_argument(
        "--report-dir", type=Path, default=Path("reports"), help="the folder for runs and the record of the rollout"
    )
    shifting.add_argument("words", nargs="*", help="after --: more arguments for every run of the suite")
    shifting.set_defaults(run=_rollout)


async def _rollout(options: argparse.Namespace) -> int:
    from commands import rollout  # noqa: PLC0415 - google-auth takes as long to import as a gate takes to judge

    steps = rollout.steps_of(options.steps)
    words = (*([f"--targets-dir={options.targets_dir}"] if options.targets_dir else []), *options.words)
    target = load_target(options.target, options.targets_dir)
    return await rollout.rollout(
        rollout.Question(target=target, tag=options.tag, steps=steps, report_dir=options.report_dir, words=words)
    )


def _add_gate(commands: "argparse._SubParsersAction[_Parser]") -> None:
    asking = commands.add_parser("gate", help="judge a revision by all its evidence: smoke, soak and day together")
    asking.add_argument("--target", default="", help="name of the target")
    asking.add_argument("--targets-dir", type=Path, default=None, help="a folder with your own targets")
    asking.add_argument("--revision", default="", help="the revision to judge; default: the newest one in the store")
    asking.add_argument("--report-dir", type=Path, default=Path("reports"), help="the folder for the gate's report")
    asking.add_argument(
        "--evidence",
        default=os.environ.get(VARIABLE, ""),
        metavar="URL",
        help=f"the evidence store: a folder or a URL; default: ${VARIABLE}, else the report folder",
    )
    asking.add_argument(
        "--discard", nargs="+", default=[], metavar="RUN", help="record that runs (or soaks) do not count"
    )
    asking.add_argument("--because", default="", metavar="REASON", help="why")
    asking.add_argument("--owner", default="", help="who discards them; default: the CI's or the system's user")
    asking.add_argument("--rejudge", type=Path, default=None, metavar="RUN_FOLDER", help="judge one stored run again")
    asking.add_argument("--exit-code-only", action="store_true", help="print nothing, write only verdict.json")
    asking.add_argument("--explain", default="", metavar="CHECK", help="print everything that is known about one check")
    asking.set_defaults(run=_gate)


async def _gate(options: argparse.Namespace) -> int:
    from commands import gate  # noqa: PLC0415 - it takes as long to import as a history to draw

    if options.rejudge:
        return gate.judge_again(options.rejudge, options.explain)
    if not options.target:
        raise ConfigurationError("--target is missing: give the name of the target to judge.")
    question = gate.Question(
        target=options.target,
        targets_dir=options.targets_dir,
        report_dir=options.report_dir,
        evidence=options.evidence,
        revision=options.revision,
        silent=options.exit_code_only,
    )
    if (options.because or options.owner) and not options.discard:
        raise ConfigurationError(
            "--because and --owner (BECAUSE=, OWNER=) belong to a discard: name the run that does not count with "
            "--discard (DISCARD=), or leave them out."
        )
    if options.discard:
        return gate.discard(question, options.discard, options.because, options.owner or gate.who())
    return gate.explain_check(question, options.explain) if options.explain else gate.gate(question)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Like any other output: argparse repeats what it does not know, and that may be a secret."""
        self.print_usage(sys.stderr)
        say(f"{self.prog}: {message}", file=sys.stderr)
        self.exit(USAGE)
