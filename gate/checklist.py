"""The report's checklist and metrics, answered from the rows of a verdict."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from gate.outcomes import Outcome

Row = Mapping[str, Any]
WORST_FIRST = (Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING, Outcome.NOT_APPLICABLE, Outcome.PASSED)

BOUNDED = "BOUNDED"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a checklist item or a metric comes to: the worst outcome of its checks, and the figure to show."""

    key: str
    part: str
    title: str
    outcome: str  # an Outcome, "NOT RUN", or "BOUNDED": what ran passed, and a longer phase is owed
    passed: int
    total: int
    figure: Row | None
    owed: tuple[str, ...]
    worst: tuple[str, ...]  # names of the cases that did not pass


@cache
def _layout() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "checklist.toml").read_text(encoding="utf-8"))


def family_order(family: str) -> int:
    """The place of a family in a run; one that the layout does not name comes before the logs."""
    order: list[str] = _layout()["families"]
    return order.index(family) if family in order else len(order) - 2


def checklist(document: Row) -> list[Answer]:
    """The report's checklist items, answered."""
    return [_answer(item, document) for item in _layout()["items"]]


def metrics(document: Row) -> list[Answer]:
    """The report's five success metrics, answered as far as this run's phase can."""
    return [_answer(item, document) for item in _layout()["metrics"]]


def _answer(item: Mapping[str, Any], document: Row) -> Answer:
    rows = [row for row in document["checks"] if any(fnmatchcase(row["id"], one) for one in item["checks"])]
    counts = Counter(row["outcome"] for row in rows)
    outcome = next((str(one) for one in WORST_FIRST if counts[one]), "NOT RUN")
    owed = tuple(text for phase, text in item.get("owed", {}).items() if phase != document["phase"])
    return Answer(
        key=item["key"],
        part=item.get("part", ""),
        title=item["title"],
        outcome=BOUNDED if owed and outcome == Outcome.PASSED else outcome,
        passed=counts[Outcome.PASSED],
        total=len(rows),
        figure=_figure(item.get("figure", []), rows),
        owed=owed,
        worst=tuple(row["name"] for row in rows if row["outcome"] != Outcome.PASSED),
    )


def _figure(ids: Iterable[str], rows: Iterable[Row]) -> Row | None:
    rows = list(rows)
    for check_id in ids:
        for row in rows:
            if row["id"] == check_id and row["figures"]:
                first: Row = row["figures"][0]
                return first
    return None


def show_figure(figure: Row) -> str:
    """A figure in one short text: `p95 41.2 ms (limit 100 ms, n=300, 95 %)`."""
    value = "" if figure.get("value") is None else f"{figure['value']:g}"
    unit = f" {figure['unit']}" if figure.get("unit") else ""
    about = []
    if figure.get("limit") is not None:
        about.append(f"limit {figure['limit']:g}{unit}")
    if figure.get("n") is not None:
        about.append(f"n={figure['n']}")
    if figure.get("confidence"):
        about.append(f"{figure['confidence']:.0%} confidence")
    if figure.get("window"):
        about.append(str(figure["window"]))
    return f"{value}{unit}" + (f" ({', '.join(about)})" if about else "")
