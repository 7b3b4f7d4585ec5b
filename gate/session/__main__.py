"""`python -m gate.session [pytest's arguments]`: one run, and an exit code that can be trusted.

pytest itself exits with 1, which is NO-GO's code, for a plugin that fails to import, and with 0 for `--help` or
`--collect-only`, wherever these come from. Here 0 requires a GO that this process published, 1 a NO-GO; a crash is 3,
nothing to judge is 10, and the last line is always a verdict.
"""

import signal
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CAME: list[int] = []  # signals so far: while modules are imported, raising would print a traceback
RUNNING: list[bool] = []  # not empty while a signal raises


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Stop the run if there is one; otherwise only note the signal."""
    CAME.append(number)
    if RUNNING:
        raise KeyboardInterrupt


def _take_signals() -> None:
    """Take over whatever asks us to stop."""
    for number in STOPS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup means: keep running
            signal.signal(number, _interrupt)


if __name__ == "__main__":
    _take_signals()

import os  # noqa: E402 - signals are in our hands before the first import that takes time
import sys  # noqa: E402 - as above
from contextlib import redirect_stderr, suppress  # noqa: E402 - as above
from pathlib import Path  # noqa: E402 - as above
from typing import TextIO, cast  # noqa: E402 - as above

INTERRUPTED, CRASHED, USAGE, INCONCLUSIVE = 2, 3, 4, 10
EARLY = "interrupted before the run began"


def main(arguments: list[str]) -> int:
    """Run pytest; return the process's exit code.

    From then on the signals that ask us to stop are blocked: the interpreter gives them their deadly default back while
    it ends, and the code would be lost.
    """
    code, why = _run(arguments)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    return _conclude(code, why)


def _run(arguments: list[str]) -> tuple[int, str]:
    """Pytest's exit code; or ours, and why."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    _take_signals()
    try:
        from gate.unread import secure_output  # noqa: PLC0415 - as below

        secure_output()
        try:
            RUNNING.append(True)
            code = INTERRUPTED if CAME else _pytest(arguments)
        finally:
            RUNNING.clear()  # a second signal must not break off what is said of the first
        why = EARLY if CAME else ""
    except KeyboardInterrupt:
        code, why = INTERRUPTED, EARLY
    except SystemExit as error:
        code, why = CRASHED, f"something called sys.exit({error.code!r})"
    except BaseException as error:  # noqa: BLE001 - no crash may look like a verdict
        from gate.crash import crash_in_words, reason_in_words  # noqa: PLC0415 - as below

        print(crash_in_words(error), file=sys.stderr)  # noqa: T201 - our own console may not exist
        code, why = CRASHED, reason_in_words(error)
    return code, why


def _pytest(arguments: list[str]) -> int:
    import pytest  # noqa: PLC0415 - signals are in our hands before the first slow import

    from gate.crash import redactor_of_environment  # noqa: PLC0415 - as above
    from gate.session.command_line import prepared, wrong_added  # noqa: PLC0415 - as above
    from gate.session.secrecy import CleanStream  # noqa: PLC0415 - as above

    if wrong := wrong_added(os.environ):
        print(f"ERROR: {wrong}\n", file=sys.stderr)  # noqa: T201 - pytest would end with a traceback
        return USAGE
    words, folder = prepared(arguments, Path.cwd())
    os.chdir(folder)
    with redirect_stderr(cast("TextIO", CleanStream(sys.stderr, redactor_of_environment(), with_colours=True))):
        return int(pytest.main(words))  # pytest itself reports a plugin that fails to import


def _conclude(code: int, why: str) -> int:
    from gate.session.last_word import LAST_WORD  # noqa: PLC0415 - as above

    verdict, published = LAST_WORD.verdict, LAST_WORD.exit_code
    if code in {0, 1} and published != code:
        why = why or "no verdict was published: nothing ran, or pytest crashed"
        code = INCONCLUSIVE if code == 0 else CRASHED
    if published != code or code == USAGE:  # pytest's own message came after the verdict's line
        word = verdict if verdict and verdict != "GO" else "INCONCLUSIVE"
        reason = f" reason={' '.join(why.split())}" if why else ""
        if not LAST_WORD.silent:
            print(f"VERDICT: {word} exit_code={code}{reason}", flush=True)  # noqa: T201 - the last line
    _say_nothing_more()
    return code


def _say_nothing_more() -> None:
    """Drop what Python prints while it ends, about coroutines and tasks that an interrupt cut off."""
    from gate.unread import drop  # noqa: PLC0415 - as above

    with suppress(OSError):
        sys.stderr.flush()
        drop(sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
