"""Sends all notifications within a time limit. A failure is a note and never changes the verdict."""

import os
from collections.abc import Iterator, Mapping

from gate.outcomes import Verdict
from gate.report.checklist import Report
from gate.telling.github import notify_github, run_link
from gate.telling.gitlab import notify_gitlab
from gate.telling.message import compose, is_news
from gate.telling.messengers import VARIABLE, notify_messengers

WITHIN_S = 10.0  # for each: the forge, and all messengers together


def is_configured(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment configures any notification."""
    return any(environ.get(key) for key in (VARIABLE, "GITHUB_TOKEN", "NETRA_GITLAB_TOKEN"))


def notify(
    report: Report, before: Verdict | None, environ: Mapping[str, str] = os.environ, within_s: float = WITHIN_S
) -> Iterator[str]:
    """Notify the forge of every verdict, and messengers of news; yields a sentence for each failure.

    `before` is the last verdict of this target and phase other than INCONCLUSIVE. A run of a selection notifies no one.
    """
    if report.document.selection:
        return
    message = compose(report, run_link(environ) or environ.get("CI_JOB_URL", ""))
    yield from notify_github(report, message, environ, within_s)
    yield from notify_gitlab(report, environ, within_s)
    if environ.get(VARIABLE) and is_news(report.document.verdict, before):
        yield from notify_messengers(message, environ[VARIABLE], within_s)
