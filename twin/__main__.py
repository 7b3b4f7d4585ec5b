"""`python -m twin exec|up|down|hold|faults`: the embedded system from the command line."""

import sys

from twin.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
