"""GitHub: the commit's status, one comment on its pull request that is updated, the status of a deployment.

https://docs.github.com/en/rest: commits/statuses, issues/comments, deployments/statuses. Only if the step has
a token (`GITHUB_TOKEN: ${{ github.token }}`), with `statuses: write`, `pull-requests: write`, `deployments: write`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from gate.outcomes import Verdict
from gate.report.checklist import Report
from gate.report.github import fitting
from gate.report.markdown import render_markdown
from gate.strict_json import JSON
from gate.telling.api import Api, NotNotified
from gate.telling.message import Message

MOST_COMMENT = 60_000  # bytes; GitHub allows 65,536 characters
STATES = {Verdict.GO: "success", Verdict.NO_GO: "failure", Verdict.INCONCLUSIVE: "error"}
NEEDED = ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_TOKEN")


def run_link(environ: Mapping[str, str]) -> str:
    """The page of the workflow's run; empty elsewhere."""
    server, repository, run = (environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""


def notify_github(report: Report, message: Message, environ: Mapping[str, str], within_s: float) -> Iterator[str]:
    """Notify GitHub; yields a sentence for each part that failed."""
    if not all(environ.get(key) for key in NEEDED):
        return
    headers = {
        "Authorization": f"Bearer {environ['GITHUB_TOKEN']}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    api = Api.at("GitHub", environ["GITHUB_API_URL"], headers, within_s)
    event = _event(environ)
    repository = f"/repos/{environ['GITHUB_REPOSITORY']}"
    commit = str(_at(event, "pull_request", "head", "sha") or environ["GITHUB_SHA"])
    for notify in (_notify_commit, _notify_pull_request, _notify_deployment):
        try:
            notify(api, repository, commit, event, report, message, run_link(environ))
        except NotNotified as error:
            yield str(error)


def _notify_commit(
    api: Api, repository: str, commit: str, event: JSON, report: Report, message: Message, link: str
) -> None:
    del event
    body = {"state": STATES[report.document.verdict], "context": _name(report), "description": message.brief}
    api.ask("POST", f"{repository}/statuses/{commit}", body | ({"target_url": link} if link else {}))


def _notify_pull_request(
    api: Api, repository: str, commit: str, event: JSON, report: Report, message: Message, link: str
) -> None:
    del message
    number = _at(event, "pull_request", "number") or _pull_request_of(api, repository, commit)
    if not number:
        return
    marker = f"<!-- {_name(report)} -->"
    text = fitting(f"{marker}\n{render_markdown(report)}\n{link}\n", MOST_COMMENT)
    before = api.find_marked(f"{repository}/issues/{number}/comments", marker)
    if before is not None:
        api.ask("PATCH", f"{repository}/issues/comments/{before['id']}", {"body": text})
    else:
        api.ask("POST", f"{repository}/issues/{number}/comments", {"body": text})


def _notify_deployment(
    api: Api, repository: str, commit: str, event: JSON, report: Report, message: Message, link: str
) -> None:
    del commit
    deployment = _at(event, "deployment", "id")
    if deployment:
        body = {"state": STATES[report.document.verdict], "description": message.brief}
        api.ask("POST", f"{repository}/deployments/{deployment}/statuses", body | ({"log_url": link} if link else {}))


def _pull_request_of(api: Api, repository: str, commit: str) -> JSON:
    """The number of an open pull request that the commit is in; None without one."""
    found = api.ask("GET", f"{repository}/commits/{commit}/pulls")
    pulls = found if isinstance(found, list) else []
    return next((pull.get("number") for pull in pulls if pull.get("state") == "open"), None)


def _name(report: Report) -> str:
    return f"netra-verify/{report.document.target}/{report.document.phase}"


def _event(environ: Mapping[str, str]) -> JSON:
    """What started the workflow; empty if it can't be read."""
    try:
        return msgspec.json.decode(Path(environ.get("GITHUB_EVENT_PATH", "")).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}


def _at(value: JSON, *keys: str) -> JSON:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
