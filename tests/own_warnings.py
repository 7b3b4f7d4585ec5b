"""A pytest plugin: what a test leaves to the garbage collector is collected at its end, so that a warning is its own.

An unclosed socket in a cycle of references warns when it is collected, and warnings are errors here: without this, the
test that happens to run then would fail. What was there before the first test is frozen, which makes collecting quick.
"""

import gc
from collections.abc import Iterator

import pytest


def pytest_collection_finish() -> None:
    """Leave modules and collected tests out of every later collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Set up before every other fixture of the test, and so taken down after them."""
    yield
    gc.collect()
