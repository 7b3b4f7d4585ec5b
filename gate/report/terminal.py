"""The terminal: one line a family while it runs, then failures, checklist, metrics and the verdict."""

import time
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from gate.checklist import BOUNDED, NOT_RUN, OWED, PROVED, Answer, checklist, metrics
from gate.outcomes import Outcome, Verdict
from gate.report.wording import brief, sentence, show_figure
from gate.run import Result
from gate.verdict import name

STYLES = {
    "PASSED": "green", "FAILED": "bold red", "BROKEN": "yellow", "PENDING": "yellow",
    "NOT_APPLICABLE": "dim", NOT_RUN: "yellow", BOUNDED: "cyan", OWED: "cyan", PROVED: "green",
}  # fmt: skip
VERDICT_STYLES = {Verdict.GO: "bold green", Verdict.NO_GO: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}
LABELS = {"remedy": "what to do", "known_failure": "known"}
WIDTH_WITHOUT_TERMINAL = 100
LONG_S = 2.0
SAY_EVERY_S = 10.0
MOST_FAILURES = 12
MOST_LINES = 6


def console_for(file: IO[str]) -> Console:
    """A console on a file: as wide as its terminal, or of a fixed width where there is none."""
    width = None if file.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=file, highlight=False, soft_wrap=False, width=width)


class Live:
    """Says what is being checked: live where there is a terminal, a line a family everywhere."""

    def __init__(self, file: IO[str], *, verbose: bool) -> None:
        terminal = file.isatty()
        self.console = console_for(file)
        self._verbose = verbose
        self._family = ""
        self._results: list[Result] = []
        self._since = 0.0
        self._begun = 0.0
        self._said = 0.0
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
            console=self.console, transient=True,
        )  # fmt: skip
        self._animated = terminal and not verbose

    def begin(self, result: Result) -> None:
        """A case begins."""
        if result.check.family != self._family:
            self._end_family()
            self._family, self._results, self._since = result.check.family, [], time.monotonic()
        self._begun = time.monotonic()
        if self._animated:
            for task in list(self._progress.task_ids):
                self._progress.remove_task(task)
            done = f"{self._family:<14}{len(self._results)} done, now "
            self._progress.add_task(f"[dim]{done}[/]{escape(name(result.key))}")
            self._progress.start()

    def end(self, result: Result) -> None:
        """A case has ended. Without a terminal, one that took over two seconds gets a line of its own."""
        self._results.append(result)
        took = time.monotonic() - self._begun
        if self._verbose:
            self.console.print(f"{_mark(str(result.outcome))} {escape(name(result.key))}  {took:.2f} s")
        elif took > LONG_S and not self._animated:
            self.console.print(f"  [dim]{escape(name(result.key))} took {took:.1f} s[/dim]")

    def say(self, text: str) -> None:
        """Where the case in hand has got to: in place on a terminal, elsewhere a line every ten seconds."""
        if self._animated:
            for task in self._progress.task_ids:
                self._progress.update(task, description=escape(text))
        elif time.monotonic() - self._said >= SAY_EVERY_S:
            self._said = time.monotonic()
            self.console.print(f"  {text}", markup=False, soft_wrap=True)

    def close(self) -> None:
        """No more cases."""
        self._end_family()
        self._stop_progress()

    def _stop_progress(self) -> None:
        if self._animated:  # without a terminal, stopping what never started prints an empty line
            self._progress.stop()

    def _end_family(self) -> None:
        if not self._family:
            return
        self._stop_progress()
        counts = {one: sum(result.outcome is one for result in self._results) for one in Outcome}
        said = ", ".join(f"[{STYLES[one]}]{count} {one}[/]" for one, count in counts.items() if count)
        self.console.print(f"{self._family:<14}{said}  [dim]{time.monotonic() - self._since:.1f} s[/dim]")
        self._family = ""


def print_verdict(document: dict[str, Any], folder: Path, console: Console) -> None:
    """Print failures first, then the checklist and the metrics, then the verdict as the last line."""
    _print_failures(document, console)
    console.print(_table("Deployment checklist", checklist(document)), "")
    console.print(_table("Success metrics", metrics(document)), "")
    for note in document["notes"]:
        console.print(f"note: {note}", markup=False)
    absent = [row for row in document["checks"] if row["outcome"] == Outcome.NOT_APPLICABLE]
    if absent:
        console.print(f"[dim]not applicable here: {len(absent)} cases, listed in the report[/dim]")
    console.print(sentence(document["reason"]), markup=False)
    style = VERDICT_STYLES[Verdict(document["verdict"])]
    revision = document["revision"] or "unknown"
    console.print(
        f"[{style}]VERDICT: {document['verdict']}[/] revision={escape(revision)} target={document['target']} "
        f"exit_code={document['exit_code']}",
        soft_wrap=not console.is_terminal,  # one line, for programs that look for it
    )
    console.print(f"report: {folder / 'report.html'}", markup=False, soft_wrap=True)


def _print_failures(document: dict[str, Any], console: Console) -> None:
    missing = frozenset(document["missing"])  # a line for all of them: a selection leaves out most
    shown = {Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING}
    rows = [row for row in document["checks"] if row["outcome"] in shown and row["name"] not in missing]
    rows.sort(key=lambda row: row["outcome"] != Outcome.FAILED)
    for row in rows[:MOST_FAILURES]:
        console.print(f"{_mark(row['outcome'])} {escape(row['name'])}")
        told = ("requirement", "expected", "actual") if row["actual"] else ("requirement", "reason")
        for key in (*told, "remedy", "known_failure"):
            if row[key]:
                label = LABELS.get(key, key)
                console.print(f"    {label + ':':<13}{row[key][:600]}", markup=False)
        worst_first = sorted(row["server_lines"], key=lambda line: line["severity"] not in {"ERROR", "CRITICAL"})
        for line in worst_first[:MOST_LINES]:
            console.print(f"    server:      {line['severity']} {_short(line['text'])}", markup=False, style="dim")
        console.print()
    if missing:
        console.print(f"{len(missing)} required cases did not run; the report lists them.\n")
    if len(rows) > MOST_FAILURES:
        console.print(f"… and {len(rows) - MOST_FAILURES} more, in the report.\n")


def _short(text: str, most: int = 160) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _table(title: str, answers: list[Answer]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False, box=None, pad_edge=False)
    table.add_column("item")
    table.add_column("outcome", no_wrap=True)
    table.add_column("figure")
    for answer in answers:
        if not answer.total:
            continue  # not asked in this phase
        figure = brief(show_figure(answer.figure)) if answer.figure else f"{answer.passed}/{answer.total} passed"
        owed = brief(f"; owed: {'; '.join(answer.owed)}") if answer.owed else ""
        table.add_row(escape(answer.title), _mark(answer.outcome), escape(figure + owed))
    return table


def _mark(outcome: str) -> str:
    return f"[{STYLES[outcome]}]{outcome}[/]"
