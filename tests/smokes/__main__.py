"""`python -m tests.smokes`: quick smokes in a row, and what each came to."""

import argparse
import sys

from tests.proof.arguments import at_least_one
from tests.prove.deployed import read_table
from tests.smokes.smokes import Round, main
from tests.standing import run_to_its_end


def _parse() -> Round:
    parser = argparse.ArgumentParser(prog="make smokes", description=__doc__)
    parser.add_argument("runs", type=at_least_one, nargs="?", default=30)
    parser.add_argument("--at-once", type=at_least_one, default=1, help="how many of them at a time")
    parser.add_argument("--afar", type=int, default=0, metavar="MS", help="the round trip to both services")
    parser.add_argument("--busy", action="store_true", help="with something else on every processor")
    parser.add_argument("--state", choices=list(read_table()), help="the service as deployed, held to its table")
    given = parser.parse_args()
    return Round(
        runs=given.runs,
        at_once=given.at_once,
        round_trip_ms=given.afar,
        busy=given.busy,
        state=given.state or "",
    )


if __name__ == "__main__":
    sys.exit(run_to_its_end(main(_parse())))
