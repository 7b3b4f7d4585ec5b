"""Rows of a target's database: what killed runs left behind, and the plan that repairs malformed metadata."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from commands.console import say, write_file
from gate.redaction import Redactor
from probes.database.connection import Connection, TableShape, connect, describe_url, find_table
from probes.database.layout import Layout
from probes.database.made_for_us import made_for_us
from probes.database.messages import MessageLayout, find_messages
from probes.database.repair import plan_repair
from probes.database.residue import remove_traces, take_turn
from probes.database.seeding import Row, Seeder
from probes.errors import SourceRefused
from probes.google.access_tokens import find_sql_login
from probes.timing.deadlines import Deadlines
from targets.loading import ConfigurationError
from targets.model import Target

MOST_SHOWN = 20


@asynccontextmanager
async def _table(target: Target) -> AsyncIterator[tuple[Connection, TableShape]]:
    url = target.database.url
    if not url:
        raise ConfigurationError(f"Target {target.name!r} has no database: set NETRA_DATABASE__URL.")
    place, learn = target.database, Redactor(target.secrets).learn
    password = find_sql_login(target.network.ca_file, learn) if place.login == "google" else None
    async with connect(url, "commands", Deadlines(), pgbouncer=place.pgbouncer, password=password) as connection:
        layout = Layout(**target.contract.database.layout.model_dump())
        table = await find_table(connection, target.contract.database.table, layout)
        if table is None:
            raise SourceRefused(describe_url(url), f"there is no table {target.contract.database.table!r}")
        yield connection, table


async def reap(target: Target, older_than: timedelta) -> int:
    """List and delete seeded rows that are older; print the counts."""
    if not target.may_write:
        raise ConfigurationError(
            f"Target {target.name!r} may not be written to ({target.offers()[1]['write']}), so nothing is deleted."
        )
    async with _table(target) as (connection, table):
        seeder = Seeder(connection, table, "reap")
        ids = await seeder.leftovers(older_than)
        await _reap_messages(target, connection, ids)
        for one in ids[:MOST_SHOWN]:
            say(f"  {one}")
        if len(ids) > MOST_SHOWN:
            say(f"  and {len(ids) - MOST_SHOWN} more")
        removed = await seeder.reap(older_than)
        left = await connection.fetchval(
            f"SELECT count(*) FROM {table.name} WHERE starts_with({table.sql.id}, 'nv-')"  # noqa: S608 - the catalogue's names
        )
        say(
            f"{removed} seeded rows older than {older_than} removed from {table.name}; "
            f"{left} whose ids begin alike are left."
        )
        await _reap_made(target, seeder, table, older_than)
        if target.residue.tables:
            await _reap_named(target, connection)
    return 0


async def _reap_made(target: Target, seeder: Seeder, table: TableShape, older_than: timedelta) -> None:
    """Delete rows that the service created for our users and a killed run left: their ids don't have our prefix."""
    if target.database.pgbouncer or not await take_turn(seeder.connection):
        say("Rows that the service created for our users are kept: a run may be using them.")
        return
    ids = await made_for_us(seeder.connection, table, older_than)
    await _reap_messages(target, seeder.connection, ids)
    removed = await seeder.remove([Row(one, "", "", {}) for one in ids])
    say(f"{removed} rows that the service created for our users removed from {table.name}.")


async def _reap_messages(target: Target, connection: Connection, threads: list[str]) -> None:
    """Delete the messages of threads that are about to be deleted, because they may refer to them."""
    layout = MessageLayout(**target.contract.database.messages.model_dump())
    writer = await find_messages(connection, layout, "reap", Deadlines())
    if threads and writer:
        say(f"{await writer.remove_of(threads)} messages of these threads removed.")


async def _reap_named(target: Target, connection: Connection) -> None:
    """Delete our rows in every table of [residue.tables], whatever their age, unless a run is using them."""
    if target.database.pgbouncer:
        say("[residue.tables] is skipped: behind PgBouncer no lock shows whether a run is using those rows.")
    elif not await take_turn(connection):
        say("[residue.tables] is skipped: a run is using those rows. Try again when it has ended.")
    else:
        for trace in target.residue.traces:
            removed = await remove_traces(connection, trace)
            say(f"{removed} rows of our users removed from {trace.table} ({trace.column} like {trace.pattern}).")


async def repair(target: Target, out: Path) -> int:
    """Count malformed rows by kind and write the SQL that repairs them. Reads only; the SQL is never run."""
    async with _table(target) as (connection, table):
        if table.layout.metadata not in table.columns:
            raise SourceRefused(
                table.name, f"has no column {table.layout.metadata!r} (contract.database.layout.metadata)"
            )
        plan = await plan_repair(connection, table)
    for name, count in plan.counts.items():
        say(f"{count:>9}  {name}")
    say(f"{plan.disagreeing:>9}  disagreeing owners: reported, not touched")
    say(f"{plan.poisoned:>9}  unreadable for ->> (data.poison): reported, not touched")
    write_file(out, plan.script(), "file with --out")
    say(f"The SQL to review is in {out}. Nothing was changed.")
    return 0
