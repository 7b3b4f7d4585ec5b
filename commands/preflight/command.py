"""`preflight`: apply an image's pending migrations to a scratch database with rows in it, and judge what they do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pglast import ast

from commands.console import say
from commands.preflight.advice import ask_squawk
from commands.preflight.effects import judge
from commands.preflight.grammar import is_bookkeeping, is_quiet, kinds
from commands.preflight.outside import UNTOUCHED
from commands.preflight.planting import Planted, plant
from commands.preflight.process import Outcome, Wanted, run_migrations
from commands.preflight.relay import Observed, Relay
from commands.preflight.scratch import read_scratch, watched
from commands.preflight.wire import ServerError
from probes.database.alembic_settings import find_settings
from probes.database.connection import Connection, describe_url
from probes.database.migrations import Revisions, open_folder
from probes.errors import SourceRefused
from probes.foreign.excerpt import excerpt
from probes.secret import Secret
from targets.loading import ConfigurationError

CLEAN, RISKY = 0, 1
NO_CONNECTION = frozenset({"ArgumentError", "NoSuchModuleError"})  # SQLAlchemy's errors for an invalid URL
LONGEST_SHOWN = 300
NO_RIGHT, UNDEFINED_OBJECT = "42501", "42704"  # SQLSTATE
OF_VALUES = ("22", "23")  # classes of SQLSTATE: data exceptions, and constraints that a value violates
TABLES = (
    "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') "
    "AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"
)

SEVERAL_HEADS = (
    "Warning: the migrations have several heads, so `alembic upgrade head` refuses to run. Join them by `alembic merge "
    "heads`, or deploy by `alembic upgrade heads`."
)
LACKING = (
    "The scratch server lacks it, or our user may not do that there, which says nothing about the migration: give an "
    "empty database on a server that has it, with a user who may, with --database"
)
NOT_TRIED = (
    "It would hold in every database of that server, so it was not run: move it out of the migrations, to where the "
    "server is set up, or limit it (ALTER ROLE ... IN DATABASE)"
)
NOT_CONFINED = (
    "This system has no Landlock (Linux 6.7 and later), so the kernel blocked nothing. What was enforced: the scratch "
    "server's address was the only one in env.py's environment, and connections opened from Python, psycopg, psycopg2 "
    "and SQLAlchemy were compared with it. What was not: a driver that opens its sockets in its own C code, with an "
    "address written into env.py."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The alembic folder, the revision that the target's database is at, and what its env.py needs."""

    folder: Path
    since: str = "base"
    ini: Path | None = None
    url_variables: Sequence[str] = ()
    passed: Sequence[str] = ()

    @property
    def at(self) -> list[str]:
        """The revisions in `since`: a database with several heads has several, with commas between them."""
        return [] if self.since == "base" else [part.strip() for part in self.since.split(",")]


@dataclass(slots=True)
class _Watch:
    """Between revisions: rows are planted before the first pending one, and from then on everything is watched."""

    connection: Connection
    relay: Relay
    pending: Sequence[str]
    planted: Planted | None = field(default=None)

    async def begin(self, revision: str) -> None:
        self.relay.revision = ""
        if revision in self.pending:
            self.planted = self.planted or await plant(self.connection)
            self.relay.revision = revision


async def run(question: Question, url: str | None) -> int:
    """Bring the scratch database to `since`, put rows into it, apply the pending revisions, and report.

    Returns 0 when no statement is risky, 1 when one is or a migration fails.

    Raises:
        ConfigurationError: The folder, the scratch database or the env.py can't be used; nothing was judged.
        SourceRefused: The scratch server lacks what the migrations need.
    """
    if not url:
        raise ConfigurationError(
            "There is no scratch database: give --database. In a checkout, `make preflight` starts one."
        )
    scratch = read_scratch(url)
    script = _open(question)
    done = _done(script, question)  # first, because tables that they make are in use before anything pending
    pending = [step for step in script.up_to() if step not in done]
    wanted = _wanted(question, [*done, *pending])
    async with watched(url, scratch) as (connection, relay, port):
        await _refuse_tables(connection, url)
        watch = _Watch(connection, relay, pending)
        outcome = await run_migrations(replace(wanted, certificate=relay.certificate), scratch, port, watch.begin)
    _refuse(outcome, relay, question)
    if outcome.current and outcome.current not in pending:
        raise ConfigurationError(
            f"{question.folder}: {_failure(outcome, relay)} It comes before the pending revisions, which were not "
            "judged: they need what it makes. Give an empty database on a server where it runs, with --database."
        )
    return await _report(script, pending, outcome, relay, watch.planted)


