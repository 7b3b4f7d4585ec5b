"""A pytest plugin: what a test leaves to the garbage collector is collected at its end, so that a warning is its own.

An unclosed socket in a cycle of references warns when it is collected, and warnings are errors here: without this, the
test that happens to run then would fail. What lives on is frozen, which makes the next collection quick: to look at all
of it each time was a third of the processor time of the self-tests.
"""

import gc
from collections.abc import Iterator
from itertools import count

import pytest

THAWED = 300  # tests, after which what was frozen is collected, too: what modules' own fixtures left is in it
ENDED = count(1)


def _collect() -> None:
    """Collect what is new, and leave out of later collections what lives on."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """Leave modules and collected tests out of every later collection."""
    _collect()


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Set up before every other fixture of the test, and so taken down after them."""
    yield
    if next(ENDED) % THAWED == 0:
        gc.unfreeze()
    _collect()
