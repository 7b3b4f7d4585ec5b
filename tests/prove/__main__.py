"""`python -m tests.prove`: run the fault matrix; exit 0 only when every expectation holds."""

import sys

from tests.prove.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
