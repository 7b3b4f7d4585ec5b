"""`python -m commands gate|reap|repair-plan|preflight`."""

import sys

from commands.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
