"""One image and one twin for all pipelines."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from tests.deploy.image import Image, build
from tests.system.running import ROOT, twin_up


@pytest.fixture(scope="package")
def image() -> Iterator[Image]:
    """The container's image, laid out in a folder that its user can reach (pytest's own are closed to others)."""
    with TemporaryDirectory(prefix="netra-image-") as folder:
        yield build(Path(folder))


@pytest.fixture(scope="package")
def targets(image: Image) -> str:
    """A folder with the twin's target and a limit for busy machines."""
    place = image.folder / "targets"
    place.mkdir()
    local = (ROOT / "targets/local.toml").read_text(encoding="utf-8")
    (place / "local.toml").write_text(f"{local}\n[contract.auth]\nlatency_limit_ms = 1000.0\n", encoding="utf-8")
    place.chmod(0o755)
    return str(place)


@pytest.fixture(scope="package")
def booted(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A twin's addresses; under `addresses` what leads the container's user to them."""
    folder = tmp_path_factory.mktemp("twin")
    with twin_up(folder) as told:
        readable = image.folder / "addresses.json"
        shutil.copy(folder / "addresses.json", readable)
        readable.chmod(0o644)
        yield {**told, "addresses": {"NETRA_ADDRESSES": str(readable)}}


@pytest.fixture
def twin(booted: dict[str, Any]) -> dict[str, Any]:
    """The same twin with an empty log: what a test before this one broke is not this one's release."""
    httpx.delete(f"{booted['twin']['control_url']}/log", timeout=30).raise_for_status()
    return booted
