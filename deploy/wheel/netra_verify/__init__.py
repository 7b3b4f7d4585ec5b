"""The installed suite: `netra-verify`, and the rooms of the checkout in `tree`.

PYTEST_DONT_REWRITE: it is imported before pytest, and asserts nothing.
"""

from pathlib import Path

TREE = Path(__file__).parent / "tree"
