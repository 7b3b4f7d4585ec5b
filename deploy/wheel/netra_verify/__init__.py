"""The installed suite: `netra-verify`, and the checkout's packages in `tree`.

PYTEST_DONT_REWRITE: it is imported before pytest and has no assertions.
"""

from pathlib import Path

TREE = Path(__file__).parent / "tree"
