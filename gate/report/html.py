"""`report.html`: one self-contained page, readable without its script, on a screen, a phone and paper."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gate.figures import Figure
from gate.outcomes import Outcome, Verdict
from gate.plain_text import neutralise
from gate.report.causes import causes_in_words, revision_link, scope
from gate.report.checklist import Answer, Report
from gate.report.plots import draw
from gate.report.wording import brief, rerun, sentence, show_about, show_figure, show_value, worst_first
from gate.strict_json import JSON
from gate.verdict_document import Document, Estimate, Row

FAILING = (Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING)
MOST_CARDS = 60  # the rest is only listed: a page that opens quickly is more useful than a complete one
MOST_CAUSES = 12
MOST_LINES = 300  # of a table of evidence: the operations of a large service
MOST_CHARACTERS = 4000
HEAD, TAIL, LONGEST_LINE = 3, 8, 500


def render_html(report: Report) -> str:
    """Render the verdict's document as one HTML page."""
    document = report.document
    failures = _failures(document)
    plots = _plots(document.checks)
    causes = causes_in_words(report)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            doc=document,
            scope=scope(report),
            revision_link=revision_link(report),
            causes=causes,
            runbook=list({row.check_id: row for cause in causes[:MOST_CAUSES] for row in cause.runbook}.values()),
            most_causes=MOST_CAUSES,
            most_lines=MOST_LINES,
            took=_lasting(_seconds(document.started, document.ended)),
            span=_span(document),
            metrics=report.metrics,
            checklist=_placed(report.checklist),
            failures=failures,
            cards=[row.name for row in failures[:MOST_CARDS]],
            missing=_missing(document),
            unproved=_unproved(document.checks),
            families=_families(document.checks),
            plots=plots,
            sections=_sections(document, failures, plots),
        )
    )


def _failures(document: Document) -> list[Row]:
    """The rows that ran and did not pass, worst outcome first."""
    missing = set(document.missing)
    ran = [row for row in document.checks if row.name not in missing]
    return [row for outcome in FAILING for row in ran if row.outcome == outcome]


def _as_text(value: object) -> object:
    """What a page shows, neutralised. A document already is; a history's texts come unchanged from the store."""
    return neutralise(value, multi_line=True) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def environment() -> Environment:
    """The templates, with the filters that they use."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=_as_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= FILTERS
    made.globals["policy"] = _policy
    return made


def _policy(script: str = "") -> str:
    """What a browser may do with a page: run this script and no other, and fetch nothing."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def _sections(document: Document, failures: Sequence[Row], plots: Sequence[object]) -> list[tuple[str, str]]:
    titles = {
        "next": "Next" if document.causes or document.verdict is not Verdict.GO else "",
        "causes": f"Causes ({len(document.causes)})" if document.causes else "",
        "metrics": "Metrics",
        "checklist": "Checklist",
        "failures": f"Did not pass ({len(failures)})" if failures else "",
        "changes": "Changes" if document.changes else "",
        "runbook": "Runbook" if document.causes else "",
        "measurements": "Measurements" if plots else "",
        "unproved": "Not proved",
        "runs": "Runs" if document.gate else "",
        "known": "Known failures" if document.known_failures else "",
        "rollback": "Going back",
        "cases": "Every check",
    }
    return [(anchor, title) for anchor, title in titles.items() if title]


def _placed(answers: Sequence[Answer]) -> list[dict[str, JSON]]:
    """Answers with their position, so that grouping by part keeps the order of the checklist."""
    keys = ("part", "title", "outcome", "passed", "total", "worst")
    return [{key: getattr(one, key) for key in keys} | {"place": place} for place, one in enumerate(answers)]


def _families(rows: Iterable[Row]) -> dict[str, list[Row]]:
    families: dict[str, list[Row]] = {}
    for row in rows:
        families.setdefault(row.family, []).append(row)
    return families


def _missing(document: Document) -> dict[str, dict[str, JSON]]:
    """Required cases without a result, one line per check."""
    names = set(document.missing)
    by_check: dict[str, dict[str, JSON]] = {}
    for row in document.checks:
        if row.name in names:
            about = by_check.setdefault(row.id, {"reason": row.reason, "cases": []})
            about["cases"] += [row.case] if row.case else []
    return by_check


def _unproved(rows: Iterable[Row]) -> dict[str, list[str]]:
    """What is not offered here, by reason."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row.outcome == Outcome.NOT_APPLICABLE:
            names = by_reason.setdefault(row.reason, [])
            names += [row.id] if row.id not in names else []
    return by_reason


def _plots(rows: Iterable[Row]) -> list[dict[str, str]]:
    wanted = [(row.name, plot) for row in rows for plot in row.plots]
    drawn = []
    for number, (name, plot) in enumerate(wanted):
        svg, text = draw(plot, number)
        drawn.append({"name": name, "svg": svg, "text": text})
    return drawn


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _lasting(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"


def _span(document: Document) -> str:
    inputs = document.gate.inputs if document.gate else []
    if not inputs:
        return ""
    return _lasting(_seconds(min(one.started for one in inputs), max(one.ended for one in inputs)))


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"


def _covered(figure: Figure) -> str:
    return f"{(figure.covered_s or 0) / 3600:.3g} of {(figure.need_s or 0) / 3600:.3g} hours covered without a gap"


def _estimate(estimate: Estimate, unit: str) -> str:
    return f"{estimate.value:.3g} {unit} ({estimate.low:.3g} to {estimate.high:.3g})"


def _anchor(name: str) -> str:
    """An id for a case: readable, and different for different names."""
    return "case-" + re.sub(r"[^A-Za-z0-9.-]", lambda it: f"_{ord(it[0]):x}", name)


def _coded(text: str) -> Markup:
    """A line of the runbook: text between backticks is code."""
    parts = enumerate(text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in parts)


def _pretty(value: JSON) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode()


def _tables(row: Row) -> dict[str, list[dict[str, JSON]]]:
    """What of a case's evidence is a table, by its name: objects with the same keys."""
    return {
        name: value
        for name, value in row.evidence.items()
        if isinstance(value, list)
        and value
        and all(isinstance(one, dict) and list(one) == list(value[0]) for one in value)
    }


def _cell(value: JSON) -> str:
    """A value as a cell of a table: what is in an object or a list, in a line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _limited(text: str, most: int = MOST_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters; all of them are in verdict.json)"


def _log_text(text: str) -> str:
    """A log entry's first and last lines: a traceback's end says where it happened."""
    lines = text.splitlines()
    left_out = len(lines) - HEAD - TAIL
    if left_out > 1:
        lines = [*lines[:HEAD], f"  … {left_out} lines …", *lines[-TAIL:]]
    return "\n".join(_limited(line, LONGEST_LINE) for line in lines)


FILTERS = {
    "about": show_about,
    "anchor": _anchor,
    "brief": brief,
    "cell": _cell,
    "coded": _coded,
    "covered": _covered,
    "estimate": _estimate,
    "figure": show_figure,
    "limited": _limited,
    "log_text": _log_text,
    "moment": _moment,
    "plain": neutralise,
    "pretty": _pretty,
    "rerun": rerun,
    "sentence": sentence,
    "tables": _tables,
    "value": show_value,
    "worst_first": worst_first,
}  # of the templates