def _open(question: Question) -> Revisions:
    try:
        script = open_folder(question.folder, _ini(question))
    except SourceRefused as error:
        raise ConfigurationError(f"{error.request} {error.detail} (--alembic).") from error
    for revision in question.at:
        if revision not in script.up_to():
            raise ConfigurationError(
                f"{question.folder} knows no revision {revision!r}: known heads are {', '.join(script.heads)}."
            )
    return script


def _wanted(question: Question, steps: Sequence[str]) -> Wanted:
    settings = find_settings(question.folder, _ini(question))
    return Wanted(
        folder=question.folder.resolve(),
        ini=settings.ini,
        toml=settings.toml,
        revisions=steps,
        url_variables=tuple(question.url_variables),
        passed=tuple(question.passed),
    )


async def _refuse_tables(connection: Connection, url: str) -> None:
    if await connection.fetchval(TABLES):
        raise ConfigurationError(
            f"{describe_url(Secret(url))} has tables, so it is not a scratch database: preflight migrates the "
            "database that it is given and puts rows into it. Give another with --database, or use `make preflight`."
        )


def _done(script: Revisions, question: Question) -> list[str]:
    """What the target's database has, oldest first."""
    return list(dict.fromkeys(step for revision in question.at for step in script.up_to(revision)))


def _ini(question: Question) -> Path | None:
    """The alembic.ini that was given."""
    if question.ini and not question.ini.is_file():
        raise ConfigurationError(f"There is no {question.ini} (--ini).")
    return question.ini.resolve() if question.ini else None


def _refuse(outcome: Outcome, relay: Relay, question: Question) -> None:
    """Raise for anything that is not a migration's fault: another address, or an env.py that can't be run here."""
    asked, failure = _asked(outcome), outcome.failure
    if outcome.refused or relay.strangers:
        what = outcome.refused or "reached a server that is not the scratch server"
        raise ConfigurationError(
            f"Refused before its first statement: {question.folder} {what}, and preflight touches only the scratch "
            "server. Nothing was done there. Let env.py take its address from sqlalchemy.url or from $DATABASE_URL."
            + asked
        )
    if failure and failure["package"]:
        raise ConfigurationError(
            f"{question.folder}: {_place(outcome)} imports the package {failure['package']!r}, which is not installed "
            "here: install it next to this suite, and run preflight again."
        )
    if failure and _is_env_py_s(failure):
        raise ConfigurationError(
            f"{question.folder}: its env.py can't be run here: {_flat(failure['failed'])} ({_place(outcome)}). "
            f"Nothing was judged.{asked}"
        )
    if outcome.idle:
        raise ConfigurationError(
            f"{question.folder}: its env.py ended without running {outcome.idle} on a database: it did not call "
            f"context.run_migrations(), or only wrote SQL. Nothing was judged.{asked}"
        )
    if failure is None and outcome.code and not outcome.done:
        raise ConfigurationError(
            f"{question.folder}: its env.py ended the process with code {outcome.code}: {_flat(outcome.tail)}.{asked}"
        )


def _is_env_py_s(failure: Mapping[str, Any]) -> bool:
    """Whether a failure is env.py's own, and not what a migration did: its commit may fail in env.py, too."""
    if failure["in_migration"]:
        return False
    return not failure["began"] or not failure["of_sqlalchemy"] or failure["kind"] in NO_CONNECTION


def _asked(outcome: Outcome) -> str:
    """The variables that the image's code asked for and did not get, and how to pass them on."""
    if not outcome.missing:
        return ""
    return (
        f" It asked for {', '.join(dict.fromkeys(outcome.missing))}: preflight passes on no variable that could be an "
        "address. --url-variable NAME sets a variable to the scratch database's address, and --pass NAME passes on "
        "one that is not an address (make preflight URL_VARIABLE=NAME PASS=NAME)."
    )


def _place(outcome: Outcome) -> str:
    return str(outcome.failure["place"] or "env.py") if outcome.failure else outcome.current


