#!/usr/bin/env python3
"""The container's contract: run one phase, exit 0 only for GO, and end the log with the verdict and its reason.

Cloud Deploy and job runners see "0 or not 0", and an exit code can get lost behind a job's manifest
(GoogleContainerTools/skaffold#10073): so GO requires both the exit code and the verdict that this run wrote, and
the log's last line has the verdict for readers without the report.

    entrypoint.py --target=staging --phase=smoke ...    options are passed to pytest unchanged
    entrypoint.py gate --target=staging ...             judges a revision by all its evidence (`commands gate`)
    entrypoint.py verdict                               prints the last verdict in $REPORTS again
    entrypoint.py keep URL                              copies that run's files to a folder or a bucket

The environment sets the rest: NETRA_* (docs/adding-a-target.md), including secrets by value or by reference
(sealed.py), and REPORTS, the folder to write to.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import fsspec
from sealed import SealedError, masks, unseal

NO_GO, USAGE, INCONCLUSIVE, KILLED = 1, 4, 10, 128


def main(arguments: list[str]) -> int:
    """Run, or look at the last run; return the exit code that belongs to the printed verdict."""
    reports = Path(os.environ.get("REPORTS") or "/tmp/reports").resolve()  # noqa: S108 - a container's only folder
    if arguments == ["verdict"]:
        return _conclude(reports, None)
    if len(arguments) == 2 and arguments[0] == "keep":  # noqa: PLR2004 - a word and its argument
        return _keep(reports / "latest", arguments[1])
    if any(one.startswith("--report-dir") for one in arguments):
        return _say("INCONCLUSIVE", USAGE, "set the report folder by REPORTS in the environment, not by --report-dir")
    with suppress(OSError):  # the suite reports an unwritable folder; a verdict that stays is not accepted below
        (reports / "latest").unlink(missing_ok=True)
    try:
        secrets = unseal(os.environ)
    except SealedError as error:
        return _say("INCONCLUSIVE", INCONCLUSIVE, str(error))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in masks(secrets):
            _print(line)  # a workflow command is a line on stdout
    before = _run_id(reports)
    judging = arguments[:1] == ["gate"]
    suite = ("commands", *arguments) if judging else ("gate.session", "-c", "pytest.ini", *arguments)
    command = (sys.executable, "-m", *suite, f"--report-dir={reports}")
    code = _run(command, {**os.environ, **secrets})
    if before and _run_id(reports) == before:  # an older verdict that could not be removed is not this run's
        what = "no verdict was written, and an older one could not be removed"
        return _say("INCONCLUSIVE", code if code > NO_GO else INCONCLUSIVE, what)
    return _conclude(reports, code)


def _root() -> Path:
    """The suite's folder: the checkout that contains this file, or else the installed wheel."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "pytest.ini").is_file():
            return folder
    from netra_verify import TREE  # noqa: PLC0415 - only installed without a checkout

    return TREE


def _run_id(reports: Path) -> str:
    """The run id of the last verdict; empty if there is none or it can't be read."""
    try:
        return str(json.loads((reports / "latest/verdict.json").read_text(encoding="utf-8"))["run_id"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The suite's own exit code; stop signals are passed on to it, so that it writes what it has."""
    process = subprocess.Popen(command, cwd=_root(), env=environment)  # noqa: S603 - our own suite
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: process.send_signal(received))
    code = process.wait()
    return code if code >= 0 else KILLED - code


def _conclude(reports: Path, code: int | None) -> int:
    """Print the last line, from the last verdict. `code` is the run's exit code; None: nothing ran now."""
    try:
        verdict = json.loads((reports / "latest/verdict.json").read_text(encoding="utf-8"))
        word, written, reason = str(verdict["verdict"]), int(verdict["exit_code"]), str(verdict["reason"])
        where = "".join(f" {key}={verdict[key] or 'unknown'}" for key in ("target", "phase", "revision"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        what = f"no verdict can be read in {reports}" if code is None else "no verdict was written; the reason is above"
        return _say("INCONCLUSIVE", code if code and code != NO_GO else INCONCLUSIVE, what)
    ended = written if code is None else code
    if (word == "GO") != (ended == 0):
        what = f"the verdict says {word}, but the run ended with {ended}; {reason}"
        return _say("INCONCLUSIVE", ended or INCONCLUSIVE, what, where)
    return _say(word, ended, reason, where)


def _keep(run: Path, url: str) -> int:
    """Copy a run's files; a failure says nothing about the release, so it has a separate exit code."""
    if not (run / "verdict.json").is_file():
        _print(f"keep: there is no run in {run.parent}")
        return USAGE
    try:
        files, folder = fsspec.url_to_fs(url)
        files.put(f"{run.resolve()}/", f"{folder.rstrip('/')}/", recursive=True)
    except Exception as error:  # noqa: BLE001 - each store raises its own errors; the log gets one line
        _print(f"keep: {url} can't be written to: {type(error).__name__}: {error}")
        return USAGE
    return 0


def _say(word: str, code: int, reason: str, where: str = "") -> int:
    _print(f"VERDICT: {word}{where} exit_code={code} reason={' '.join(reason.split())}")
    return code


def _print(line: str) -> None:
    """Print to the container's log; one that can't be written must not change the exit code."""
    try:
        print(line, flush=True)  # noqa: T201 - the container's log
    except OSError:  # what is left in the buffer would fail again at Python's own end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
