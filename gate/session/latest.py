"""The link `latest` to the last run: removed before anything can go wrong, and put back if no run was intended."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from gate.run import Run


def retire_latest(report_dir: Path) -> str:
    """Remove the last verdict, so that an older GO is not mistaken for the verdict of a run that could not begin.

    Returns where `latest` pointed; empty if it did not exist.
    """
    latest = report_dir / "latest"
    try:
        before = str(latest.readlink()) if latest.is_symlink() else ""
        latest.unlink(missing_ok=True)
    except NotADirectoryError:
        return ""  # no folder, so no verdict in it; `begin` reports it
    except OSError as error:
        raise unwritable(report_dir, error) from error
    return before


def put_latest_back(report_dir: Path, before: str) -> None:
    """Restore `latest` if no run was intended."""
    if before:
        with suppress(OSError):  # it existed a moment ago; if this fails now, the usage error says more
            (report_dir / "latest").symlink_to(before)


def point_latest(report_dir: Path, target: str, run_id: str) -> None:
    """Point `latest` to this run."""
    fresh = report_dir / f".latest-{run_id}"
    fresh.symlink_to(Path(target) / run_id)
    fresh.replace(report_dir / "latest")


def withdraw(run: Run) -> None:
    """Leave no trace of a run that was not intended: neither its folder nor `latest`, which shows the one before."""
    folder = run.plan.report_dir
    latest = folder / "latest"
    with suppress(OSError):
        if latest.readlink() == Path(run.plan.target) / run.id:  # else a run beside this one has its own there
            latest.unlink()
            put_latest_back(folder, run.before)
    shutil.rmtree(run.folder, ignore_errors=True)


def unwritable(report_dir: Path, error: OSError) -> pytest.UsageError:
    """What to raise where the report folder can't be written."""
    return pytest.UsageError(f"--report-dir {report_dir} can't be written to ({error.strerror}): give another folder.")
