"""`python -m tests.races [TIMES]`: the checks of twenty at once, `TIMES` times under races and on the sound twin."""

import sys

from tests.races.attempts import main
from tests.standing import run_to_its_end

if __name__ == "__main__":
    sys.exit(run_to_its_end(main(*map(int, sys.argv[1:]))))
