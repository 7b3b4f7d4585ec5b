"""One line per cause: cases that did not pass, grouped by the server's own error, else by what they observed.

Pure: from the rows of a verdict. First come the patterns of a known cause (`causes.toml`), then the server's own error
(its type, its message without numbers and ids, the innermost frame that is not a library's), then what the
cases observed; a consequence of another cause joins that cause (`gate.cause_groups`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from gate.cause_group import Group
from gate.cause_groups import group_rows
from gate.cause_relations import READERS
from gate.failures import waits_for
from gate.figures import ServerLine
from gate.outcomes import Outcome
from gate.server_errors import read_error
from gate.verdict_document import Cause, Row

SHOWN = (Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING)
MOST_LINES = 12
OURS = "Ours, or the way there: it says nothing about the service. Fix what the reason names, and run again."


def find_causes(rows: Iterable[Row], missing: Iterable[str] = ()) -> list[Cause]:
    """The causes of everything that did not pass: FAILED before BROKEN before PENDING, largest first.

    Cases that did not run (`missing`) have no cause, and neither has a known failure that is accepted.
    """
    left_out = frozenset(missing)
    red = [row for row in rows if row.outcome in SHOWN and row.name not in left_out and not row.known_failure]
    waiting = {row.name: finder for row in red if (finder := _finder(row, red))}
    groups = [
        group
        for outcome in SHOWN
        for group in group_rows([row for row in red if row.outcome is outcome and row.name not in waiting])
    ]
    for group in groups:
        names = {row.name for row in group.everyone}
        group.waiting += [row for row in red if waiting.get(row.name) in names]
    causes = [_cause(group) for group in groups]
    return sorted(causes, key=lambda cause: (SHOWN.index(cause.outcome), -len(cause.cases), cause.first))


def _finder(row: Row, red: Iterable[Row]) -> str:
    """The case that blocks a case; empty for one with its own finding."""
    said = row.actual or row.reason
    return next((other.name for other in red if other is not row and said.startswith(waits_for(other.name))), "")


def _cause(group: Group) -> Cause:
    rows = [*_by_time(group.rows), *_by_time(group.following)]
    lines = sorted({line for row in rows for line in row.server_lines}, key=lambda line: line.timestamp)
    of_error = _lines_of(group, lines)
    times = [line.timestamp for line in of_error] or [row.began for row in rows if row.began] or [""]
    return Cause(
        key=hashlib.sha256(group.signature.encode()).hexdigest()[:12],
        signature=group.signature,
        outcome=rows[0].outcome,
        sentence=_sentence(group),
        remedy=_remedy(group),
        frame=group.error.frame if group.error else "",
        traceback=group.error.text if group.error else "",
        first=min(times),
        last=max(times),
        cases=[row.name for row in (*rows, *group.waiting)],
        lines=of_error[:MOST_LINES],
    )


def _by_time(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.began)


def _lines_of(group: Group, lines: Sequence[ServerLine]) -> list[ServerLine]:
    """Log lines of the requests that met the cause, in order of time; all lines if the server logged no error."""
    if group.error is None:
        return list(lines)
    traces = {
        line.trace_id for line in lines if (error := read_error(line.text)) and error.signature == group.error.signature
    }
    return [line for line in lines if line.trace_id in traces]


def _sentence(group: Group) -> str:
    error = group.error
    said = f"{error.kind}: {error.message}" if error else ""
    where = f" in {error.frame}" if error and error.frame else ""
    if group.known:
        seen = said or group.signature.partition(": ")[2]
        return f"{group.known.sentence} ({seen}{where})" if seen else group.known.sentence
    if said:
        return f"{said}{where}"
    row = group.rows[0]
    what = row.name if sum(one.id == row.id for one in group.rows) == 1 else row.id  # the case says what was sent
    return f"{what}: {(row.actual or row.reason).partition(chr(10))[0]}"


def _remedy(group: Group) -> str:
    """The known cause's remedy; for a server error the place in the code; else the remedy that most cases have.

    Checks that only observe other requests (the log, the counters) don't count if one of those checks is among the
    cases.
    """
    if group.known:
        return group.known.remedy
    telling = [row for row in group.rows if row.family not in READERS] or group.rows
    named = Counter(row.remedy for row in telling if row.remedy)
    usual, times = named.most_common(1)[0] if named else ("", 0)
    if group.error and group.error.frame:
        place = f"Look at {group.error.frame}: the server's own traceback ends there."
        return f"{place} {usual}" if 2 * times > len(telling) else place
    return usual or (OURS if group.rows[0].outcome is Outcome.BROKEN else "")
