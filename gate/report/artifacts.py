"""The files of a run: the verdict first, then what is rendered from it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gate.report import allure
from gate.report.html import render_html
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.openmetrics import render_openmetrics

RENDERERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "summary.md": render_markdown,
    "junit.xml": render_junit,
    "report.html": render_html,
    "metrics.openmetrics": render_openmetrics,
}


def write_all(folder: Path, document: dict[str, Any], *, verdict_only: bool = False) -> list[str]:
    """Write the verdict and what is rendered from it; return what could not be rendered, a sentence each.

    A renderer that crashes takes nothing from the verdict, which is written first, and from no other report.

    Raises:
        OSError: The folder can't be written.
    """
    write(folder / "verdict.json", dump(document))
    problems = []
    for name, render in {} if verdict_only else RENDERERS.items():
        try:
            write(folder / name, render(document))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: said, and the others go on
            problems.append(f"{name} could not be rendered ({type(error).__name__}: {error})")
    if not verdict_only:
        allure.finish(folder / "allure-results", document, os.environ)
    return problems


def dump(document: dict[str, Any]) -> str:
    """A document as its file holds it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
