"""Writing a run: its folder, the `latest` link, the verdict, every artifact - and never a secret."""

import os
import re
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from gate.changes import changes
from gate.document import build, names_in, provisional
from gate.extras import how_to_install
from gate.known_file import load_known, refuse_too_far_ahead
from gate.local_files import resolve
from gate.outcomes import EXIT_CODES, Outcome, Verdict
from gate.plain_text import neutralise
from gate.redaction import Concealed, Redactor
from gate.release.store import Store, StoreError
from gate.report import github
from gate.report.artifacts import write_all
from gate.report.checklist import Report, answered, family_order
from gate.report.files import write
from gate.report.terminal import print_verdict
from gate.run import Run
from gate.session.copies import put_copies
from gate.session.last_word import LAST_WORD
from gate.session.latest import point_latest, unwritable, withdraw
from gate.session.selecting import what_came
from gate.telling.notify import is_configured, notify
from gate.verdict import decide
from gate.verdict_document import Document, encode

COLLECTORS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
LATE = "the run's deadline had passed or was near"
OURS = frozenset({int(pytest.ExitCode.OK), int(pytest.ExitCode.TESTS_FAILED), int(pytest.ExitCode.NO_TESTS_COLLECTED)})
KEPT = frozenset(
    {
        int(pytest.ExitCode.INTERRUPTED),
        int(pytest.ExitCode.INTERNAL_ERROR),
        int(pytest.ExitCode.USAGE_ERROR),
    }
)


def begin(run: Run) -> None:
    """Make the run's folder with a provisional verdict and point `latest` to it.

    Raises:
        pytest.UsageError: The folder can't be written.
    """
    today = datetime.now(UTC).date()
    refuse_too_far_ahead(run.plan.accepted.values(), f"target {run.plan.target!r}, `accepted`", today)
    # Read once: an unreadable list is reported now, and it may be a pipe, or be gone when the run ends.
    run.listed = {**run.plan.accepted, **load_known(run.plan.known_failures, today)}
    try:
        run.folder.mkdir(parents=True)
        write(run.folder / "verdict.json", encode(provisional(run)))
        point_latest(run.plan.report_dir, run.plan.target, run.id)
    except OSError as error:
        raise unwritable(run.plan.report_dir, error) from error
    try:
        store = _other_store(run)
        if store and not run.selection:
            store.probe(run.plan.target, run.id)
    except StoreError as error:
        raise pytest.UsageError(str(error)) from error


def other_store(
    where: str, report_dir: Path, key: Concealed | None = None, redactor: Redactor | None = None
) -> Store | None:
    """The evidence store; None if it is the report folder, which has everything anyway."""
    store = Store(where, key, redactor) if where else None
    here = store is not None and store.folder is not None and resolve(store.folder) == resolve(report_dir)
    return None if here else store


def _other_store(run: Run) -> Store | None:
    return other_store(run.plan.evidence, run.plan.report_dir, run.plan.evidence_key, run.redactor)


def conclude(run: Run, exit_status: int, console: Console) -> int:
    """Publish the run, whatever happens; return the process's exit code. A crash while publishing is 3.

    If reports can't be written (a full disk), the file keeps the provisional verdict, which is INCONCLUSIVE;
    the results are still judged and printed.
    """
    LAST_WORD.silent = run.plan.silent
    if run.unasked:
        withdraw(run)
        return int(pytest.ExitCode.USAGE_ERROR)
    try:
        code = publish(run, exit_status, console)
    except Exception as error:  # noqa: BLE001 - an error of the suite gives no verdict on the product
        code = int(pytest.ExitCode.INTERNAL_ERROR)
        failed = any(one.outcome is Outcome.FAILED for one in run.results.values())
        LAST_WORD.verdict, LAST_WORD.exit_code = str(Verdict.NO_GO if failed else Verdict.INCONCLUSIVE), code
        if not run.plan.silent:
            _say_crash(error, console, run)
    return code


