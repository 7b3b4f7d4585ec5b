"""A small share of `make hostile`: single families, each ended, bounded and without a traceback."""

from pathlib import Path

import pytest

from tests.hostile import runs


@pytest.mark.timeout(400)
async def test_runs_behind_a_hostile_proxy_end_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{runs.MARK}\n")
    monkeypatch.setattr(runs, "PAGE", page)
    assert await runs.main(2, 3) == 0
    assert "Seed 3: 2 runs" in page.read_text()
