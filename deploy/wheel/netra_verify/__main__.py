"""`python -m netra_verify`: the same as `netra-verify`."""

import sys

from netra_verify.cli import main

if __name__ == "__main__":
    sys.exit(main())
