"""Before a deploy: apply the image's pending migrations to a scratch database, and say which statements are risky."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from commands.console import say
from commands.migrating import MigrationError, apply_each
from probes.database.migrations import open_folder
from probes.errors import SourceRefused
from targets.loading import ConfigurationError


def _risk(why: str, pattern: str) -> tuple[str, re.Pattern[str]]:
    return why, re.compile(pattern, re.IGNORECASE)


RISKS = (
    _risk("drops a table: its rows are gone, and no rollback brings them back", r"^DROP TABLE"),
    _risk("drops a column: the running revision may still read it", r"^ALTER TABLE .* DROP COLUMN"),
    _risk("renames: the running revision does not know the new name", r"^ALTER TABLE .* RENAME"),
    _risk("rewrites the table under an exclusive lock", r"^ALTER TABLE .* ALTER COLUMN .* TYPE "),
    _risk(
        "rewrites the table: the default is computed for every row",
        r"^ALTER TABLE .* ADD COLUMN .* DEFAULT .*(random|clock_timestamp|uuid|nextval)",
    ),
    _risk("scans the table under an exclusive lock", r"^ALTER TABLE .* SET NOT NULL"),
    _risk(
        "validates every row under a lock: add it NOT VALID first",
        r"^ALTER TABLE .* ADD (CONSTRAINT .*)?(CHECK|FOREIGN KEY)(?!.*NOT VALID)",
    ),
    _risk("blocks writes while it builds: use CONCURRENTLY", r"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)"),
    _risk(
        "takes an exclusive lock for the whole statement",
        r"^(VACUUM FULL|CLUSTER|LOCK TABLE|TRUNCATE|REINDEX (?!.*CONCURRENTLY))",
    ),
)
CREATED = re.compile(r"^CREATE TABLE (IF NOT EXISTS )?\"?(?P<name>\w+)", re.IGNORECASE)
ABOUT = re.compile(r"(TABLE|ON)\s+(ONLY\s+)?(IF EXISTS\s+)?\"?(?P<name>\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Risk:
    """A statement that can hurt a running system, and why."""

    revision: str
    statement: str
    why: str


def judge(revision: str, statement: str, created: set[str]) -> Iterator[Risk]:
    """The risks of one statement; a table that these very migrations create is empty, and nothing about it is risky."""
    flat = " ".join(statement.split())
    new = CREATED.match(flat)
    if new:
        created.add(new["name"])
    about = ABOUT.search(flat)
    if about and about["name"] in created and not flat.upper().startswith("DROP TABLE"):
        return
    for why, pattern in RISKS:
        if pattern.search(flat):
            yield Risk(revision, flat, why)


async def run(folder: Path, since: str, url: str | None) -> int:
    """Bring the scratch database to `since`, then apply what is pending and report. 0 clean, 1 risky, 4 not usable."""
    if not url:
        raise ConfigurationError(
            "There is no scratch database: use `make preflight`, which starts one, or give --database."
        )
    try:
        script = open_folder(folder)
    except SourceRefused as error:
        raise ConfigurationError(f"{error.request} {error.detail} (--alembic).") from error
    if since != "base" and since not in {one.revision for one in script.walk_revisions()}:
        raise ConfigurationError(
            f"{folder} knows no revision {since!r}: known heads are {', '.join(script.get_heads())}."
        )
    done = {one.revision for one in script.walk_revisions("base", since)} if since != "base" else set()
    steps = [one.revision for one in reversed(list(script.walk_revisions("base", "heads")))]
    try:
        heard = await apply_each(folder, steps, url)
    except MigrationError as error:
        say(f"A migration fails. {error}")
        return 1
    except SourceRefused as error:
        raise ConfigurationError(f"{error.request}: {error.detail}.") from error
    created: set[str] = set()
    risks = [
        risk
        for revision in steps
        if revision not in done
        for statement in heard[revision]
        for risk in judge(revision, statement, created)
    ]
    pending = [one for one in steps if one not in done]
    say(f"{len(pending)} pending migrations applied: {', '.join(pending) or 'none'}. Heads: {script.get_heads()}.")
    for risk in risks:
        say(f"{risk.revision}: {risk.why}\n    {risk.statement[:300]}")
    say(f"{len(risks)} statements need a second look." if risks else "No statement drops, rewrites or locks.")
    return 1 if risks else 0
