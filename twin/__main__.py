"""`python -m twin exec|up|down|hold|faults`: the embedded system from the command line.

A crash of the twin is exit code 3: Python's own 1 would be read as the verdict of the command that it runs.
"""

import sys
import traceback

from twin.cli import main

CRASHED = 3


def _main() -> int:
    try:
        return main(sys.argv[1:])
    except Exception:  # noqa: BLE001 - whatever it is
        traceback.print_exc()
        return CRASHED


if __name__ == "__main__":
    sys.exit(_main())
