"""`python -m tests.races [TIMES]`: the checks of twenty at once, `TIMES` times under races and on the sound twin."""

import argparse
import sys

from tests.proof.arguments import at_least_one
from tests.races.attempts import main
from tests.standing import run_to_its_end

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make races", description=__doc__)
    parser.add_argument("times", type=at_least_one, nargs="?", default=40)
    sys.exit(run_to_its_end(main(parser.parse_args().times)))
