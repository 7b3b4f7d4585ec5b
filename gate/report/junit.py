"""JUnit XML as GitHub, GitLab and Jenkins read it: one test case per row, stable names, our outcome as a property."""

from xml.etree import ElementTree as ET

from gate.outcomes import Outcome, Verdict
from gate.report.checklist import Report, owner
from gate.report.wording import rerun, show_figure
from gate.verdict_document import Cause, Row

# XML 1.0 allows no other control characters; a server's answer may hold any.
ALLOWED = {9, 10, 13}


def render_junit(report: Report) -> str:
    """Render the verdict. FAILED is a failure, BROKEN an error, PENDING and NOT_APPLICABLE are skipped.

    A verdict that is not GO although no case is red (doubts about the evidence, cases that did not run) is an error of
    its own: readers of this format look at cases alone.
    """
    document = report.document
    root = ET.Element("testsuites", name="netra-verify")
    causes = {name: cause for cause in document.causes for name in cause.cases}
    families: dict[str, list[Row]] = {}
    for row in document.checks:
        families.setdefault(row.family, []).append(row)
    for family, rows in families.items():
        suite = ET.SubElement(root, "testsuite", {"name": family, "timestamp": document.started, **_counts(rows)})
        for row in rows:
            suite.append(_case(row, causes.get(row.name), rerun(document, row.name)))
    counts = _counts(document.checks)
    if document.verdict is not Verdict.GO and counts["failures"] == counts["errors"] == "0":
        root.append(_verdict(document.verdict, document.reason, document.started))
        counts |= {"tests": str(len(document.checks) + 1), "errors": "1"}
    for key, value in counts.items():
        root.set(key, value)
    properties = ET.Element("properties")
    for key in ("verdict", "exit_code", "reason", "target", "revision", "profile", "phase", "run_id"):
        ET.SubElement(properties, "property", name=key, value=_clean(str(getattr(document, key))))
    root.insert(0, properties)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _verdict(verdict: Verdict, reason: str, started: str) -> ET.Element:
    """The verdict as a suite of one case, an error."""
    counts = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0.000"}
    suite = ET.Element("testsuite", {"name": "verdict", "timestamp": started, **counts})
    case = ET.SubElement(suite, "testcase", classname="netra.verdict", name="verdict", time="0.000")
    ET.SubElement(case, "error", message=_clean(reason), type=verdict).text = _clean(reason)
    return suite


def _counts(rows: list[Row]) -> dict[str, str]:
    outcomes = [row.outcome for row in rows]
    return {
        "tests": str(len(rows)),
        "failures": str(outcomes.count(Outcome.FAILED)),
        "errors": str(outcomes.count(Outcome.BROKEN)),
        "skipped": str(outcomes.count(Outcome.PENDING) + outcomes.count(Outcome.NOT_APPLICABLE)),
        "time": f"{sum(row.duration_s for row in rows):.3f}",
    }


def _case(row: Row, cause: Cause | None, again: str) -> ET.Element:
    time = f"{row.duration_s:.3f}"
    case = ET.Element("testcase", classname=f"netra.{row.family}", name=_clean(row.name), time=time)
    properties = ET.SubElement(case, "properties")
    values = {
        "check": row.id,
        "outcome": row.outcome,
        "required": str(row.required).lower(),
        "requirement": row.requirement,
        "owner": owner(row.family),
        "known_failure": row.known_failure,
        "cause": cause.signature if cause else "",
    }
    for key, value in values.items():
        if value:
            ET.SubElement(properties, "property", name=key, value=_clean(value))
    # Tools group failures by this text, so it has no port, id or number that differs from run to run.
    message = _clean(cause.signature if cause else row.reason)
    if row.outcome == Outcome.FAILED:
        ET.SubElement(case, "failure", message=message, type="FAILED").text = _clean(_details(row))
    elif row.outcome == Outcome.BROKEN:
        ET.SubElement(case, "error", message=message, type="BROKEN").text = _clean(_details(row))
    elif row.outcome != Outcome.PASSED:
        ET.SubElement(case, "skipped", message=f"{row.outcome}: {message}")
    figures = [f"{figure.rule}: {show_figure(figure)}" for figure in row.figures]
    repeating = [*row.curl[-1:], again] if row.outcome != Outcome.PASSED else []
    output = [*figures, *(f"repeat it: {line}" for line in repeating if line)]
    if output:
        ET.SubElement(case, "system-out").text = _clean("\n".join(output))
    return case


def _details(row: Row) -> str:
    parts = {key: getattr(row, key) for key in ("requirement", "expected", "actual", "reason", "remedy")}
    lines = [f"{key}: {text}" for key, text in parts.items() if text]
    lines += [f"server: {line.timestamp} {line.severity} {line.text}" for line in row.server_lines]
    return "\n".join(lines)


def _clean(text: str) -> str:
    return "".join(
        char if ord(char) >= 32 or ord(char) in ALLOWED else f"\\x{ord(char):02x}"  # noqa: PLR2004 - the first printable
        for char in text
        if not 0xD800 <= ord(char) <= 0xDFFF and ord(char) not in {0xFFFE, 0xFFFF}  # noqa: PLR2004 - never in XML
    )
