"""One cause, one line: cases that did not pass, put together by what the server itself said, else by what was seen.

Pure: from the rows of a verdict. First come the words of a known cause (`causes.toml`), then the server's own error
(its type, its message without numbers and ids, the innermost frame that is not a library's), then what the cases saw.
"""

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import msgspec

from gate.failures import waits_for
from gate.figures import ServerLine
from gate.outcomes import Outcome
from gate.server_errors import ServerError, read_error, without_variables
from gate.strict_json import JSON
from gate.verdict_document import Cause, Row

SHOWN = (Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING)
FAILING = frozenset({"ERROR", "CRITICAL", "ALERT", "EMERGENCY"})
MOST_LINES = 12
CLAUSE = re.compile(r"[:;,()\n]+")
ANSWERED = re.compile(r"\banswered #\s*$")  # a request and its status: what every case of a route has in common
OURS = "Ours, or the way there, and no word on the service: mend what the reason says, and run again."
FEWEST_WORDS = 4  # of a clause that two cases must share to be put down to one cause
LONGEST_SIGNATURE = 240


@dataclass(frozen=True, slots=True)
class KnownCause:
    """A cause that is known beforehand."""

    key: str
    sentence: str
    remedy: str
    patterns: tuple[re.Pattern[str], ...]

    def shows_in(self, text: str) -> bool:
        """Whether one of its patterns is in the text."""
        return any(pattern.search(text) for pattern in self.patterns)


@dataclass(slots=True)
class _Group:
    """Rows of one cause while they are collected."""

    signature: str
    known: KnownCause | None
    error: ServerError | None
    rows: list[Row]
    waiting: list[Row] = field(default_factory=list)  # cases that merely wait for one of these

    @property
    def clauses(self) -> frozenset[str]:
        return frozenset().union(*(_clauses(row) for row in self.rows))


@cache
def _table() -> dict[str, JSON]:
    return tomllib.loads((Path(__file__).parent / "causes.toml").read_text(encoding="utf-8"))


@cache
def known_causes() -> tuple[KnownCause, ...]:
    """The table of known causes."""
    return tuple(
        KnownCause(cause["key"], cause["sentence"], cause["remedy"], tuple(map(re.compile, cause["patterns"])))
        for cause in _table()["causes"]
    )


@cache
def _sights() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(sight["pattern"]) for sight in _table()["sights"])


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
        for group in _groups([row for row in red if row.outcome is outcome and row.name not in waiting])
    ]
    for group in groups:
        names = {row.name for row in group.rows}
        group.waiting += [row for row in red if waiting.get(row.name) in names]
    causes = [_cause(group) for group in groups]
    return sorted(causes, key=lambda cause: (SHOWN.index(cause.outcome), -len(cause.cases), cause.first))


def _finder(row: Row, red: Iterable[Row]) -> str:
    """The case for which a case merely waits; empty for one with a finding of its own."""
    said = row.actual or row.reason
    return next((other.name for other in red if other is not row and said.startswith(waits_for(other.name))), "")


def _groups(rows: Sequence[Row]) -> list[_Group]:
    """Rows of one outcome by their causes: first those with an error of the server's, which others then join."""
    groups: dict[str, _Group] = {}
    quiet = []
    errors = {row.name: _errors(row) for row in rows}
    spread = Counter(signature for found in errors.values() for signature in {error.signature for error in found})
    for row in rows:
        # What many cases met is more likely what stopped this one, too, than what it alone met, perhaps on purpose.
        error = max(errors[row.name], key=lambda one: spread[one.signature], default=None)
        known = _known(error, row)
        if known is None and error is None:
            quiet.append(row)
            continue
        signature = known.key if known else error.signature if error else ""
        group = groups.setdefault(signature, _Group(signature, known, error, []))
        group.error = group.error or error
        group.rows.append(row)
    for row in quiet:
        group = _fitting(row, groups.values()) or groups.setdefault(_seen(row), _Group(_seen(row), None, None, []))
        group.rows.append(row)
    return list(groups.values())


def _errors(row: Row) -> list[ServerError]:
    """The errors that the server's lines for a case tell of, in order."""
    return [error for line in row.server_lines if line.severity in FAILING and (error := read_error(line.text))]


def _known(error: ServerError | None, row: Row) -> KnownCause | None:
    said = f"{error.kind}: {error.message}" if error else f"{row.expected}\n{row.actual}\n{row.reason}"
    return next((known for known in known_causes() if known.shows_in(said)), None)


def _fitting(row: Row, groups: Iterable[_Group]) -> _Group | None:
    """The largest group whose cases saw the same in words, or whose error this case's evidence quotes.

    The same are a known sight, or more than half of the clauses: a frame that many errors come in is no error.
    """
    clauses, evidence = _clauses(row), without_variables(str(msgspec.to_builtins(row.evidence)))
    sights = frozenset(sight.pattern for sight in _sights())
    fitting = [
        group
        for group in groups
        if clauses & group.clauses & sights
        or 2 * len(clauses & group.clauses) > len(clauses)
        or (group.error and without_variables(group.error.message) in evidence)
    ]
    return max(fitting, key=lambda group: len(group.rows), default=None)


def _clauses(row: Row) -> frozenset[str]:
    """What a case saw, clause by clause, without numbers and ids, and what is the same in other words."""
    seen = row.actual or row.reason
    parts = (part.strip() for part in CLAUSE.split(without_variables(seen)) if not ANSWERED.search(part))
    sights = (sight.pattern for sight in _sights() if sight.search(seen))
    return frozenset((*(part for part in parts if len(part.split()) >= FEWEST_WORDS), *sights))


def _seen(row: Row) -> str:
    """What groups rows without an error of the server's: the family, and what was expected and seen."""
    said = without_variables(row.actual or row.reason).partition("\n")[0]
    return f"{row.family}: {said}"[:LONGEST_SIGNATURE]


def _cause(group: _Group) -> Cause:
    rows = sorted(group.rows, key=lambda row: row.began)
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


def _lines_of(group: _Group, lines: Sequence[ServerLine]) -> list[ServerLine]:
    """The lines of the requests that met the cause, in order of time; all of them where the server said no error."""
    if group.error is None:
        return list(lines)
    traces = {
        line.trace_id for line in lines if (error := read_error(line.text)) and error.signature == group.error.signature
    }
    return [line for line in lines if line.trace_id in traces]


def _sentence(group: _Group) -> str:
    error = group.error
    said = f"{error.kind}: {error.message}" if error else ""
    where = f" in {error.frame}" if error and error.frame else ""
    if group.known:
        return f"{group.known.sentence} ({said}{where})" if said else group.known.sentence
    if said:
        return f"{said}{where}"
    row = group.rows[0]
    return f"{row.id}: {(row.actual or row.reason).partition(chr(10))[0]}"


def _remedy(group: _Group) -> str:
    """The known one; for an error of the server's the place; else the remedy that most of the cases name."""
    if group.known:
        return group.known.remedy
    named = Counter(row.remedy for row in group.rows if row.remedy)
    usual = named.most_common(1)[0][0] if named else ""
    if group.error and group.error.frame:
        place = f"Look at {group.error.frame}: the server's own traceback ends there."
        return f"{place} {usual}" if len(named) == 1 else place
    return usual or (OURS if group.rows[0].outcome is Outcome.BROKEN else "")
