"""GitLab: one note on the merge request, which is updated (https://docs.gitlab.com/api/notes/).

A job's own token can't write notes: NETRA_GITLAB_TOKEN is a project's access token with the scope `api`.
"""

from collections.abc import Iterator, Mapping

from gate.report.checklist import Report
from gate.report.github import fitting
from gate.report.markdown import render_markdown
from gate.telling.api import Api, NotNotified

MOST_NOTE = 900_000  # bytes; GitLab allows a million characters
NEEDED = ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "NETRA_GITLAB_TOKEN")


def notify_gitlab(report: Report, environ: Mapping[str, str], within_s: float) -> Iterator[str]:
    """Notify GitLab, if the job belongs to a merge request; yields a sentence on failure."""
    if not all(environ.get(key) for key in NEEDED):
        return
    api = Api.at("GitLab", environ["CI_API_V4_URL"], {"PRIVATE-TOKEN": environ["NETRA_GITLAB_TOKEN"]}, within_s)
    notes = f"/projects/{environ['CI_PROJECT_ID']}/merge_requests/{environ['CI_MERGE_REQUEST_IID']}/notes"
    marker = f"<!-- netra-verify/{report.document.target}/{report.document.phase} -->"
    link = environ.get("CI_JOB_URL", "")
    text = fitting(f"{marker}\n{render_markdown(report)}\n{link}\n", MOST_NOTE)
    try:
        before = api.find_marked(notes, marker)
        if before is not None:
            api.ask("PUT", f"{notes}/{before['id']}", {"body": text})
        else:
            api.ask("POST", notes, {"body": text})
    except NotNotified as error:
        yield str(error)
