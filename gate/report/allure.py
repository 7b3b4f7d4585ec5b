"""Allure results: what allure-pytest wrote, adjusted to our outcomes, plus what it never saw."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import allure_commons
import attrs
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import TestResultContainer

from gate.outcomes import Outcome, Verdict
from gate.plain_text import neutralise
from gate.redaction import Redactor
from gate.report.checklist import answers_for_a_metric, epic, owner
from gate.report.wording import show_figure
from gate.strict_json import JSON
from gate.verdict_document import Document, Row

# Allure has no status for "no evidence yet" or "not applicable": both are "skipped", prefixed with our outcome.
STATUSES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.BROKEN: "broken",
    Outcome.PENDING: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}
KINDS = [
    {"name": "FAILED: the product does not meet the requirement", "matchedStatuses": ["failed"]},
    {"name": "BROKEN: we could not observe", "matchedStatuses": ["broken"]},
    {"name": "PENDING: not enough evidence yet", "matchedStatuses": ["skipped"], "messageRegex": "PENDING.*"},
    {
        "name": "NOT_APPLICABLE: not offered by this target",
        "matchedStatuses": ["skipped"],
        "messageRegex": "NOT_APPLICABLE.*",
    },
]
CONSOLE = "https://console.cloud.google.com"
MOST_NAME = 160
VERDICT = "verdict"
OURS = frozenset({"epic", "feature", "story", "severity", "owner", "netra-case", "tag"})


def write_clean(redactor: Redactor) -> None:
    """Let allure-pytest write only results, redacted and neutralised: a killed run leaves them as they were written."""
    for plugin in allure_commons.plugin_manager.get_plugins():
        if isinstance(plugin, AllureFileLogger):
            write = plugin._report_item  # noqa: SLF001 - there is no option for it
            plugin._report_item = partial(_unless_a_container, write, redactor)  # type: ignore[method-assign]  # noqa: SLF001 - same


def _unless_a_container(write: Callable[[object], None], redactor: Redactor, item: object) -> None:
    if not isinstance(item, TestResultContainer):
        with suppress(OSError):  # a full disk ends no run: where it matters, the verdict can't be written either
            write(_cleaned(item, redactor))


def _cleaned(value: Any, redactor: Redactor) -> Any:  # noqa: ANN401 - a part of one of Allure's results
    """A result with every text in it redacted and neutralised, in place."""
    if isinstance(value, str):
        return neutralise(redactor.text(value), multi_line=True)
    if isinstance(value, list):
        return [_cleaned(item, redactor) for item in value]
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            setattr(value, field.name, _cleaned(getattr(value, field.name), redactor))
    return value


def finish(folder: Path, document: Document, environ: Mapping[str, str] | None = None) -> None:
    """Give every row of the verdict exactly one result file with its outcome, and name the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {row.name: row for row in document.checks}
    for path in sorted(folder.glob("*-result.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        row = rows.pop(_label(result, "netra-case"), None)
        if row is None:
            path.unlink()  # not ours: a test that the verdict does not know
        else:
            path.write_text(json.dumps(result | _about(row, document, result.get("labels", []))), encoding="utf-8")
    for row in rows.values():
        (folder / f"{uuid4()}-result.json").write_text(json.dumps(_unseen(row, document)), encoding="utf-8")
    for path in folder.glob("*-globals.json"):
        path.unlink()
    for name, content in _verdict(document):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    keys = ("target", "revision", "phase", "profile", "verdict", "run_id")
    lines = [f"{key}={getattr(document, key)}" for key in keys]
    (folder / "environment.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "categories.json").write_text(json.dumps(_categories(document)), encoding="utf-8")
    executor = _executor(document, environ or {})
    if executor:
        (folder / "executor.json").write_text(json.dumps(executor), encoding="utf-8")


def _verdict(document: Document) -> Iterator[tuple[str, dict[str, JSON]]]:
    """What keeps Allure's page from looking good if the verdict is not GO: it counts results and has no verdict.

    It is an error of the whole run, which Allure shows at the top. If nothing that ran failed or broke (time is owed,
    rows were left, the run was cut short), it is also one broken result for the verdict itself, so that the ring is
    not green.
    """
    if document.verdict is Verdict.GO:
        return
    message = f"{document.verdict}: {document.reason}"
    yield f"{uuid4()}-globals.json", {"attachments": [], "errors": [{"message": message, "trace": ""}]}
    if not {Outcome.FAILED, Outcome.BROKEN} & document.counts.keys():
        yield f"{uuid4()}-result.json", _as_result(document, message)


def _as_result(document: Document, message: str) -> dict[str, JSON]:
    """The verdict itself as a broken test result."""
    digest = hashlib.sha256(VERDICT.encode()).hexdigest()
    started, ended = (round(datetime.fromisoformat(at).timestamp() * 1000) for at in (document.started, document.ended))
    return {
        "uuid": str(uuid4()),
        "start": started,
        "stop": ended,
        "name": f"{VERDICT}: {document.verdict}",
        "fullName": f"netra.{VERDICT}",
        "historyId": digest,
        "testCaseId": digest,
        "status": "broken",
        "statusDetails": {"message": message, "trace": ""},
        "links": [],
        "labels": [{"name": "epic", "value": "Release gate"}, {"name": "netra-case", "value": VERDICT}],
    }


def _categories(document: Document) -> list[dict[str, JSON]]:
    """One category per cause, largest first, then one per outcome for the rest.

    A result belongs to the first that matches.
    """
    causes = [
        {
            "name": f"{len(cause.cases)} with one cause: {cause.sentence}"[:MOST_NAME],
            "messageRegex": f"[\\s\\S]*\\[cause {cause.key}\\][\\s\\S]*",
            "matchedStatuses": sorted(
                {STATUSES[outcome] for outcome in (Outcome.FAILED, Outcome.BROKEN, cause.outcome)}
            ),
        }
        for cause in document.causes
    ]
    return [*causes, *KINDS]


def _label(result: dict[str, JSON], wanted: str) -> str:
    return next((str(one["value"]) for one in result.get("labels", []) if one["name"] == wanted), "")


def _about(row: Row, document: Document, others: list[dict[str, str]]) -> dict[str, JSON]:
    """Names that follow the check's id, so that its history survives a moved or renamed test; labels; the outcome."""
    digest = hashlib.sha256(row.name.encode()).hexdigest()
    labels = {
        "epic": epic(row.id),
        "feature": row.family,
        "story": row.requirement or row.id,
        "severity": _severity(row),
        "owner": owner(row.family),
        "netra-case": row.name,
    }
    kept = [one for one in others if one["name"] not in OURS]
    return {
        "name": row.name,
        "fullName": f"netra.{row.name}",
        "historyId": digest,
        "testCaseId": digest,
        "labels": kept + [{"name": key, "value": value} for key, value in labels.items() if value],
        "links": _links(row, document),
        **_outcome(row, next((cause.key for cause in document.causes if row.name in cause.cases), "")),
    }


def _severity(row: Row) -> str:
    """Severity: a success metric is a blocker, other required checks are critical, the rest is informational."""
    if not row.required:
        return "minor"
    return "blocker" if answers_for_a_metric(row.id) else "critical"


def _links(row: Row, document: Document) -> list[dict[str, str]]:
    """The revision's page, and the log of the last request, if the target is on Google Cloud."""
    release = document.release
    project, region, service = (str(release.get(key, "")) for key in ("project", "region", "service"))
    if document.environment == "local" or not project:
        return []
    page = f"{CONSOLE}/run/detail/{quote(region)}/{quote(service)}/revisions?project={quote(project)}"
    links = [{"name": document.revision or service, "url": page, "type": "link"}]
    for trace in row.traces[-1:] if row.outcome != Outcome.PASSED else []:
        query = quote(f'trace="projects/{project}/traces/{trace.trace_id}"', safe="")
        url = f"{CONSOLE}/logs/query;query={query}?project={quote(project)}"
        links.append({"name": f"log of {trace.request or trace.trace_id}", "url": url, "type": "link"})
    return links


def _outcome(row: Row, cause: str) -> dict[str, JSON]:
    outcome = row.outcome
    parts = {"requirement": row.requirement, "expected": row.expected, "actual": row.actual}
    lines = [f"{key}: {value}" for key, value in parts.items() if value]
    lines += [f"what to do: {row.remedy}"] if row.remedy else []
    lines += [f"server: {line.timestamp} {line.severity} {line.text}" for line in row.server_lines]
    message = "" if outcome is Outcome.PASSED else f"{outcome}: {row.reason}{cause and f' [cause {cause}]'}"
    details: dict[str, JSON] = {"message": message, "trace": "" if outcome is Outcome.PASSED else "\n".join(lines)}
    if row.known_failure:
        details |= {"known": True, "muted": True}
    figures = [f"* {figure.rule}: {show_figure(figure)}" for figure in row.figures]
    return {
        "status": STATUSES[outcome],
        "statusDetails": details,
        "description": "\n".join([row.requirement, "", *figures]).strip(),
    }


def _unseen(row: Row, document: Document) -> dict[str, JSON]:
    start = int(datetime.fromisoformat(document.started).timestamp() * 1000)
    stop = start + round(row.duration_s * 1000)
    return {"uuid": str(uuid4()), "start": start, "stop": stop, **_about(row, document, [])}


def _executor(document: Document, environ: Mapping[str, str]) -> dict[str, JSON]:
    """Who ran it, if the environment is a GitHub step."""
    server, repository, run = (environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if not (server and repository and run):
        return {}
    url = f"{server}/{repository}/actions/runs/{run}"
    name = f"{environ.get('GITHUB_WORKFLOW', repository)}: {document.run_id}"
    return {"name": "GitHub Actions", "type": "github", "url": server, "buildName": name, "buildUrl": url}
