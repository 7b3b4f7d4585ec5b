"""GitHub Actions: the step summary (1 MiB at most), and at most ten annotations of a kind: GitHub drops more."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gate.outcomes import EXIT_CODES, Outcome
from gate.report.checklist import Report
from gate.report.markdown import render_markdown
from gate.report.wording import sentence
from gate.verdict_document import Document, Row

MOST_ANNOTATIONS = 10  # of a kind, in a step
MOST_BYTES = 1024 * 1024
CUT = "\n\n(cut here: a step summary holds 1 MiB; `report.html` and `verdict.json` hold everything)\n"


def announce(report: Report, environ: Mapping[str, str]) -> None:
    """Append the summary and print annotations, where the environment says that this is a GitHub step."""
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        path = Path(summary)
        before = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write(fitting(render_markdown(report), MOST_BYTES - before))
    if environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(report.document):
            print(line)  # noqa: T201 - a workflow command is a line on stdout


def fitting(text: str, most: int) -> str:
    """The text if it fits into so many bytes, else its whole lines that do, and a word that it was cut."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    room = most - len(CUT.encode())
    return raw[:room].decode(errors="ignore").rpartition("\n")[0] + CUT if room > 0 else ""


def annotations(document: Document) -> list[str]:
    """The workflow commands: an error a FAILED, a warning a BROKEN or PENDING that is required, one for the verdict."""
    failed = [row for row in document.checks if row.outcome == Outcome.FAILED and not row.known_failure]
    open_ones = [
        row
        for row in document.checks
        if row.required and row.outcome in {Outcome.BROKEN, Outcome.PENDING, Outcome.NOT_APPLICABLE}
    ]
    verdict = f"{document.verdict}: {document.target} {document.revision}".strip()
    kind = {0: "notice", 1: "error"}.get(EXIT_CODES[document.verdict], "warning")
    room = {"error": MOST_ANNOTATIONS, "warning": MOST_ANNOTATIONS}
    if kind in room:
        room[kind] -= 1
    return [
        _line(kind, verdict, sentence(document.reason)),
        *_lines("error", failed, room["error"]),
        *_lines("warning", open_ones, room["warning"]),
    ]


def _lines(kind: str, rows: Sequence[Row], most: int) -> list[str]:
    if len(rows) <= most:
        return [_line(kind, row.name, row.reason or row.outcome) for row in rows]
    shown = [_line(kind, row.name, row.reason or row.outcome) for row in rows[: most - 1]]
    return [*shown, _line(kind, f"{len(rows) - len(shown)} more", "see the step summary")]


def _line(kind: str, title: str, text: str) -> str:
    return f"::{kind} title={_escape(title, title=True)}::{_escape(text)}"


def _escape(text: str, *, title: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if title else text
