"""The summary as Markdown: for a CI step summary, a chat, a ticket."""

from typing import Any

from gate.checklist import checklist, metrics
from gate.outcomes import Outcome
from gate.report.wording import brief, sentence, show_figure

MARKS = {"PASSED": "✅", "FAILED": "❌", "BROKEN": "⚠️", "PENDING": "⏳", "NOT_APPLICABLE": "🚫", "NOT RUN": "·",
         "BOUNDED": "◐", "OWED": "⏳", "PROVED": "✅"}  # fmt: skip
MOST_FAILURES = 25


def render_markdown(document: dict[str, Any]) -> str:
    """Render verdict, metrics, checklist and everything that did not pass."""
    revision = document["revision"] or "not known"
    about = f"Phase {document['phase']}, run `{document['run_id']}`, {document['started']}."
    lines = [
        f"# {document['verdict']}: {document['target']}, revision {revision}",
        "",
        f"{_cell(sentence(document['reason']))} {about}",
        "",
        "| Success metric | Outcome | Figure |",
        "|---|---|---|",
    ]
    for answer in metrics(document):
        figure = brief(show_figure(answer.figure)) if answer.figure else f"{answer.passed} of {answer.total} passed"
        owed = brief(f"; still owed: {', '.join(answer.owed)}") if answer.owed else ""
        lines.append(f"| {answer.title} | {MARKS[answer.outcome]} {answer.outcome} | {_cell(figure)}{_cell(owed)} |")
    lines += ["", "| Deployment checklist | Outcome | Cases |", "|---|---|---|"]
    lines += [
        f"| {answer.part}: {answer.title} | {MARKS[answer.outcome]} {answer.outcome} | {answer.passed}/{answer.total} |"
        for answer in checklist(document)
    ]
    return "\n".join([*lines, "", *_failures(document)]) + "\n"


def _failures(document: dict[str, Any]) -> list[str]:
    rows = [row for row in document["checks"] if row["outcome"] not in {Outcome.PASSED, Outcome.NOT_APPLICABLE}]
    rows.sort(key=lambda row: row["outcome"] != Outcome.FAILED)
    lines = []
    for row in rows[:MOST_FAILURES]:
        lines += [f"### {MARKS[row['outcome']]} `{row['name']}` {row['outcome']}", ""]
        lines += [f"- **{key}**: {_cell(row[key])}" for key in ("requirement", "expected", "actual") if row[key]]
        if not row["actual"]:
            lines.append(f"- **reason**: {_cell(row['reason'])}")
        if row["remedy"]:
            lines.append(f"- **what to do**: {_cell(row['remedy'])}")
        lines.append("")
    if len(rows) > MOST_FAILURES:
        lines += [f"… and {len(rows) - MOST_FAILURES} more: see `report.html`.", ""]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
