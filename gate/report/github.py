"""GitHub Actions: the step summary (at most 1 MiB), and at most ten annotations of each kind: GitHub drops more."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gate.outcomes import EXIT_CODES, Outcome
from gate.report.checklist import Report
from gate.report.markdown import render_markdown
from gate.report.wording import sentence
from gate.verdict_document import Cause, Document

MOST_ANNOTATIONS = 10  # of a kind, in a step
MOST_BYTES = 1024 * 1024
CUT = "\n\n(cut here: a step summary is limited to 1 MiB; `report.html` and `verdict.json` have everything)\n"


def announce(report: Report, environ: Mapping[str, str]) -> list[str]:
    """Append the summary and print annotations, if the environment says that this is a GitHub step.

    Returns a sentence if the summary can't be written: the verdict and its files stand without it.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(report.document):
            print(line)  # noqa: T201 - a workflow command is a line on stdout
    summary = environ.get("GITHUB_STEP_SUMMARY")
    try:
        if summary:
            path = Path(summary)
            before = path.stat().st_size if path.exists() else 0
            with path.open("a", encoding="utf-8") as file:
                file.write(fitting(render_markdown(report), MOST_BYTES - before))
    except OSError as error:
        return [f"the step summary {summary} (GITHUB_STEP_SUMMARY) can't be written: {error.strerror}"]
    return []


def fitting(text: str, most: int) -> str:
    """The text if it fits into the given number of bytes, else the lines that fit, and a note that it was cut."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    room = most - len(CUT.encode())
    return raw[:room].decode(errors="ignore").rpartition("\n")[0] + CUT if room > 0 else ""


def annotations(document: Document) -> list[str]:
    """The workflow commands: one for the verdict, then one per cause: an error for FAILED, else a warning."""
    open_ones = {row.name for row in document.checks if row.required and row.outcome is not Outcome.PASSED}
    causes = [one for one in document.causes if one.outcome is Outcome.FAILED or not open_ones.isdisjoint(one.cases)]
    verdict = f"{document.verdict}: {document.target} {document.revision}".strip()
    kind = {0: "notice", 1: "error"}.get(EXIT_CODES[document.verdict], "warning")
    room = dict.fromkeys(("error", "warning"), MOST_ANNOTATIONS)
    if kind in room:
        room[kind] -= 1
    failed = [one for one in causes if one.outcome is Outcome.FAILED]
    return [
        _line(kind, verdict, sentence(document.reason)),
        *_lines("error", failed, room["error"]),
        *_lines("warning", [one for one in causes if one not in failed], room["warning"]),
    ]


def _lines(kind: str, causes: Sequence[Cause], most: int) -> list[str]:
    shown = causes if len(causes) <= most else causes[: most - 1]
    lines = [_line(kind, _title(one), "\n".join(filter(None, (one.sentence, one.remedy)))) for one in shown]
    left = len(causes) - len(shown)
    return [*lines, _line(kind, f"{left} more causes", "see the step summary")] if left else lines


def _title(cause: Cause) -> str:
    count = len(cause.cases)
    return cause.cases[0] if count == 1 else f"{count} cases with one cause, such as {cause.cases[0]}"


def _line(kind: str, title: str, text: str) -> str:
    return f"::{kind} title={_escape(title, title=True)}::{_escape(text)}"


def _escape(text: str, *, title: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if title else text
