"""A journal for self-tests of soaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.soak.events import Begin
from tests.probes.soak.books import Kept


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Kept]:
    """The journal of a run that has begun."""
    kept = Kept(tmp_path)
    kept.note(Begin(at=0.0, frame={"target": "x"}))
    yield kept
    kept.close()
