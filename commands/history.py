"""`make history`: one page about the runs of a target in the evidence store. It decides nothing."""

import os
from functools import partial
from pathlib import Path

from commands.console import say
from gate.history import build_history
from gate.redaction import Redactor
from gate.release.store import Store, StoreError
from gate.release.stored_run import StoredRun, read
from gate.report.files import write
from gate.report.history import render_history
from targets.credentials import secrets_of_environment
from targets.loading import ConfigurationError, describe_target

PAGE = "history.html"


def run(target: str, targets_dir: Path | None, evidence: str, report_dir: Path) -> int:
    """Write `history.html` below the report folder; return 0.

    Raises:
        ConfigurationError: There is no such target, or the store or the folder can't be used.
    """
    name = describe_target(target, targets_dir).name
    try:
        store = Store(evidence or str(report_dir))
        history = build_history(name, store.where, store.each(name), store.discards(name), partial(_is_sound, name))
    except StoreError as error:
        raise ConfigurationError(str(error)) from error
    page = report_dir / name / PAGE
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write(page, Redactor(secrets_of_environment(os.environ)).text(render_history(history)))
    except OSError as error:
        raise ConfigurationError(f"{page} can't be written ({error.strerror}): give another folder.") from error
    left_out = ", ".join(f"{count} {why}" for why, count in history.left_out.items())
    say(
        f"{len(history.runs)} runs of {len(history.revisions)} revisions{f'; left out: {left_out}' if left_out else ''}"
    )
    say(f"history: {page}")
    return 0


def _is_sound(target: str, run_id: str, body: bytes) -> bool:
    """Whether the gate could use a run; it need not be signed, because a history decides nothing."""
    return isinstance(read(run_id, body, target), StoredRun)
