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

BOUNDED = "BOUNDED"  # what ran passed, and a longer phase is owed: the figure says how little that proves
OWED = "OWED"  # nothing but the longer phase answers, and it has not come to its end
PROVED = "PROVED"  # in a gate's verdict, with all phases
NOT_RUN = "NOT RUN"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a checklist item or a metric comes to: the worst outcome of its checks, and the figure to show."""

    key: str
    part: str
    title: str
    outcome: str  # an Outcome, or one of the words above
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
    longer = {one["check"] for one in item.get("owed", [])}
    waiting = {row["name"] for row in rows if row["id"] in longer and row["outcome"] == Outcome.PENDING}
    owed = tuple(text for one in item.get("owed", []) if (text := _owed(one, rows)))
    counts = Counter(row["outcome"] for row in rows if row["name"] not in waiting)
    outcome = next((str(one) for one in WORST_FIRST if counts[one]), OWED if waiting else NOT_RUN)
    if outcome == Outcome.PASSED:
        outcome = BOUNDED if owed else PROVED if document["phase"] == "gate" and item.get("figure") else outcome
    return Answer(
        key=item["key"],
        part=item.get("part", ""),
        title=item["title"],
        outcome=outcome,
        passed=sum(row["outcome"] == Outcome.PASSED for row in rows),
        total=len(rows),
        figure=_figure(item.get("figure", []), rows),
        owed=owed,
        worst=tuple(row["name"] for row in rows if row["outcome"] != Outcome.PASSED),
    )


def _owed(item: Mapping[str, str], rows: Iterable[Row]) -> str:
    """What is still owed of a longer phase: nothing once its check has an answer other than PENDING."""
    about = [row for row in rows if row["id"] == item["check"]]
    if about and all(row["outcome"] != Outcome.PENDING for row in about):
        return ""
    until = max((str(row["evidence"].get("owed_until") or "") for row in about), default="")
    return item["text"] + (f", not before {until}" if until else "")


def _figure(ids: Iterable[str], rows: Iterable[Row]) -> Row | None:
    rows = list(rows)
    for check_id in ids:
        for row in rows:
            if row["id"] == check_id and row["figures"]:
                first: Row = row["figures"][0]
                return first
    return None


def show_figure(figure: Row) -> str:
    """A figure in one short text: `41.2 ms (limit 100 ms, n=300, 95% confidence)`."""
    unit = f" {figure['unit']}" if figure.get("unit") else ""
    about = show_about(figure)
    return f"{show_value(figure)}{unit}" + (f" ({about})" if about else "")


def show_value(figure: Row) -> str:
    """A figure's value without its unit; empty where it has none."""
    return "" if figure.get("value") is None else f"{round(figure['value'], 3):g}"


def show_about(figure: Row) -> str:
    """What a figure's value has to be read with: limit, n, bound, confidence, interval, window."""
    unit = f" {figure['unit']}" if figure.get("unit") else ""
    about = []
    if figure.get("limit") is not None:
        about.append(f"limit {figure['limit']:g}{unit}")
    if figure.get("n") is not None:
        about.append(f"n={figure['n']}")
    if figure.get("hazard_per_hour") is not None:
        about.append(f"at most {figure['hazard_per_hour']:.3g} an hour")
    if figure.get("confidence"):
        about.append(f"{figure['confidence']:.0%} confidence")
    if _is_interval(figure.get("interval")):
        about.append("between {:.3g} and {:.3g}".format(*figure["interval"]))
    if figure.get("window"):
        about.append(str(figure["window"]))
    return ", ".join(about)


def _is_interval(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and None not in value  # noqa: PLR2004 - its two ends
