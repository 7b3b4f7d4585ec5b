"""Groups cases that did not pass: by the server's own error, else by what they observed; then merges consequences."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache

import msgspec

from gate.cause_table import MOST_NAMES, KnownCause, consequences_for, echoes, kinds, known_causes, sights
from gate.server_errors import ServerError, read_error, without_variables
from gate.verdict_document import Row

FAILING = frozenset({"ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
FAILURE = re.compile(r"\b(5\d\d):? '([^'\n]{4,300})'")  # an answer, and all that it says
QUOTED = re.compile(r"\\+(['\"])")
CLAUSE = re.compile(r"[:;,()\n]+")
ANSWERED = re.compile(r"\banswered #\s*$")  # a request and its status: common to every case of a route
FEWEST_WORDS = 4  # shorter clauses don't show that two cases have one cause
LONGEST_SIGNATURE = 240
READERS = frozenset({"logs", "observability", "api"})  # families that observe the effects of other cases' requests
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
SERVER_ERROR = re.compile(r"\b5\d\d\b")


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
        return frozenset().union(*(_clauses(row) for row in self.rows))

    @property
    def sights(self) -> frozenset[str]:
        """The known sights that its cases observed."""
        return self.clauses & _known_sights()

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


def group_rows(rows: Sequence[Row]) -> list[Group]:
    """Rows of one outcome by their causes."""
    groups = _joined(_alike(rows))
    for group in groups:
        _set_apart_what_follows(group)
    return groups


def _alike(rows: Sequence[Row]) -> list[Group]:
    """First rows with a server error; rows that observed the same then join them."""
    groups: dict[str, Group] = {}
    quiet = []
    errors = {row.name: _errors(row) for row in rows}
    spread = Counter(signature for found in errors.values() for signature in {error.signature for error in found})
    for row in rows:
        # An error that many cases met is a likelier cause than one that only this case met, perhaps on purpose.
        error = max(errors[row.name], key=lambda one: (not _is_echo(one), spread[one.signature]), default=None)
        known, words = _known(error, row)
        if known is None and error is None:
            quiet.append(row)
            continue
        if known:
            signature = f"{known.key}: {words}" if known.apart else known.key
        else:
            signature = error.signature if error else ""
        group = groups.setdefault(signature, Group(signature=signature, known=known, error=error, rows=[]))
        group.error = group.error or error
        group.rows.append(row)
    for row in quiet:
        group = _fitting(row, groups.values()) or groups.setdefault(
            _seen(row), Group(signature=_seen(row), known=None, error=None, rows=[])
        )
        group.rows.append(row)
    return list(groups.values())


def _errors(row: Row) -> list[ServerError]:
    """The errors in the server's log lines for a case, in order; an echo only if the case met a failure.

    A check may provoke one on purpose, and fail for another reason.
    """
    said = (error for line in row.server_lines if line.severity in FAILING and (error := read_error(line.text)))
    return [error for error in said if not _is_echo(error) or _met_a_failure(row)]


def _met_a_failure(row: Row) -> bool:
    seen = row.actual or row.reason
    return bool(SERVER_ERROR.search(seen)) or any(sight.search(seen) for sight in sights())


def _is_echo(error: ServerError | None) -> bool:
    return error is not None and any(echo.search(error.message) for echo in echoes())


def _known(error: ServerError | None, row: Row) -> tuple[KnownCause | None, str]:
    """The known cause that an error, or else what a case saw, shows; and by which words."""
    said = f"{error.kind}: {error.message}" if error else f"{row.expected}\n{row.actual}\n{row.reason}"
    plain = QUOTED.sub(r"\1", said)  # a body that quotes a message is itself quoted
    return next(((known, words) for known in known_causes() if (words := known.words_in(plain))), (None, ""))


def _fitting(row: Row, groups: Iterable[Group]) -> Group | None:
    """The largest group whose cases observed the same, or whose error this case's evidence quotes.

    "The same" means a known sight, or more than half of the clauses: a phrase that surrounds many errors is not an
    error.
    """
    clauses, evidence = _clauses(row), without_variables(str(msgspec.to_builtins(row.evidence)))
    fitting = [
        group
        for group in groups
        if clauses & group.sights
        or 2 * len(clauses & group.clauses) > len(clauses)
        or (group.error and without_variables(group.error.message) in evidence)
    ]
    return max(fitting, key=lambda group: len(group.rows), default=None)


@cache
def _known_sights() -> frozenset[str]:
    return frozenset(sight.pattern for sight in sights())


def _clauses(row: Row) -> frozenset[str]:
    """What a case observed, clause by clause, without numbers and ids, with different wordings of one sight unified."""
    return _clauses_of(row.actual or row.reason)


@lru_cache(MOST_NAMES)
def _clauses_of(seen: str) -> frozenset[str]:
    parts = (part.strip() for part in CLAUSE.split(without_variables(seen)) if not ANSWERED.search(part))
    known = (sight.pattern for sight in sights() if sight.search(seen))
    failures = (f"{status} {without_variables(body)}" for status, body in FAILURE.findall(seen))
    return frozenset((*(part for part in parts if len(part.split()) >= FEWEST_WORDS), *known, *failures))


def _seen(row: Row) -> str:
    """The key for rows without a server error: the family, and what was expected and observed."""
    said = without_variables(row.actual or row.reason).partition("\n")[0]
    return f"{row.family}: {said}"[:LONGEST_SIGNATURE]


def _joined(groups: list[Group]) -> list[Group]:
    """The groups, with those that follow from another one, or belong to it, merged into it."""
    left = list(groups)
    while pair := next(((one, *found) for one in left if (found := _root(one, left))), None):
        one, root, follows = pair
        if follows:
            root.following += one.everyone
        else:
            root.rows += one.rows
            root.following += one.following
        left.remove(one)
    return left


def _root(group: Group, groups: Iterable[Group]) -> tuple[Group, bool] | None:
    """The largest group that this one belongs to, and whether it follows from it; None for a separate finding."""
    others = [one for one in groups if one is not group]
    for belongs in (*FOLLOWING, *FURTHER):
        roots = [other for other in others if belongs(group, other)]
        if roots:
            return max(roots, key=lambda root: len(root.everyone)), belongs in FOLLOWING
    return None


def _is_consequence(group: Group, other: Group) -> bool:
    """Whether the table says that each of these cases fails if one of the other group's does."""
    own, theirs, others = _words_of(group), _words_of(other), other.everyone
    return all(
        any(one.holds_for(row, own, others, theirs) for one in consequences_for(row.name)) for row in group.everyone
    )


