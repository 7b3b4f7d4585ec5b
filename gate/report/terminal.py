"""The terminal: one line a family while it runs, then failures, checklist, metrics and the verdict."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gate.outcomes import Outcome, Verdict
from gate.report.checklist import BOUNDED, NOT_RUN, OWED, PROVED, Answer, Report
from gate.report.wording import brief, sentence, show_figure, worst_first
from gate.verdict_document import Document

STYLES = {
    "PASSED": "green", "FAILED": "bold red", "BROKEN": "yellow", "PENDING": "yellow",
    "NOT_APPLICABLE": "dim", NOT_RUN: "yellow", BOUNDED: "cyan", OWED: "cyan", PROVED: "green",
}  # fmt: skip
VERDICT_STYLES = {Verdict.GO: "bold green", Verdict.NO_GO: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}
LABELS = {"remedy": "what to do", "known_failure": "known"}
WIDTH_WITHOUT_TERMINAL = 100
MOST_FAILURES = 12
MOST_LINES = 6


def console_for(file: IO[str]) -> Console:
    """A console on a file: as wide as its terminal, or of a fixed width where there is none."""
    width = None if file.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=file, highlight=False, soft_wrap=False, width=width)


def print_verdict(report: Report, folder: Path, console: Console) -> None:
    """Print failures first, then the checklist and the metrics, then the verdict as the last line."""
    document = report.document
    _print_failures(document, console)
    console.print(_table("Deployment checklist", report.checklist), "")
    console.print(_table("Success metrics", report.metrics), "")
    for note in document.notes:
        console.print(f"note: {note}", markup=False)
    absent = [row for row in document.checks if row.outcome == Outcome.NOT_APPLICABLE]
    if absent:
        console.print(f"[dim]not applicable here: {len(absent)} cases, listed in the report[/dim]")
    console.print(sentence(document.reason), markup=False)
    console.print(f"report: {folder / 'report.html'}", markup=False, soft_wrap=True)
    style = VERDICT_STYLES[document.verdict]
    revision = document.revision or "unknown"
    console.print(
        f"[{style}]VERDICT: {document.verdict}[/] revision={escape(revision)} target={document.target} "
        f"exit_code={document.exit_code}",
        soft_wrap=not console.is_terminal,  # one line, for programs that look for it
    )


def _print_failures(document: Document, console: Console) -> None:
    missing = frozenset(document.missing)  # a line for all of them: a selection leaves out most
    shown = {Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING}
    rows = [row for row in document.checks if row.outcome in shown and row.name not in missing]
    rows.sort(key=lambda row: row.outcome != Outcome.FAILED)
    for row in rows[:MOST_FAILURES]:
        console.print(f"{mark(row.outcome)} {escape(row.name)}")
        told = ("requirement", "expected", "actual") if row.actual else ("requirement", "reason")
        for key in (*told, "remedy", "known_failure"):
            if said := getattr(row, key):
                label = LABELS.get(key, key)
                console.print(f"    {label + ':':<13}{said[:600]}", markup=False)
        for line in worst_first(row.server_lines)[:MOST_LINES]:
            console.print(f"    server:      {line.severity} {_short(line.text)}", markup=False, style="dim")
        console.print()
    if missing:
        console.print(f"{len(missing)} required cases did not run; the report lists them.\n")
    if len(rows) > MOST_FAILURES:
        console.print(f"… and {len(rows) - MOST_FAILURES} more, in the report.\n")


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
            continue  # not asked in this phase
        figure = brief(show_figure(answer.figure)) if answer.figure else f"{answer.passed}/{answer.total} passed"
        owed = brief(f"; owed: {'; '.join(answer.owed)}") if answer.owed else ""
        table.add_row(escape(answer.title), mark(answer.outcome), escape(figure + owed))
    return table


def mark(outcome: str) -> str:
    """An outcome in its colour, as rich markup."""
    return f"[{STYLES[outcome]}]{outcome}[/]"
