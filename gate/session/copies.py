"""Reports requested with pytest's own options: ours, redacted and with our outcomes, are copied there."""

import shutil
from pathlib import Path

import pytest

from gate.run import Run

JUNIT, ALLURE = "junit.xml", "allure-results"


def wanted_copies(config: pytest.Config) -> dict[str, Path]:
    """Where `--junitxml` and `--alluredir` request each report.

    pytest's own JUnit writer, which knows fewer outcomes, is disabled.
    """
    asked = {JUNIT: config.option.xmlpath, ALLURE: config.option.allure_report_dir}
    config.option.xmlpath = None
    return {report: config.invocation_params.dir / where for report, where in asked.items() if where}


def put_copies(run: Run) -> list[str]:
    """Copy the requested reports; returns one sentence for each that could not be copied."""
    problems = []
    for report, where in run.copies.items():
        source = run.folder / report
        try:
            if source.is_dir():
                shutil.copytree(source, where, dirs_exist_ok=True)
            else:
                where.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, where)
        except OSError as error:
            why = "--verdict-only writes none" if run.plan.verdict_only else error.strerror
            problems.append(f"{where} was not written ({why}): {report} is missing from the requested place.")
    return problems
