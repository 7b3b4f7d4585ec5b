"""`make proof`: take over what the long proofs left under reports/proof, and renew docs/proof.md and the README."""

import sys

from rich.console import Console

from tests.catalogue import renew
from tests.proof.record import LEFT, take_over


def main() -> int:
    """Renew the pages; 1 where no run left anything."""
    console = Console(highlight=False)
    taken = take_over()
    renew()
    console.print(f"taken over from {LEFT}: {', '.join(taken)}" if taken else f"{LEFT} holds nothing", markup=False)
    return 0 if taken else 1


if __name__ == "__main__":
    sys.exit(main())