def _say_crash(error: Exception, console: Console, run: Run) -> None:
    """Report that the verdict could not be written; if the terminal fails too, there is no place to report it."""
    with suppress(OSError, ValueError):
        why = run.redactor.text(f"reports could not be written: {type(error).__name__}: {error}")
        where = run.redactor.text(traceback.format_exc())
        if isinstance(error, OSError):  # the disk's doing, not ours
            where = f"The reports could not be written in {run.folder}: make room, or name a folder with --report-dir."
        console.print(neutralise(where, multi_line=True), markup=False, soft_wrap=True)
        console.print(
            f"VERDICT: {LAST_WORD.verdict} target={run.plan.target} exit_code={LAST_WORD.exit_code} "
            f"reason={neutralise(why)}",
            markup=False,
            soft_wrap=True,
        )


def publish(run: Run, exit_status: int, console: Console) -> int:
    """Decide the run, write every artifact, print the verdict; return the process's exit code.

    pytest's own codes for an interrupt, an internal error and a usage error are kept; the verdict is then
    INCONCLUSIVE, or NO-GO if something had already failed.
    """
    # The rows of a family together, although its cases that have to be alone ran later.
    run.results = dict(sorted(run.results.items(), key=lambda row: family_order(row[1].check.family)))
    last = None if run.selection else _last(run)
    document = _judge(run, exit_status)
    document = msgspec.structs.replace(document, changes=changes(document, last))
    refused = "" if run.selection else _stored(run, document)
    if refused:
        document = msgspec.structs.replace(_judge(run, exit_status, [refused]), changes=document.changes)
    document = msgspec.structs.replace(
        document, notes=[*document.notes, *_exported(run, document), *_notified(run, document)]
    )
    report = answered(_sealed(document, Store(str(run.plan.report_dir), run.plan.evidence_key)))
    problems = write_all(run.folder, report, verdict_only=run.plan.verdict_only)
    problems += [*_scrub(run, names_in(document)), *put_copies(run)]
    LAST_WORD.verdict, LAST_WORD.exit_code = str(document.verdict), int(document.exit_code)
    if not run.plan.silent:
        _announce(report, run.folder, console, problems)
    return document.exit_code


def _judge(run: Run, exit_status: int, doubts: Sequence[str] = ()) -> Document:
    doubts = [*run.doubts, *doubts, *([what_came(run)] if run.selection else [])]
    today = datetime.now(UTC).date()
    listed = {key: one.on(today) for key, one in run.listed.items()}
    decision = decide(
        {key: result.outcome for key, result in run.results.items()},
        run.required_cases(),
        residue=run.residue,
        interrupted=run.interrupted,
        known=frozenset(key for key, one in listed.items() if not one.expired),
        doubts=doubts,
        blocked=run.blocked,
    )
    kept = exit_status if exit_status in KEPT else int(pytest.ExitCode.INTERNAL_ERROR)  # pytest.exit() takes any
    exit_code = EXIT_CODES[decision.verdict] if exit_status in OURS else kept
    return build(run, decision, exit_code, listed, doubts)


def _last(run: Run) -> Document | None:
    """The last run of this target and phase, if available; without one the report has no changes."""
    if run.late and run.plan.evidence:
        run.notes.append(f"no comparison with the last run: {LATE}")
        return None
    try:
        store = Store(run.plan.evidence or str(run.plan.report_dir), run.plan.evidence_key, run.redactor)
        return store.last(run.plan.target, run.plan.phase, run.id)
    except StoreError as error:
        run.notes.append(f"no comparison with the last run: {error}")
        return None


def _stored(run: Run, document: Document) -> str:
    """Put the verdict into the evidence store; returns why that failed, or an empty text."""
    try:
        store = _other_store(run)
        if store and run.late:
            return f"the verdict was not stored as evidence: {LATE}"
        if store:
            store.put(document)
    except StoreError as error:
        return str(error)
    return ""


def _sealed(document: Document, here: Store) -> Document:
    """The document with the report folder's own seal: the folder is a store too."""
    try:
        return here.sealed(document)
    except StoreError:
        return document  # a folder that can't be listed is not a store: the report is written, but is not evidence


