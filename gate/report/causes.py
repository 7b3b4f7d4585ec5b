"""The wording of causes, the same on the terminal, in the summary and on the page."""

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

from gate.outcomes import Verdict
from gate.report.checklist import Report, owner
from gate.report.wording import brief, rerun
from gate.verdict_document import Cause, Row

TRACE = re.compile(r"[0-9a-f]{32}")
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,29}")
MOST_CASES = 4
MOST_TRACEBACK = 12


CONSOLE = "https://console.cloud.google.com"
LOGS_EXPLORER = CONSOLE + "/logs/query;query={query}?project={project}"
SHORTEST, MOST_SHORT = 30, 140  # characters of a cause in one line
MOST_SELECTION = 60  # characters of how cases were selected: more would fill a phone's first screen


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookRow:
    """The runbook's entry for a check that did not pass."""

    check_id: str
    requirement: str
    looking: str  # empty for a team's own check
    remedy: str
    whom_to_call: str

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"runbook-{self.check_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseInWords:
    """One cause as reports show it."""

    cause: Cause
    count: str  # "34 cases"
    short: str  # the sentence in one line, without the server's message in brackets
    since: str  # "22:36 to 22:37 UTC"
    cases: str  # the names of the first few
    turns_red: tuple[str, ...]  # titles of metrics and checklist items
    whom_to_call: str
    traceback: tuple[str, ...]  # its last lines, which show what was raised and where
    rerun: str  # the command that reruns its first case; empty if unknown
    runbook: tuple[RunbookRow, ...]  # of its checks
    logs_link: str  # its first request in the Logs Explorer; empty without a project or trace


def causes_in_words(report: Report) -> list[CauseInWords]:
    """Every cause of a report, in the document's order: largest first."""
    return [_in_words(report, cause) for cause in report.document.causes]


def way_back(report: Report) -> str:
    """The command that goes back from a NO-GO; empty for another verdict, and where none is known."""
    commands = report.document.release.get("rollback") or [""]
    return str(commands[0]) if report.document.verdict is Verdict.NO_GO else ""


def _runbook(report: Report, cause: Cause) -> tuple[RunbookRow, ...]:
    """The runbook's rows of a cause's checks, each once."""
    names = frozenset(cause.cases)
    rows = {row.id: row for row in report.document.checks if row.name in names}
    return tuple(_runbook_row(rows[name]) for name in dict.fromkeys(map(_check_of, cause.cases)) if name in rows)


def _check_of(name: str) -> str:
    """The check that a case's name begins with."""
    return name.partition("[")[0]


def _runbook_row(row: Row) -> RunbookRow:
    return RunbookRow(
        check_id=row.id,
        requirement=row.requirement or row.claim,
        looking=row.looking,
        remedy=row.remedy,
        whom_to_call=owner(row.family),
    )


def _in_words(report: Report, cause: Cause) -> CauseInWords:
    count = len(cause.cases)
    more = f" and {count - MOST_CASES} more" if count > MOST_CASES else ""
    answers = (*report.metrics, *report.checklist)
    families = [family for family, _ in Counter(name.partition(".")[0] for name in cause.cases).most_common(2)]
    return CauseInWords(
        cause=cause,
        count=f"{count} case{'' if count == 1 else 's'}",
        short=_short(cause.sentence),
        since=brief(cause.first if cause.first == cause.last else f"{cause.first} to {cause.last}"),
        cases=", ".join(cause.cases[:MOST_CASES]) + more,
        turns_red=tuple(answer.title for answer in answers if not frozenset(cause.cases).isdisjoint(answer.worst)),
        whom_to_call="; ".join(dict.fromkeys(role for family in families if (role := owner(family)))),
        traceback=tuple(cause.traceback.rstrip().splitlines()[-MOST_TRACEBACK:]),
        rerun=rerun(report.document, cause.cases[0]),
        runbook=_runbook(report, cause),
        logs_link=_logs_link(str(report.document.release.get("project") or ""), cause),
    )


def _short(sentence: str) -> str:
    """The first clause of a sentence that also quotes the error, or its beginning."""
    first = sentence.partition(" (")[0]
    kept = first if len(first) >= SHORTEST else sentence
    return kept if len(kept) <= MOST_SHORT else f"{kept[: MOST_SHORT - 1]}…"


def revision_link(report: Report) -> str:
    """The revision's page at Google Cloud; empty if it has none."""
    release = report.document.release
    project, region, service = (str(release.get(key) or "") for key in ("project", "region", "service"))
    if report.document.environment == "local" or not (PROJECT.fullmatch(project) and region and service):
        return ""
    return f"{CONSOLE}/run/detail/{quote(region)}/{quote(service)}/revisions?project={project}"


def _logs_link(project: str, cause: Cause) -> str:
    trace = next((line.trace_id for line in cause.lines if TRACE.fullmatch(line.trace_id)), "")
    if not (PROJECT.fullmatch(project) and trace):
        return ""
    query = quote(f'trace="projects/{project}/traces/{trace}"', safe="")
    return LOGS_EXPLORER.format(query=query, project=project)


def scope(report: Report) -> str:
    """What the verdict is about and what is still owed: `for smoke, 2 of 5 metrics owed`."""
    document = report.document
    if document.selection:
        how = document.selection if len(document.selection) <= MOST_SELECTION else f"{len(document.checks)} cases"
        return f"of a selection ({how}): no verdict on the release"
    owed = sum(bool(answer.owed) for answer in report.metrics)
    what = "for all phases" if document.phase == "gate" else f"for {document.phase}"
    return f"{what}, {owed} of {len(report.metrics)} metrics owed" if owed else what
