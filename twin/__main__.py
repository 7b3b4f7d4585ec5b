"""`python -m twin exec|up|down|hold|faults`: the embedded system from the command line.

A crash of the twin is exit code 3: Python's own 1 would be read as the verdict of the command that it runs.
"""

import os
import sys
import traceback

from twin.cli import main

CRASHED = 3


def _main() -> int:
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # `| head`: the interpreter's own flush at its end must not fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
        return CRASHED
    return code


if __name__ == "__main__":
    sys.exit(_main())
