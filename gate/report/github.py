"""GitHub Actions: the step summary, and at most ten annotations (more are dropped by GitHub itself)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gate.outcomes import Outcome
from gate.report.markdown import render_markdown

MOST_ANNOTATIONS = 10
MOST_BYTES = 1024 * 1024


def announce(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Append the summary and print annotations, where the environment says that this is a GitHub step."""
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        text = render_markdown(document).encode()[:MOST_BYTES].decode(errors="ignore")
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    if environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(document):
            print(line)  # noqa: T201 - a workflow command is a line on stdout


def annotations(document: dict[str, Any]) -> list[str]:
    """The workflow commands: failures first, ten at most."""
    rows = [row for row in document["checks"] if row["outcome"] in {Outcome.FAILED, Outcome.BROKEN}]
    rows.sort(key=lambda row: row["outcome"] != Outcome.FAILED)
    return [
        f"::{'error' if row['outcome'] == Outcome.FAILED else 'warning'} title={_escape(row['name'], title=True)}::"
        f"{_escape(row['reason'] or row['outcome'])}"
        for row in rows[:MOST_ANNOTATIONS]
    ]


def _escape(text: str, *, title: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if title else text
