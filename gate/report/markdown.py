"""The summary as Markdown: for a CI step summary, a chat, a ticket."""

from gate.outcomes import Outcome
from gate.report.checklist import Report
from gate.report.wording import brief, sentence, show_figure
from gate.verdict_document import Document

MARKS = {"PASSED": "✅", "FAILED": "❌", "BROKEN": "⚠️", "PENDING": "⏳", "NOT_APPLICABLE": "🚫", "NOT RUN": "·",
         "BOUNDED": "◐", "OWED": "⏳", "PROVED": "✅"}  # fmt: skip
MOST_FAILURES = 25
MOST_MISSING = 8


def render_markdown(report: Report) -> str:
    """Render verdict, metrics, checklist and everything that did not pass."""
    document = report.document
    revision = document.revision or "not known"
    about = f"Phase {document.phase}, run `{document.run_id}`, {document.started}."
    lines = [
        f"# {document.verdict}: {document.target}, revision {revision}",
        "",
        f"{_cell(sentence(document.reason))} {about}",
        "",
        "| Success metric | Outcome | Figure |",
        "|---|---|---|",
    ]
    for answer in report.metrics:
        figure = brief(show_figure(answer.figure)) if answer.figure else f"{answer.passed} of {answer.total} passed"
        owed = brief(f"; still owed: {', '.join(answer.owed)}") if answer.owed else ""
        lines.append(f"| {answer.title} | {MARKS[answer.outcome]} {answer.outcome} | {_cell(figure)}{_cell(owed)} |")
    lines += ["", "| Deployment checklist | Outcome | Cases |", "|---|---|---|"]
    lines += [
        f"| {answer.part}: {answer.title} | {MARKS[answer.outcome]} {answer.outcome} | {answer.passed}/{answer.total} |"
        for answer in report.checklist
    ]
    counts = ", ".join(f"{count} {outcome}" for outcome, count in document.counts.items())
    lines += ["", f"Cases: {counts or 'none'}.", "", *_changes(document), *_known(document)]
    return "\n".join([*lines, *_failures(document)]) + "\n"


def _changes(document: Document) -> list[str]:
    told = document.changes
    if not told:
        return []
    lines = [f"- newly failing: `{name}`" for name in told.newly_failing]
    lines += [f"- newly passing: `{name}`" for name in told.newly_passing]
    lines += [
        f"- moved beyond its interval: `{one.name}`, {one.before.value:g} to {one.now.value:g} {one.unit}"
        for one in told.moved
    ]
    return [f"Since run `{told.since}`:", "", *(lines or ["- nothing newly fails, passes or has moved"]), ""]


def _known(document: Document) -> list[str]:
    if not document.known_failures:
        return []
    lines = ["| Known failure | State | Owner | Until | Reason |", "|---|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.state} | {_cell(one.owner)} | {one.expires} | {_cell(one.reason)} |"
        for one in document.known_failures
    ]
    return [*lines, ""]


def _failures(document: Document) -> list[str]:
    missing = document.missing
    rows = [row for row in document.checks if row.outcome not in {Outcome.PASSED, Outcome.NOT_APPLICABLE}]
    rows = [row for row in rows if row.name not in set(missing)]
    rows.sort(key=lambda row: row.outcome != Outcome.FAILED)
    lines = [f"- {_cell(sentence(one))}" for one in [*document.doubts, *document.notes]]
    if missing:
        more = f" and {len(missing) - MOST_MISSING} more" if len(missing) > MOST_MISSING else ""
        named = ", ".join(f"`{one}`" for one in missing[:MOST_MISSING])
        lines.append(f"- {len(missing)} required cases did not run: {named}{more}.")
    lines += [""] if lines else []
    for row in rows[:MOST_FAILURES]:
        lines += [f"### {MARKS[row.outcome]} `{row.name}` {row.outcome}", ""]
        told = {"requirement": row.requirement, "expected": row.expected, "actual": row.actual}
        lines += [f"- **{key}**: {_cell(said)}" for key, said in told.items() if said]
        if not row.actual:
            lines.append(f"- **reason**: {_cell(row.reason)}")
        if row.known_failure:
            lines.append(f"- **known failure**: {_cell(row.known_failure)}")
        if row.remedy:
            lines.append(f"- **what to do**: {_cell(row.remedy)}")
        lines.append("")
    if len(rows) > MOST_FAILURES:
        lines += [f"… and {len(rows) - MOST_FAILURES} more: see `report.html`.", ""]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
