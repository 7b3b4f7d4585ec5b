"""`browser.page` in an installed Chromium against the twin: green, and red under its faults."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from probes.browser.page import find_browser
from tests.prove.expectations import elsewhere
from tests.prove.worker import TARGETS
from tests.system.running import ReusedTwin, run, verdict_in

CHECK = "browser.page"
RED = elsewhere()[CHECK]["turned_by"]
PICTURE = b"\x89PNG\r\n\x1a\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_browser(), reason="there is no Chromium, or no playwright to drive it"),
]


@pytest.fixture(scope="module")
def twin(reused_twin: ReusedTwin) -> tuple[Path, str]:
    return reused_twin.file, reused_twin.addresses["twin"]["control_url"]


def look(addresses: Path, folder: Path) -> dict[str, Any]:
    """Run the check alone; its row of the verdict."""
    _, said = run(
        "pytest",
        "--target=prove",
        f"--targets-dir={TARGETS}",
        f"--report-dir={folder}",
        "--quick",
        "-k",
        "real_page",
        env={"NETRA_ADDRESSES": str(addresses)},
    )
    assert "Traceback" not in said
    (row,) = [one for one in verdict_in(folder)["checks"] if one["id"] == CHECK]
    found: dict[str, Any] = row
    return found


def test_a_page_works_and_its_picture_stands_beside_the_report(twin: tuple[Path, str], tmp_path: Path) -> None:
    row = look(twin[0], tmp_path)
    assert row["outcome"] == "PASSED", row
    (picture,) = tmp_path.glob("prove/*/browser-page.png")
    assert picture.read_bytes().startswith(PICTURE)


@pytest.mark.parametrize("fault", RED)
def test_a_page_fails_under_its_faults(fault: str, twin: tuple[Path, str], tmp_path: Path) -> None:
    addresses, control = twin
    httpx.put(f"{control}/faults/{fault}", timeout=30).raise_for_status()
    try:
        row = look(addresses, tmp_path)
    finally:
        httpx.delete(f"{control}/faults/{fault}", timeout=30).raise_for_status()
    assert row["outcome"] == "FAILED", row