async def _report(
    script: Revisions, pending: Sequence[str], outcome: Outcome, relay: Relay, planted: Planted | None
) -> int:
    seen = [step for step in relay.observed if not is_bookkeeping(step.statement, outcome.tables)]
    risks = [risk for one in seen if planted for risk in judge(one, planted.baseline)]
    applied = [revision for revision in outcome.done if revision in pending]
    say(f"{len(applied)} pending migrations applied: {', '.join(applied) or 'none'}. Heads: {script.heads}.")
    if len(script.heads) > 1:
        say(SEVERAL_HEADS)
    if not outcome.confined:
        say(NOT_CONFINED)
    for table, reason in planted.empty.items() if planted else ():
        say(f"{table} has no rows here, so statements on it were judged on an empty table: {_flat(reason)}")
    for risk in risks:
        say(f"{risk.revision}: {risk.why}\n    {_flat(risk.statement)}")
    for line in await ask_squawk([one.statement for one in seen if not is_quiet(one.statement)] if planted else []):
        say(f"Squawk says: {_flat(line)}")
    if outcome.current:
        if not _refuse_for_the_server(outcome, seen, judged=bool(risks)):
            say(f"A migration fails. {_failure(outcome, relay)}{_odd_values(outcome, relay, planted)}")
        return RISKY
    say(f"{len(risks)} findings need a second look." if risks else "No statement drops, rewrites or locks.")
    return RISKY if risks else CLEAN


def _refuse_for_the_server(outcome: Outcome, seen: Sequence[Observed], *, judged: bool) -> bool:
    """Raise SourceRefused if the last statement failed for what the target's server may have.

    If something was `judged`, it is printed instead; returns whether it was.
    """
    failed = next((step for step in reversed(seen) if step.error), None)
    if not failed or not failed.error or not _is_the_server_s(failed.statement, failed.error):
        return False
    refusal = SourceRefused(
        f"{outcome.current} on the scratch server",
        f"{_flat(failed.statement)}: {failed.error}. {NOT_TRIED if UNTOUCHED in failed.error.text else LACKING}",
    )
    if not judged:
        raise refusal
    say(f"The rest was not judged. {refusal.request}: {refusal.detail}.")
    return True


def _is_the_server_s(statement: str, error: ServerError) -> bool:
    """Whether a statement failed for what the target's server may have: an extension, a role, a right."""
    lacks_role = error.state == UNDEFINED_OBJECT and error.text.startswith('role "')
    return ast.CreateExtensionStmt in kinds(statement) or error.state == NO_RIGHT or lacks_role


def _failure(outcome: Outcome, relay: Relay) -> str:
    """Which revision fails and, if known, by which statement."""
    failed = next((one for one in reversed(relay.observed) if one.error and one.revision == outcome.current), None)
    if failed:
        return f"{outcome.current} fails on tables that have rows: {failed.error}\n    {_flat(failed.statement)}"
    if outcome.failure:
        kind, words = outcome.failure["kind"], _flat(outcome.failure["failed"])
        ends = (
            " It ends the process that runs it, so a deploy that calls alembic stops there."
            if kind == "SystemExit"
            else ""
        )
        return f"{outcome.current} fails: {words} ({_place(outcome)}).{ends}"
    return f"{outcome.current} ended the process with code {outcome.code}. {_flat(outcome.tail)}"


def _odd_values(outcome: Outcome, relay: Relay, planted: Planted | None) -> str:
    """Which columns hold odd values here, if a value may be what a migration failed on."""
    failed = next((step.error for step in reversed(relay.observed) if step.error), None)
    by_a_value = failed.state.startswith(OF_VALUES) if failed else bool(outcome.failure)
    if not planted or not planted.odd or not by_a_value:
        return ""
    return (
        "\n    Here rows hold SQL NULL, JSON null, numbers, texts and arrays besides objects in "
        f"{', '.join(planted.odd)}, as far as constraints let them in: count the kinds in the target "
        "(json_typeof), and handle them or exclude them by a CHECK."
    )


def _flat(text: object) -> str:
    """One printable line: the text is untrusted."""
    words = excerpt(" ".join(str(text).split()), LONGEST_SHOWN)
    return "".join(character if character.isprintable() else "?" for character in words)
