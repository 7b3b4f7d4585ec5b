"""The files of a run: the verdict first, then what is rendered from it."""

import os
from collections.abc import Callable
from pathlib import Path

from gate.report import allure
from gate.report.checklist import Report
from gate.report.files import write
from gate.report.html import render_html
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.openmetrics import render_openmetrics
from gate.verdict_document import encode

RENDERERS: dict[str, Callable[[Report], str]] = {
    "summary.md": render_markdown,
    "junit.xml": render_junit,
    "report.html": render_html,
    "metrics.openmetrics": render_openmetrics,
}


def write_all(folder: Path, report: Report, *, verdict_only: bool = False) -> list[str]:
    """Write the verdict and the reports; return one sentence for each report that could not be rendered.

    A renderer that crashes affects neither the verdict, which is written first, nor the other reports.

    Raises:
        OSError: The folder can't be written.
    """
    write(folder / "verdict.json", encode(report.document))
    problems = []
    for name, render in {} if verdict_only else RENDERERS.items():
        try:
            write(folder / name, render(report))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - any error is reported, and the other reports are written
            problems.append(f"{name} could not be rendered ({type(error).__name__}: {error})")
    if not verdict_only:
        allure.finish(folder / "allure-results", report.document, os.environ)
    return problems
