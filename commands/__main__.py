"""`python -m commands gate|reap|repair-plan|preflight|...`.

A crash of the suite is exit code 3: Python's own 1 would be read as NO-GO, or as a failing migration.
"""

import sys

INTERRUPTED, CRASHED = 2, 3


def run(arguments: list[str], called: str = "python -m commands") -> int:
    """Run one command, whatever becomes of it; return the process's exit code. `called`: as the user calls us."""
    try:
        from gate.unread import secure_output  # noqa: PLC0415 - a crash or an interrupt during an import is one, too

        secure_output()
        from commands.cli import main  # noqa: PLC0415 - as above

        return main(arguments, called)
    except KeyboardInterrupt:
        return _end(arguments, "interrupted", INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - any error must end with the right exit code
        from gate.crash import crash_in_words, reason_in_words  # noqa: PLC0415 - as above

        print(crash_in_words(error), file=sys.stderr)  # noqa: T201 - a command's output
        return _end(arguments, reason_in_words(error), CRASHED)


def _end(arguments: list[str], why: str, code: int) -> int:
    verdict = "VERDICT: INCONCLUSIVE " if arguments[:1] == ["gate"] else ""
    print(f"{verdict}exit_code={code} reason={' '.join(why.split())}", flush=True)  # noqa: T201 - the last word
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
