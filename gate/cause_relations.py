"""When a group of cases follows from another group, or belongs to it: the rules by which groups are merged."""

import re
from collections import Counter
from datetime import datetime, timedelta

from gate.cause_group import FEWEST_WORDS, Group, is_echo, words_of
from gate.cause_table import consequences_for, kinds
from gate.server_errors import without_variables
from gate.verdict_document import Row

READERS = frozenset({"logs", "observability", "api"})  # families that observe the effects of other cases' requests
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
SERVER_ERROR = re.compile(r"\b5\d\d\b")
SUCCESS = re.compile(r"\b([A-Z]+) \S+ answered (2(?!00|01|04)\d\d)\b")
STATUS = re.compile(r"\banswered (\d{3})\b")


def _is_consequence(group: Group, other: Group) -> bool:
    """Whether the table says that each of these cases fails if one of the other group's does."""
    own, theirs, others = words_of(group), words_of(other), other.everyone
    return all(
        any(one.holds_for(row, own, others, theirs) for one in consequences_for(row.name)) for row in group.everyone
    )


def _is_echo_of(group: Group, other: Group) -> bool:
    """Whether the server's error here only reports another failure, which the other group has."""
    return is_echo(group.error) and other.error is not None and not is_echo(other.error)


def _is_read_of(group: Group, other: Group) -> bool:
    """Whether these cases observe the other group's requests, by trace or by time."""
    if not group.checks or any(row.family not in READERS for row in group.rows):
        return False
    if any(row.family not in READERS for row in other.rows) and group.traces & other.traces:
        return True
    return any(_was_under_way(row, moment) for moment in _moments(group) for row in other.rows)


def _moments(group: Group) -> list[datetime]:
    observed = " ".join(row.actual or row.reason for row in group.rows)
    return [datetime.fromisoformat(found[0]) for found in MOMENT.finditer(observed)]


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
    if not _are_both_quiet(group, other):
        return False
    remedies = {(row.family, row.remedy) for row in group.rows if row.remedy}
    usual = Counter((row.family, row.remedy) for row in other.rows).most_common(1)[0][0]
    return remedies == {usual} and _is_seen_alike(group, other)


def _are_both_quiet(group: Group, other: Group) -> bool:
    """Whether neither has an error of the server's or a known cause, and the other one is not the smaller."""
    explained = group.error or group.known or other.error or other.known
    return not explained and len(group.rows) <= len(other.rows)


def _misses_the_same(group: Group, other: Group) -> bool:
    """Whether each of the group's cases expected what one of the other's did, and was answered with the same status.

    Such as a status that a route should not have, or a field that is nowhere. The server says nothing about either.
    """
    if not _are_both_quiet(group, other) or not _is_seen_alike(group, other):
        return False
    missed = {_expectation(row) for row in group.rows}
    are_specific = all(len(expected.split()) >= FEWEST_WORDS for expected, _ in missed)
    return are_specific and missed <= {_expectation(row) for row in other.rows}


def _expectation(row: Row) -> tuple[str, str]:
    found = STATUS.search(row.actual)
    return without_variables(row.expected), found[1] if found else ""


def _succeeds_alike(group: Group, other: Group) -> bool:
    """Whether each of the group's cases saw a method answered with an odd success, as one of the other's cases did."""
    ways = {_odd_success(row) for row in group.rows}
    return _are_both_quiet(group, other) and None not in ways and ways <= {_odd_success(row) for row in other.rows}


def _odd_success(row: Row) -> tuple[str, str] | None:
    """The method, and a success that hardly any contract names: 202, 203, 206 and the like."""
    found = SUCCESS.search(row.actual)
    return (found[1], found[2]) if found else None


def _is_server_error(group: Group) -> bool:
    return any(SERVER_ERROR.search(row.actual or row.reason) for row in group.rows)


FOLLOWING = (_is_consequence, _is_echo_of, _is_read_of)
FURTHER = (  # more cases of the same cause
    _is_raised_beside,
    _is_of_one_kind,
    _is_of_same_checks,
    _has_one_remedy,
    _misses_the_same,
    _succeeds_alike,
)
