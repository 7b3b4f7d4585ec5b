"""Every text that is made of a verdict, for a sample of which each part is known.

`python -m tests.gate.report.renderings` writes them to `expected/`, for review, after a change that was meant.
"""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from gate.report.allure import finish
from gate.report.checklist import answered
from gate.report.explain import explain
from gate.report.github import annotations
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.openmetrics import render_openmetrics
from gate.report.terminal import print_verdict
from gate.telling.message import compose
from tests.gate.report.samples import explained, refuted

RANDOM = re.compile(r"^[0-9a-f-]{36}-")
WORKFLOW = {
    "GITHUB_SERVER_URL": "https://forge.example",
    "GITHUB_REPOSITORY": "team/service",
    "GITHUB_RUN_ID": "7",
    "GITHUB_WORKFLOW": "Deploy",
}
EXPECTED = Path(__file__).parent / "expected"


def _terminal() -> str:
    file = io.StringIO()
    print_verdict(answered(refuted()), Path("/reports/x"), Console(file=file, width=100, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def _message() -> str:
    message = compose(answered(refuted()), "https://ci.example/1")
    return f"{message.title}\n\n{message.body}\n\n{message.brief}\n"


def _allure() -> str:
    """Allure's files in order of their names; for a random name of a result stands that of its case."""
    with TemporaryDirectory() as folder:
        finish(Path(folder), refuted(), WORKFLOW)
        files = {path.name: path.read_text(encoding="utf-8") for path in Path(folder).iterdir()}
    texts = {}
    for name, text in files.items():
        content = json.loads(text) if name.endswith(".json") else text
        result = content if isinstance(content, dict) and content.pop("uuid", "") else None
        place = f"result of {result['name']}" if result else RANDOM.sub("", name)
        texts[place] = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False)
    return "".join(f"{place}\n{texts[place]}\n" for place in sorted(texts))


RENDERINGS: dict[str, Callable[[], str]] = {
    "allure": _allure,
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