def _exported(run: Run, document: Document) -> list[str]:
    """Send the run's spans where a collector is configured; returns a note for the verdict when they did not arrive."""
    if run.plan.verdict_only or not any(os.environ.get(one) for one in COLLECTORS):
        return []
    if run.late:
        return [f"no spans were sent to the collector: {LATE}"]
    try:
        from gate.report import otlp  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        return [f"no spans were sent to the collector: {error.name} is not installed; {how_to_install('otlp')}"]
    why = otlp.export(document) if otlp.configured(os.environ) else ""
    return [neutralise(run.redactor.text(why))] if why else []


def _notified(run: Run, document: Document) -> list[str]:
    """Send the notifications; returns a note for each that failed."""
    if run.plan.verdict_only or not is_configured():
        return []
    if run.late:
        return [f"no notification was sent: {LATE}"]
    try:
        store = Store(run.plan.evidence or str(run.plan.report_dir), run.plan.evidence_key, run.redactor)
    except StoreError as error:
        return [f"no notification was sent: {error}"]
    return notify_people(document, store)


def notify_people(document: Document, store: Store) -> list[str]:
    """Notify the configured receivers of a run's or gate's verdict; returns a note for each failure."""
    try:
        last = store.last(document.target, document.phase, document.run_id, decided=True)
    except StoreError as error:
        return [f"no notification was sent: {error}"]
    notes = notify(answered(document), last.verdict if last else None)
    return [neutralise(store.redactor.text(note)) for note in notes]


def publish_gate(
    document: Document, report_dir: Path, console: Console, *, key: Concealed | None = None, silent: bool = False
) -> None:
    """Write a gate's report like a run's, and print its verdict. Raises OSError when the folder can't be written."""
    folder = report_dir / document.target / document.run_id
    folder.mkdir(parents=True)
    report = answered(_sealed(document, Store(str(report_dir), key)))
    problems = write_all(folder, report, verdict_only=silent)
    point_latest(report_dir, document.target, document.run_id)
    if not silent:
        _announce(report, folder, console, problems)


def _announce(report: Report, folder: Path, console: Console, problems: Sequence[str]) -> None:
    with suppress(BrokenPipeError):  # the reader of our output has gone; the files are written
        for problem in [*problems, *github.announce(report, os.environ)]:
            console.print(problem, style="bold red", markup=False)
        print_verdict(report, folder, console)


def _clean_text(text: str, redactor: Redactor, names: Sequence[str]) -> str:
    """A text without secrets; the names stay, which are secrets as well."""
    if not names:
        return redactor.text(text)
    parts = re.split(f"({'|'.join(re.escape(name) for name in sorted(names, key=len, reverse=True))})", text)
    return "".join(part if at % 2 else redactor.text(part) for at, part in enumerate(parts))


def _scrub(run: Run, names: Sequence[str]) -> list[str]:
    """Remove secrets from the files in the run's folder, but for the verdict, which is sealed.

    The names by which readers find a case stay, also if a password is one of them. A hit is printed and listed in
    `redacted.json`.
    """
    redactor = run.redactor
    names = [name for name in names if redactor.leaks(name)]  # hardly ever any
    touched = []
    for path in sorted(run.folder.rglob("*")):
        if path.is_file() and path != run.folder / "verdict.json":
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            clean = _clean_text(text, redactor, names)
            if clean != text.encode("utf-8", "backslashreplace").decode():  # the bytes of an image are not a secret
                path.write_text(clean, encoding="utf-8", errors="surrogateescape")
                touched.append(str(path.relative_to(run.folder)))
    if not touched:
        return []
    write(run.folder / "redacted.json", msgspec.json.format(msgspec.json.encode({"redacted": touched}), indent=1))
    return [
        (
            f"{len(touched)} files contained secrets, which were removed: {run.folder / 'redacted.json'} lists the "
            "files. Whatever wrote them may write elsewhere, so look there too."
        )
    ]
