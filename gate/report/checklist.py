"""The report's checklist and metrics, evaluated once from the rows of a verdict, for all renderers."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from gate.failures import waits_for
from gate.figures import Figure
from gate.outcomes import Outcome
from gate.strict_json import JSON
from gate.verdict_document import Document, Row

BOUNDED = "BOUNDED"  # what ran passed, but a longer phase is owed: the figure says how little that proves
OWED = "OWED"  # only the longer phase covers it, and that has not finished
PROVED = "PROVED"  # in a gate's verdict, with all phases
NOT_RUN = "NOT RUN"
WORST_FIRST = (Outcome.FAILED, Outcome.BROKEN, NOT_RUN, Outcome.PENDING, Outcome.NOT_APPLICABLE, Outcome.PASSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of a checklist item or metric: the worst outcome of its checks, and the figure to show."""

    key: str
    part: str
    title: str
    outcome: str  # an Outcome, or one of the words above
    passed: int
    total: int
    figure: Figure | None
    owed: tuple[str, ...]
    worst: tuple[str, ...]  # names of the cases that did not pass


@dataclass(frozen=True, slots=True)
class Report:
    """Every renderer's only input: the verdict's document, with checklist and metrics evaluated."""

    document: Document
    checklist: tuple[Answer, ...]
    metrics: tuple[Answer, ...]


def answered(document: Document) -> Report:
    """The document with checklist items and the five success metrics evaluated, as far as its phase allows."""
    checklist, metrics = (tuple(_answer(item, document) for item in _layout()[part]) for part in ("items", "metrics"))
    return Report(document, checklist, metrics)


@cache
def _layout() -> dict[str, JSON]:
    return tomllib.loads((Path(__file__).parent / "checklist.toml").read_text(encoding="utf-8"))


def family_order(family: str) -> int:
    """A family's position in a run; one that the layout does not list comes before the logs."""
    order: list[str] = _layout()["families"]
    return order.index(family) if family in order else len(order) - 2


def owner(family: str) -> str:
    """Whom to call about a family, by role; empty for one that the layout does not list."""
    return str(_layout()["owners"].get(family, ""))


def answers_for_a_metric(check_id: str) -> bool:
    """Whether one of the five success metrics comes from this check."""
    return any(fnmatchcase(check_id, one) for item in _layout()["metrics"] for one in item["checks"])


def epic(check_id: str) -> str:
    """The success metric that a check covers, else the part of the checklist, else the gate as a whole."""
    for item in [*_layout()["metrics"], *reversed(_layout()["items"])]:
        if any(fnmatchcase(check_id, one) for one in item["checks"]):
            return str(item.get("part") or item["title"])
    return "Release gate"


def _answer(item: Mapping[str, JSON], document: Document) -> Answer:
    about = [row for row in document.checks if any(fnmatchcase(row.id, one) for one in item["checks"])]
    optional = frozenset(item.get("where_offered", ()))
    rows = [row for row in about if not optional & {row.id, row.name} or row.outcome != Outcome.NOT_APPLICABLE]
    longer = {one["check"] for one in item.get("owed", [])}
    waiting = {row.name for row in rows if row.id in longer and row.outcome == Outcome.PENDING}
    owed = tuple(text for one in item.get("owed", []) if (text := _owed(one, rows)))
    absent = set(document.missing) - waiting
    failed = [row for row in document.checks if row.outcome == Outcome.FAILED]
    counts = Counter(
        NOT_RUN if row.name in absent else _outcome(row, failed) for row in rows if row.name not in waiting
    )
    outcome = next((str(one) for one in WORST_FIRST if counts[one]), OWED if waiting else NOT_RUN)
    if outcome == Outcome.PASSED:
        outcome = BOUNDED if owed else PROVED if document.phase == "gate" and item.get("figure") else outcome
    return Answer(
        key=item["key"],
        part=item.get("part", ""),
        title=item["title"],
        outcome=outcome,
        passed=sum(row.outcome == Outcome.PASSED for row in rows),
        total=len(rows),
        figure=None if _is_contradicted(item, rows) else _figure(item.get("figure", []), rows),
        owed=owed,
        worst=tuple(row.name for row in rows if row.outcome != Outcome.PASSED),
    )


def _outcome(row: Row, failed: Iterable[Row]) -> Outcome:
    """A case's outcome; if another case's finding blocks it, what it needs has FAILED, and so has the item."""
    seen = row.actual or row.reason
    waits = row.outcome == Outcome.BROKEN and any(seen.startswith(waits_for(one.name)) for one in failed)
    return Outcome.FAILED if waits else row.outcome


def _owed(item: Mapping[str, str], rows: Iterable[Row]) -> str:
    """What is still owed of a longer phase: nothing once its check has an outcome other than PENDING."""
    about = [row for row in rows if row.id == item["check"]]
    if about and all(row.outcome != Outcome.PENDING for row in about):
        return ""
    until = max((str(row.evidence.get("owed_until") or "") for row in about), default="")
    return item["text"] + (f", not before {until}" if until else "")


def _is_contradicted(item: Mapping[str, JSON], rows: Iterable[Row]) -> bool:
    """Whether a row that the figure relies on did not pass: then no figure is shown."""
    bases = set(item.get("figure_unless", ()))
    return any(row.id in bases and row.outcome not in {Outcome.PASSED, Outcome.NOT_APPLICABLE} for row in rows)


def _figure(ids: Iterable[str], rows: Iterable[Row]) -> Figure | None:
    rows = list(rows)
    for check_id in ids:
        for row in rows:
            if row.id == check_id and row.figures:
                return row.figures[0]
    return None
