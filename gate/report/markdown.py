"""The summary as Markdown: for a CI step summary, a chat, a ticket."""

import re
from collections.abc import Sequence

from gate.plain_text import unaddressed
from gate.report.causes import causes_in_words, way_back
from gate.report.checklist import Report
from gate.report.wording import brief, sentence, show_figure
from gate.verdict_document import Document

MARKS = {
    "PASSED": "✅",
    "FAILED": "❌",
    "BROKEN": "⚠️",
    "PENDING": "⏳",
    "NOT_APPLICABLE": "🚫",
    "NOT RUN": "·",
    "BOUNDED": "◐",
    "OWED": "⏳",
    "PROVED": "✅",
}
MOST_CAUSES = 12
MOST_CASES = 25
MOST_MISSING = 8
CODE = re.compile(r"((?<!`)`[^`]+`(?!`))")
ENTITY = re.compile(r"&(?=#?[A-Za-z0-9]+;)")
OBEYED = re.compile(r"\\(?=[!-/:-@\[-`{-~])|[`*~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def render_markdown(report: Report) -> str:
    """Render the verdict, the causes of what did not pass, metrics and checklist."""
    document = report.document
    revision = document.revision or "not known"
    about = f"Phase {document.phase}, run `{document.run_id}`, {document.started}."
    lines = [
        f"# {document.verdict}: {document.target}, revision {_cell(revision)}",
        "",
        f"{_cell(sentence(document.reason))} {about}",
        "",
        *_in_short(report),
        *_causes(report),
        *_metrics(report),
        *_checklist(report),
    ]
    counts = ", ".join(f"{count} {outcome}" for outcome, count in document.counts.items())
    lines += [
        "",
        f"Cases: {counts or 'none'}.",
        "",
        *_changes(document),
        *_known(document),
        *_doubts_and_notes(document),
    ]
    return "\n".join(lines) + "\n"


def _metrics(report: Report) -> list[str]:
    lines = ["| Success metric | Outcome | Figure |", "|---|---|---|"]
    for answer in report.metrics:
        figure = brief(show_figure(answer.figure)) if answer.figure else f"{answer.passed} of {answer.total} passed"
        owed = brief(f"; still owed: {', '.join(answer.owed)}") if answer.owed else ""
        lines.append(f"| {answer.title} | {MARKS[answer.outcome]} {answer.outcome} | {_cell(figure)}{_cell(owed)} |")
    return [*lines, ""]


def _checklist(report: Report) -> list[str]:
    lines = [
        f"| {answer.part}: {answer.title} | {MARKS[answer.outcome]} {answer.outcome} | {answer.passed}/{answer.total} |"
        for answer in report.checklist
    ]
    return ["| Deployment checklist | Outcome | Cases |", "|---|---|---|", *lines]


def _changes(document: Document) -> list[str]:
    changes = document.changes
    if not changes:
        return []
    lines = [f"- new cause: {_cell(sentence)}" for sentence in changes.new_causes]
    lines += [f"- no longer a cause: {_cell(sentence)}" for sentence in changes.gone_causes]
    lines += _few("newly failing", changes.newly_failing) + _few("newly passing", changes.newly_passing)
    lines += [
        f"- moved beyond its interval: `{one.name}`, {one.before.value:g} to {one.now.value:g} {one.unit}"
        for one in changes.moved
    ]
    return [
        f"Since run `{changes.since}`:",
        "",
        *(lines or ["- nothing newly fails or passes, and no figure has moved"]),
        "",
    ]


def _few(label: str, names: Sequence[str]) -> list[str]:
    more = [f"- {label}: and {len(names) - MOST_CASES} more"] if len(names) > MOST_CASES else []
    return [*(f"- {label}: `{name}`" for name in names[:MOST_CASES]), *more]


def _known(document: Document) -> list[str]:
    if not document.known_failures:
        return []
    lines = ["| Known failure | State | Owner | Until | Reason |", "|---|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.state} | {_cell(one.owner)} | {one.expires} | {_cell(one.reason)} |"
        for one in document.known_failures
    ]
    return [*lines, ""]


def _doubts_and_notes(document: Document) -> list[str]:
    missing = document.missing
    lines = [f"- {_cell(sentence(one))}" for one in [*document.doubts, *document.notes]]
    if missing:
        more = f" and {len(missing) - MOST_MISSING} more" if len(missing) > MOST_MISSING else ""
        named = ", ".join(f"`{one}`" for one in missing[:MOST_MISSING])
        lines.append(f"- {len(missing)} required cases did not run: {named}{more}.")
    return [*lines, ""] if lines else []


def _in_short(report: Report) -> list[str]:
    """For the first screen: one line per cause with whom to call, and the rollback."""
    lines = []
    for number, one in enumerate(causes_in_words(report)[:MOST_CAUSES], 1):
        call = f" (call: {_cell(one.whom_to_call)})" if one.whom_to_call else ""
        lines.append(f"{number}. **{one.count}**: {_cell(one.short)}{call}")
    if back := way_back(report):
        lines += ["", f"Go back: `{' '.join(back.split())}`"]
    return [*lines, ""] if lines else []


def _causes(report: Report) -> list[str]:
    """What did not pass, one section per cause, largest first, with the cases folded."""
    lines: list[str] = []
    causes = causes_in_words(report)
    for one in causes[:MOST_CAUSES]:
        cause = one.cause
        lines += [f"### {MARKS[cause.outcome]} {one.count}: {_cell(cause.sentence)}", ""]
        details = {
            "what to do": cause.remedy,
            "whom to call": one.whom_to_call,
            "turns red": "; ".join(one.turns_red),
            "when": one.since,
            "again": f"`{one.rerun}`" if one.rerun else "",
        }
        lines += [f"- **{label}**: {_cell(text)}" for label, text in details.items() if text]
        lines += ["", "<details><summary>Cases and the server's own words</summary>", ""]
        lines += [f"- `{_cell(name)}`{_cell(_seen(report, name))}" for name in cause.cases[:MOST_CASES]]
        lines += [f"- and {len(cause.cases) - MOST_CASES} more"] if len(cause.cases) > MOST_CASES else []
        lines += ["", *_block(one.traceback), "", "</details>", ""]
    if len(causes) > MOST_CAUSES:
        lines += [f"… and {len(causes) - MOST_CAUSES} more causes: see `report.html`.", ""]
    return lines


def _seen(report: Report, name: str) -> str:
    row = next(row for row in report.document.checks if row.name == name)
    expected = f" expected {row.expected}," if row.expected else ""
    return f":{expected} got {row.actual or row.reason}"


def _cell(text: str) -> str:
    """A text as one line of Markdown, in a table, too. Only code is obeyed: `make …` in our own advice.

    A server's text may hold anything: `__init__` stays as it is, and names no person and no issue.
    """
    parts = CODE.split(text.replace("\n", " "))
    plain = [part if place % 2 else _plain(part) for place, part in enumerate(parts)]
    return "".join(plain).replace("|", "\\|")


def _plain(text: str) -> str:
    escaped = ENTITY.sub("&amp;", OBEYED.sub(r"\\\g<0>", text)).replace("<", "&lt;")
    return unaddressed(escaped)


def _block(lines: Sequence[str]) -> list[str]:
    """Lines as they are: a block of code, whose fence no line can end."""
    longest = max((len(found) for line in lines for found in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence] if lines else []