def _words_of(group: Group) -> str:
    """The server's error for a group's cases; empty for an echo."""
    return f"{group.error.kind}: {group.error.message}" if group.error and not _is_echo(group.error) else ""


def _set_apart_what_follows(group: Group) -> None:
    """Move cases that follow from others in the group, by the table, after those, whose remedy then counts."""
    words = _words_of(group)
    following = {
        row.name
        for row in group.rows
        if any(
            one.holds_for(row, words, (r for r in group.rows if r is not row), words)
            for one in consequences_for(row.name)
        )
    }
    if len(following) < len(group.rows):
        group.following = [*(row for row in group.rows if row.name in following), *group.following]
        group.rows = [row for row in group.rows if row.name not in following]


def _is_echo_of(group: Group, other: Group) -> bool:
    """Whether the server's error here only reports another failure, which the other group has."""
    return _is_echo(group.error) and other.error is not None and not _is_echo(other.error)


def _is_read_of(group: Group, other: Group) -> bool:
    """Whether these cases observe the other group's requests, by trace or by time."""
    if not group.checks or any(row.family not in READERS for row in group.rows):
        return False
    if any(row.family not in READERS for row in other.rows) and group.traces & other.traces:
        return True
    return any(_was_under_way(row, moment) for moment in _moments(group) for row in other.rows)


def _moments(group: Group) -> list[datetime]:
    said = " ".join(row.actual or row.reason for row in group.rows)
    return [datetime.fromisoformat(found[0]) for found in MOMENT.finditer(said)]


def _was_under_way(row: Row, moment: datetime) -> bool:
    if row.family in READERS or not row.began:
        return False
    began = datetime.fromisoformat(row.began)
    return began <= moment <= began + timedelta(seconds=row.duration_s)


def _is_raised_beside(group: Group, other: Group) -> bool:
    """Whether the server raised both in the same place in its own code, with the same error or for the same check."""
    if group.known or other.known or not (group.error and other.error and group.error.frame):
        return False
    alike = group.error.kind == other.error.kind or group.checks <= other.checks
    return group.error.frame == other.error.frame and alike and len(group.rows) <= len(other.rows)


def _is_of_one_kind(group: Group, other: Group) -> bool:
    """Whether the table says that all of these cases, and one of the other group's, test the same thing."""
    return len(group.everyone) <= len(other.everyone) and any(
        all(kind.fullmatch(row.name) for row in group.rows) and any(kind.fullmatch(row.name) for row in other.rows)
        for kind in kinds()
    )


def _is_of_same_checks(group: Group, other: Group) -> bool:
    """Whether these are further cases of the other group's checks without a different server error.

    Two 5xx answers are two errors if their messages differ, and so are two known sights.
    """
    if group.error or group.known or not group.checks <= other.checks:
        return False
    return _is_seen_alike(group, other) and len(group.rows) <= len(other.rows)


def _is_seen_alike(group: Group, other: Group) -> bool:
    return group.sights == other.sights and not (_is_server_error(group) and _is_server_error(other))


def _has_one_remedy(group: Group, other: Group) -> bool:
    """Whether all of the group's cases have the remedy that most of the other's have, in one family.

    Such a remedy is of a finding that several checks can make. The server says nothing about either.
    """
    if group.error or group.known or other.error or other.known or len(group.rows) > len(other.rows):
        return False
    remedies = {(row.family, row.remedy) for row in group.rows if row.remedy}
    usual = Counter((row.family, row.remedy) for row in other.rows).most_common(1)[0][0]
    return remedies == {usual} and _is_seen_alike(group, other)


def _is_server_error(group: Group) -> bool:
    return any(SERVER_ERROR.search(row.actual or row.reason) for row in group.rows)


FOLLOWING = (_is_consequence, _is_echo_of, _is_read_of)
FURTHER = (_is_raised_beside, _is_of_one_kind, _is_of_same_checks, _has_one_remedy)  # more cases of the same cause
