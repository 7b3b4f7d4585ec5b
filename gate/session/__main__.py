"""`python -m gate.session [pytest's arguments]`: one run, and an exit code that can be trusted.

pytest itself exits with 1, which is NO-GO's code, for a plugin that fails to import, and with 0 for `--help` or
`--collect-only`, wherever these come from. Here 0 requires a GO that this process published, 1 a NO-GO; a crash is 3,
nothing to judge is 10, and the last line is always a verdict.
"""

import os
import signal
import sys
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import TextIO, cast

INTERRUPTED, CRASHED, USAGE, INCONCLUSIVE = 2, 3, 4, 10


def main(arguments: list[str]) -> int:
    """Run pytest; return the process's exit code."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means: keep running
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    why = ""
    try:
        code = _pytest(arguments)
    except KeyboardInterrupt:
        code, why = INTERRUPTED, "interrupted before the run began"
    except SystemExit as error:
        code, why = CRASHED, f"something called sys.exit({error.code!r})"
    except BaseException as error:  # noqa: BLE001 - no crash may look like a verdict
        from gate.crash import crash_in_words, reason_in_words  # noqa: PLC0415 - as below

        print(crash_in_words(error), file=sys.stderr)  # noqa: T201 - our own console may not exist
        code, why = CRASHED, reason_in_words(error)
    return _conclude(code, why)


def _pytest(arguments: list[str]) -> int:
    import pytest  # noqa: PLC0415 - signals are in our hands before the first slow import

    from gate.crash import redactor_of_environment  # noqa: PLC0415 - as above
    from gate.session.command_line import prepared  # noqa: PLC0415 - as above
    from gate.session.secrecy import CleanStream  # noqa: PLC0415 - as above

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
            _say(f"VERDICT: {word} exit_code={code}{reason}")
    return _flushed(code)


def _say(line: str) -> None:
    with suppress(OSError):  # the reader of our output has gone; the exit code still says it
        print(line, flush=True)  # noqa: T201 - the last line


def _flushed(code: int) -> int:
    """The code; output that can't be written is dropped, because Python's final flush would change the code."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
