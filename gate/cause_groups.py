"""Groups cases that did not pass: by the server's own error, else by what they observed; then merges consequences."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from gate.cause_group import Group, clauses_of, is_echo, words_of
from gate.cause_relations import FOLLOWING, FURTHER
from gate.cause_table import KnownCause, consequences_for, known_causes, sights
from gate.server_errors import ServerError, read_error, without_variables
from gate.verdict_document import Row

FAILING = frozenset({"ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
QUOTED = re.compile(r"\\+(['\"])")
LONGEST_SIGNATURE = 240
SERVER_ERROR = re.compile(r"\b5\d\d\b")


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
        error = max(errors[row.name], key=lambda one: (not is_echo(one), spread[one.signature]), default=None)
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
    return [error for error in said if not is_echo(error) or _met_a_failure(row)]


def _met_a_failure(row: Row) -> bool:
    seen = row.actual or row.reason
    return bool(SERVER_ERROR.search(seen)) or any(sight.search(seen) for sight in sights())


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
    clauses, evidence = clauses_of(row), without_variables(str(msgspec.to_builtins(row.evidence)))
    fitting = [
        group
        for group in groups
        if clauses & group.sights
        or 2 * len(clauses & group.clauses) > len(clauses)
        or (group.error and without_variables(group.error.message) in evidence)
    ]
    return max(fitting, key=lambda group: len(group.rows), default=None)


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


def _set_apart_what_follows(group: Group) -> None:
    """Move cases that follow from others in the group, by the table, after those, whose remedy then counts."""
    words = words_of(group)
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
