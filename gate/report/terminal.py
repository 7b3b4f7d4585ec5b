"""The terminal: one line per family during the run, then causes, checklist, metrics and the verdict."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gate.outcomes import Outcome, Verdict
from gate.plain_text import neutralise
from gate.report.causes import causes_in_words, way_back
from gate.report.checklist import BOUNDED, NOT_RUN, OWED, PROVED, Answer, Report
from gate.report.wording import brief, sentence, show_figure
from gate.verdict_document import Cause, Document

STYLES = {
    "PASSED": "green",
    "FAILED": "bold red",
    "BROKEN": "yellow",
    "PENDING": "yellow",
    "NOT_APPLICABLE": "dim",
    NOT_RUN: "yellow",
    BOUNDED: "cyan",
    OWED: "cyan",
    PROVED: "green",
}
VERDICT_STYLES = {Verdict.GO: "bold green", Verdict.NO_GO: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}
WIDTH_WITHOUT_TERMINAL = 100
MOST_CAUSES = 8
MOST_IN_SHORT = 4
MOST_LINES = 6
MOST_SENTENCE = 300
MOST_TEXT = 600


def console_for(file: IO[str]) -> Console:
    """A console on a file: as wide as its terminal, or of a fixed width without one. `app.py:100:` stays as it is."""
    width = None if file.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=file, highlight=False, emoji=False, soft_wrap=False, width=width)


def print_verdict(report: Report, folder: Path, console: Console) -> None:
    """Print causes, the checklist and the metrics, then the causes in short, and the verdict as the last line."""
    document = report.document
    _print_causes(report, console)
    if not document.selection:
        console.print(_table("Deployment checklist", report.checklist), "")
        console.print(_table("Success metrics", report.metrics), "")
    for note in document.notes:
        console.print(f"note: {note}", markup=False)
    absent = [row for row in document.checks if row.outcome == Outcome.NOT_APPLICABLE]
    if absent:
        console.print(f"[dim]not applicable here: {len(absent)} cases, listed in the report[/dim]")
    for reason in dict.fromkeys([document.reason, *(document.doubts if document.selection else [])]):
        console.print(sentence(reason), markup=False)
    if not document.selection:
        _print_again_in_short(report, console)
    console.print(f"report: {neutralise(str(folder / 'report.html'))}", markup=False, soft_wrap=True)
    style = VERDICT_STYLES[document.verdict]
    revision = document.revision or "unknown"
    console.print(
        f"[{style}]VERDICT: {document.verdict}[/] revision={escape(revision)} target={escape(document.target)} "
        f"exit_code={document.exit_code}",
        soft_wrap=not console.is_terminal,  # one line, for programs that look for it
    )


def _print_causes(report: Report, console: Console) -> None:
    """One cause after the other, largest first: what it is, what to do, and which cases it affects."""
    causes = causes_in_words(report)
    for one in causes[:MOST_CAUSES]:
        cause = one.cause
        alone = len(cause.cases) == 1
        what = cause.cases[0] if alone else f"{one.count}: {_short(cause.sentence, MOST_SENTENCE)}"
        console.print(f"{mark(cause.outcome)} {escape(what)}")
        details = {
            **_of_one_case(report, cause),
            "cause": cause.sentence if alone and cause.traceback else "",
            "what to do": cause.remedy,
            "call": one.whom_to_call,
            "turns red": "; ".join(one.turns_red),
            "when": one.since,
            "cases": "" if alone else one.cases,
            "again": one.rerun,
        }
        for label, text in details.items():
            if text:
                console.print(f"    {label + ':':<13}{_short(text, MOST_TEXT)}", markup=False)
        for line in one.traceback[-MOST_LINES:]:
            console.print(f"    server:      {_short(line)}", markup=False, style="dim")
        console.print()
    if len(causes) > MOST_CAUSES:
        cases = sum(len(one.cause.cases) for one in causes[MOST_CAUSES:])
        console.print(f"… and {len(causes) - MOST_CAUSES} more causes of {cases} cases, in the report.\n")
    if report.document.missing:
        console.print(f"{len(report.document.missing)} required cases did not run; the report lists them.\n")
    _print_known(report.document, console)


def _print_again_in_short(report: Report, console: Console) -> None:
    """The causes again at the end of the terminal, one line each with whom to call, and the rollback."""
    causes = causes_in_words(report)
    for number, one in enumerate(causes[:MOST_IN_SHORT], 1):
        call = f" (call: {one.whom_to_call})" if one.whom_to_call else ""
        console.print(f"{number}. {one.count}: {one.short}{call}", markup=False)
    if len(causes) > MOST_IN_SHORT:
        console.print(f"and {len(causes) - MOST_IN_SHORT} more causes")
    if back := way_back(report):
        console.print(f"go back: {back}", markup=False, soft_wrap=True)


def _of_one_case(report: Report, cause: Cause) -> dict[str, str]:
    """What the first case of a cause expected and observed: the rest observed the same."""
    row = next(row for row in report.document.checks if row.name == cause.cases[0])
    seen = {"expected": row.expected, "actual": row.actual} if row.actual else {"reason": row.reason}
    return {"requirement": row.requirement} | seen


def _print_known(document: Document, console: Console) -> None:
    for row in document.checks:
        if row.known_failure and row.outcome is Outcome.FAILED:
            console.print(f"{mark(row.outcome)} {escape(row.name)}", f"known: {row.known_failure}", markup=True)


def _short(text: str, most: int = 160) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _table(title: str, answers: Sequence[Answer]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False, box=None, pad_edge=False)
    table.add_column("item")
    table.add_column("outcome", no_wrap=True)
    table.add_column("figure")
    for answer in answers:
        if not answer.total:
            continue  # not covered in this phase
        figure = brief(show_figure(answer.figure)) if answer.figure else f"{answer.passed}/{answer.total} passed"
        owed = brief(f"; owed: {'; '.join(answer.owed)}") if answer.owed else ""
        table.add_row(escape(answer.title), mark(answer.outcome), escape(figure + owed))
    return table


def mark(outcome: str) -> str:
    """An outcome in its colour, as rich markup."""
    return f"[{STYLES[outcome]}]{outcome}[/]"
