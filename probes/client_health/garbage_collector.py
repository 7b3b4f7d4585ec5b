"""The garbage collector while many sessions are held: it must not stop the loop to look at what lives for an hour."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = (50_000, 50, 1_000)  # 700, 10, 10 walks through all sessions again and again: 10,000 are two seconds of it


@contextmanager
def patiently() -> Iterator[None]:
    """Collect rarely meanwhile: a full collection takes as long as the held objects are many, and stops everything."""
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
