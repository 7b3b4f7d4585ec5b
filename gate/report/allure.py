"""Allure results: what allure-pytest wrote, brought in line with our outcomes, plus what it never saw."""

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from gate.outcomes import Outcome

# Allure has no word for "no evidence yet" or "can't be asked here": both are its "skipped", with our word in front.
STATUSES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.BROKEN: "broken",
    Outcome.PENDING: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}
CATEGORIES = [
    {"name": "FAILED: the product does not meet the requirement", "matchedStatuses": ["failed"]},
    {"name": "BROKEN: we could not find out", "matchedStatuses": ["broken"]},
    {"name": "PENDING: not enough evidence yet", "matchedStatuses": ["skipped"], "messageRegex": "PENDING.*"},
    {"name": "NOT_APPLICABLE: not on offer here", "matchedStatuses": ["skipped"], "messageRegex": "NOT_APPLICABLE.*"},
]


def finish(folder: Path, document: dict[str, Any]) -> None:
    """Give every row of the verdict exactly one result file with its outcome, and name the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {row["name"]: row for row in document["checks"]}
    for path in sorted(folder.glob("*-result.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        row = rows.pop(_label(result, "netra-case"), None)
        if row is not None:
            path.write_text(json.dumps(result | _identity(row) | _outcome(row)), encoding="utf-8")
    for row in rows.values():
        (folder / f"{uuid4()}-result.json").write_text(json.dumps(_unseen(row)), encoding="utf-8")
    environment = {key: document[key] for key in ("target", "revision", "phase", "profile", "verdict", "run_id")}
    lines = [f"{key}={value}" for key, value in environment.items()]
    (folder / "environment.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "categories.json").write_text(json.dumps(CATEGORIES), encoding="utf-8")


def _label(result: dict[str, Any], wanted: str) -> str:
    return next((str(one["value"]) for one in result.get("labels", []) if one["name"] == wanted), "")


def _identity(row: dict[str, Any]) -> dict[str, str]:
    """Names that follow the check's id, so that its history survives a moved or renamed test."""
    digest = hashlib.sha256(row["name"].encode()).hexdigest()
    return {"name": row["name"], "fullName": f"netra.{row['name']}", "historyId": digest, "testCaseId": digest}


def _outcome(row: dict[str, Any]) -> dict[str, Any]:
    outcome = Outcome(row["outcome"])
    parts = {"requirement": row["requirement"], "expected": row["expected"], "actual": row["actual"]}
    lines = [f"{key}: {value}" for key, value in parts.items() if value]
    lines += [f"what to do: {row['remedy']}"] if row["remedy"] else []
    lines += [f"server: {line['timestamp']} {line['severity']} {line['text']}" for line in row["server_lines"]]
    message = "" if outcome is Outcome.PASSED else f"{outcome}: {row['reason']}"
    details = {"message": message, "trace": "" if outcome is Outcome.PASSED else "\n".join(lines)}
    return {"status": STATUSES[outcome], "statusDetails": details, "description": row["requirement"]}


def _unseen(row: dict[str, Any]) -> dict[str, Any]:
    labels = {"epic": "Release gate", "feature": row["family"], "story": row["id"], "netra-case": row["name"]}
    return {
        "uuid": str(uuid4()),
        **_identity(row),
        "start": 0,
        "stop": 0,
        "labels": [{"name": key, "value": value} for key, value in labels.items()],
        **_outcome(row),
    }
