"""Every text that is made of a verdict, for a sample of which each part is known.

`python -m tests.gate.report.renderings` writes them to `expected/`, for review, after a change that was meant.
"""

import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from gate.report.checklist import answered
from gate.report.explain import explain
from gate.report.github import annotations
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.openmetrics import render_openmetrics
from gate.report.terminal import print_verdict
from gate.telling.message import compose
from tests.gate.report.samples import explained, refuted

EXPECTED = Path(__file__).parent / "expected"


def _terminal() -> str:
    file = io.StringIO()
    print_verdict(answered(refuted()), Path("/reports/x"), Console(file=file, width=100, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def _message() -> str:
    message = compose(answered(refuted()), "https://ci.example/1")
    return f"{message.title}\n\n{message.body}\n\n{message.brief}\n"


RENDERINGS: dict[str, Callable[[], str]] = {
    "annotations": lambda: "".join(f"{line}\n" for line in annotations(refuted())),
    "explain": lambda: explain(explained(), "websocket.one-hour") + "\n",
    "junit": lambda: render_junit(answered(refuted())),
    "message": _message,
    "openmetrics": lambda: render_openmetrics(answered(refuted())),
    "summary": lambda: render_markdown(answered(refuted())),
    "terminal": _terminal,
}

if __name__ == "__main__":
    for name, render in RENDERINGS.items():
        (EXPECTED / f"{name}.txt").write_text(render(), encoding="utf-8")
