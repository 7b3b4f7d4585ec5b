"""The text of a notification, and whether there is news to send. Pure."""

from dataclasses import dataclass

from gate.outcomes import Verdict
from gate.plain_text import unaddressed
from gate.report.causes import causes_in_words, scope, way_back
from gate.report.checklist import Report
from gate.report.wording import sentence

MOST_CAUSES = 3
MOST_DESCRIPTION = 140  # characters of a commit status


@dataclass(frozen=True, slots=True)
class Message:
    """A verdict in a few lines of plain text."""

    title: str  # "NO-GO: staging, revision service-00094"
    body: str
    brief: str  # one line, for a commit status
    good: bool


def is_news(verdict: Verdict, before: Verdict | None) -> bool:
    """Whether to notify people: about every NO-GO, and about the first GO after one."""
    return verdict is Verdict.NO_GO or (verdict is Verdict.GO and before is Verdict.NO_GO)


def compose(report: Report, link: str = "") -> Message:
    """The verdict, the largest causes with what to do and whom to call, the rollback, and where to read more."""
    document = report.document
    causes = causes_in_words(report)
    lines = [f"{scope(report)}; run {document.run_id}", ""]
    for number, cause in enumerate(causes[:MOST_CAUSES], 1):
        lines += [f"{number}. {cause.count}: {cause.short}", f"   what to do: {cause.cause.remedy or 'see the report'}"]
        lines += [f"   call: {cause.whom_to_call}"] if cause.whom_to_call else []
    lines += [f"and {len(causes) - MOST_CAUSES} more causes"] if len(causes) > MOST_CAUSES else []
    lines += [] if causes else [sentence(document.reason)]
    back = way_back(report)
    lines += ["", f"go back: {back}"] if back else []
    lines += ["", link] if link else []
    return Message(
        title=f"{document.verdict}: {document.target}, revision {document.revision or 'not known'}",
        body=unaddressed("\n".join(lines)),
        brief=_brief(f"{document.verdict} {scope(report)}: {causes[0].short if causes else document.reason}"),
        good=document.verdict is Verdict.GO,
    )


def _brief(text: str) -> str:
    return text if len(text) <= MOST_DESCRIPTION else f"{text[: MOST_DESCRIPTION - 1]}…"
