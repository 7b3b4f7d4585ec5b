"""`python -m tests.smokes [RUNS] [AT_ONCE]`: quick smokes against one standing twin, some at once, and their table."""

import asyncio
import sys

from tests.smokes.runs import main

if __name__ == "__main__":
    sys.exit(asyncio.run(main(*map(int, sys.argv[1:]))))
