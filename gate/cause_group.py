"""Cases of one cause while they are collected, and what they have observed, clause by clause."""

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache

from gate.cause_table import MOST_NAMES, KnownCause, echoes, sights
from gate.server_errors import ServerError, without_variables
from gate.verdict_document import Row

FAILURE = re.compile(r"\b(5\d\d):? '([^'\n]{4,300})'")  # an answer, and all that it says
CLAUSE = re.compile(r"[:;,()\n]+")
ANSWERED = re.compile(r"\banswered #\s*$")  # a request and its status: common to every case of a route
FEWEST_WORDS = 4  # shorter clauses don't show that two cases have one cause


@dataclass(slots=True, kw_only=True)
class Group:
    """Rows of one cause while they are collected."""

    signature: str
    known: KnownCause | None
    error: ServerError | None
    rows: list[Row]
    following: list[Row] = field(default_factory=list)  # cases that fail because of these
    waiting: list[Row] = field(default_factory=list)  # cases that are blocked by one of these

    @property
    def clauses(self) -> frozenset[str]:
        """What its cases observed, clause by clause."""
        return frozenset().union(*(clauses_of(row) for row in self.rows))

    @property
    def sights(self) -> frozenset[str]:
        """The known sights that its cases observed."""
        return self.clauses & known_sights()

    @property
    def everyone(self) -> list[Row]:
        """Its cases and those that follow from them."""
        return [*self.rows, *self.following]

    @property
    def traces(self) -> frozenset[str]:
        """The requests of its cases."""
        return frozenset(trace.trace_id for row in self.rows for trace in row.traces)

    @property
    def checks(self) -> frozenset[str]:
        """The checks whose cases these are."""
        return frozenset(row.id for row in self.rows)


@cache
def known_sights() -> frozenset[str]:
    """The sights of the table, as clauses name them."""
    return frozenset(sight.pattern for sight in sights())


def clauses_of(row: Row) -> frozenset[str]:
    """What a case observed, clause by clause, without numbers and ids, with different wordings of one sight unified."""
    return _clauses_of(row.actual or row.reason)


@lru_cache(MOST_NAMES)
def _clauses_of(seen: str) -> frozenset[str]:
    parts = (part.strip() for part in CLAUSE.split(without_variables(seen)) if not ANSWERED.search(part))
    known = (sight.pattern for sight in sights() if sight.search(seen))
    failures = (f"{status} {without_variables(body)}" for status, body in FAILURE.findall(seen))
    return frozenset((*(part for part in parts if len(part.split()) >= FEWEST_WORDS), *known, *failures))


def is_echo(error: ServerError | None) -> bool:
    """Whether a server's error only reports another failure, by the table."""
    return error is not None and any(echo.search(error.message) for echo in echoes())


def words_of(group: Group) -> str:
    """The server's error for a group's cases; empty for an echo."""
    return f"{group.error.kind}: {group.error.message}" if group.error and not is_echo(group.error) else ""
