"""`python -m commands gate|reap|repair-plan|preflight|...`.

A crash of ours is exit code 3: Python's own 1 would be read as NO-GO, or as a migration that fails.
"""

import sys
import traceback
from contextlib import suppress

INTERRUPTED, CRASHED = 2, 3


def run(arguments: list[str]) -> int:
    """Run one command, whatever becomes of it; return the process's exit code."""
    try:
        from commands.cli import main  # noqa: PLC0415 - what dies while it is imported is a crash like any other

        return main(arguments)
    except KeyboardInterrupt:
        return _end(arguments, "interrupted", INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
        return _end(arguments, f"{type(error).__name__}: {error}", CRASHED)


def _end(arguments: list[str], why: str, code: int) -> int:
    verdict = "VERDICT: INCONCLUSIVE " if arguments[:1] == ["gate"] else ""
    with suppress(OSError):  # whoever read our output has gone
        print(f"{verdict}exit_code={code} reason={' '.join(why.split())}", flush=True)  # noqa: T201 - the last word
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
