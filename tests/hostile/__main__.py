"""`python -m tests.hostile [RUNS] [SEED] [WHOLE] [--again RUN]`: generated runs behind a hostile proxy."""

import argparse
import sys

from tests.hostile.runs import main
from tests.standing import run_to_its_end


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make hostile", description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=20, help="of single families")
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("whole", type=int, nargs="?", default=0, help="runs of all families, after those")
    parser.add_argument("--again", default="", help="one run as it was printed, such as 'auth, 503, 0.3, seed 5'")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _parse()
    sys.exit(run_to_its_end(main(asked.runs, asked.seed, asked.whole, again=asked.again)))
