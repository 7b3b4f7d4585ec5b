"""`python -m tests.smokes [RUNS] [AT_ONCE]`: quick smokes against one standing twin, some at once, and their table."""

import sys

from tests.smokes.smokes import main
from tests.standing import run_to_its_end

if __name__ == "__main__":
    sys.exit(run_to_its_end(main(*map(int, sys.argv[1:]))))
