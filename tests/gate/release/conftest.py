"""A release of its own for each test."""

from pathlib import Path

import pytest

from tests.gate.release.releases import Release


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(tmp_path / "store")
