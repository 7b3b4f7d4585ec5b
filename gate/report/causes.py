"""Causes in words, alike on the terminal, in the summary and on the page."""

from dataclasses import dataclass

from gate.report.checklist import Report, owner
from gate.report.wording import brief
from gate.verdict_document import Cause

MOST_CASES = 4
MOST_TRACEBACK = 12


@dataclass(frozen=True, slots=True)
class CauseInWords:
    """One cause as reports show it."""

    cause: Cause
    count: str  # "34 cases"
    since: str  # "22:36 to 22:37 UTC"
    cases: str  # the first few by name
    turns_red: tuple[str, ...]  # titles of metrics and checklist items
    whom_to_call: str
    traceback: tuple[str, ...]  # its last lines, which say what was raised and where


def causes_in_words(report: Report) -> list[CauseInWords]:
    """Every cause of a report, in the document's order: largest first."""
    return [_in_words(report, cause) for cause in report.document.causes]


def _in_words(report: Report, cause: Cause) -> CauseInWords:
    count = len(cause.cases)
    more = f" and {count - MOST_CASES} more" if count > MOST_CASES else ""
    answers = (*report.metrics, *report.checklist)
    families = list(dict.fromkeys(name.partition(".")[0] for name in cause.cases))
    return CauseInWords(
        cause=cause,
        count=f"{count} case{'' if count == 1 else 's'}",
        since=brief(cause.first if cause.first == cause.last else f"{cause.first} to {cause.last}"),
        cases=", ".join(cause.cases[:MOST_CASES]) + more,
        turns_red=tuple(answer.title for answer in answers if not frozenset(cause.cases).isdisjoint(answer.worst)),
        whom_to_call="; ".join(dict.fromkeys(role for family in families[:2] if (role := owner(family)))),
        traceback=tuple(cause.traceback.rstrip().splitlines()[-MOST_TRACEBACK:]),
    )
