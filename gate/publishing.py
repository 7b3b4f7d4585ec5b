"""Writing a run: its folder, the `latest` link, the verdict, every artifact - and never a secret."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gate.document import build, provisional
from gate.known import load_known
from gate.outcomes import EXIT_CODES, Outcome
from gate.redaction import Redactor
from gate.report import allure, github
from gate.report.html import render_html
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.terminal import print_verdict
from gate.run import Run
from gate.verdict import decide, name

OURS = frozenset({int(pytest.ExitCode.OK), int(pytest.ExitCode.TESTS_FAILED), int(pytest.ExitCode.NO_TESTS_COLLECTED)})


def retire_latest(report_dir: Path) -> None:
    """Take the last verdict out of sight: a run that can't even begin must not leave an older GO to be read."""
    try:
        (report_dir / "latest").unlink(missing_ok=True)
    except NotADirectoryError:
        return  # there is no folder, so no verdict in it; `begin` says so
    except OSError as error:
        raise _unwritable(report_dir, error) from error


def begin(run: Run) -> None:
    """Make the run's folder with a provisional verdict and point `latest` to it.

    Raises:
        pytest.UsageError: The folder can't be written.
    """
    try:
        run.folder.mkdir(parents=True)
        _write(run.folder / "verdict.json", _dump(provisional(run)))
        fresh = run.plan.report_dir / f".latest-{run.id}"
        fresh.symlink_to(Path(run.plan.target) / run.id)
        fresh.replace(run.plan.report_dir / "latest")
    except OSError as error:
        raise _unwritable(run.plan.report_dir, error) from error


def _unwritable(report_dir: Path, error: OSError) -> pytest.UsageError:
    return pytest.UsageError(f"--report-dir {report_dir} can't be written ({error.strerror}): name a folder that can.")


def publish(run: Run, exit_status: int, console: Console) -> int:
    """Decide the run, write every artifact, print the verdict; return the process's exit code.

    pytest's own codes for an interrupt, an internal error and a usage error are kept; the verdict is then
    INCONCLUSIVE, or NO-GO if something had already failed.
    """
    known = load_known(run.plan.known_failures, datetime.now(UTC).date())
    outcomes = {key: result.outcome for key, result in run.results.items()}
    accepted = {key for key in outcomes if name(key) in known and outcomes[key] is Outcome.FAILED}
    stale = [name(key) for key in outcomes if name(key) in known and outcomes[key] is Outcome.PASSED]
    decision = decide(
        {key: outcome for key, outcome in outcomes.items() if key not in accepted},
        run.plan.required_cases() - accepted,
        residue=run.residue,
        interrupted=run.interrupted,
        stale_known=stale,
    )
    exit_code = EXIT_CODES[decision.verdict] if exit_status in OURS else exit_status
    document = build(run, decision, exit_code, known)
    _write(run.folder / "verdict.json", _dump(document))
    if not run.plan.verdict_only:
        write_reports(run.folder, document)
        allure.finish(run.folder / "allure-results", document)
    _scrub(run)
    github.announce(document, os.environ)
    print_verdict(document, run.folder, console)
    return exit_code


def write_reports(folder: Path, document: dict[str, Any]) -> None:
    """Write what is rendered from the verdict. Raises OSError when the folder can't be written."""
    _write(folder / "summary.md", render_markdown(document))
    _write(folder / "junit.xml", render_junit(document))
    _write(folder / "report.html", render_html(document))


def _scrub(run: Run) -> None:
    """Take secrets out of the files that other plugins wrote; a hit is said in the verdict's folder."""
    redactor = Redactor(run.plan.secrets)
    touched = []
    for path in sorted(run.folder.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            clean = redactor.text(text)
            if clean != text:
                path.write_text(clean, encoding="utf-8", errors="surrogateescape")
                touched.append(str(path.relative_to(run.folder)))
    if touched:
        _write(run.folder / "redacted.json", _dump({"redacted": touched}))


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
