"""`python -m tests.hostile [RUNS] [SEED] [WHOLE]`: generated runs behind a hostile proxy."""

import asyncio
import sys

from tests.hostile.runs import main

if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(*numbers)))
