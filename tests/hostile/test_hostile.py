"""A small share of `make hostile`: single families, each ended, bounded and without a traceback."""

from pathlib import Path

import pytest

from tests.hostile import runs
from tests.hostile.proxy import ALL_MODES


@pytest.mark.slow
async def test_runs_behind_a_hostile_proxy_end_well(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n<!-- hostile: begin -->\n<!-- hostile: end -->\n\nMore.\n")
    assert await runs.main(2, 3, page=page) == 0
    assert "Seed 3: 2 runs" in page.read_text()
    assert page.read_text().endswith("<!-- hostile: end -->\n\nMore.\n")


@pytest.mark.parametrize("mode", ALL_MODES)
def test_a_printed_run_can_be_repeated(mode: str) -> None:
    family, hostility = runs.read_again(f"whole, {mode}, 0.05, seed 995513: exit 2, 5 spoiled, 51.0 s, 136 MiB")
    assert (family, hostility.mode, hostility.share, hostility.seed) == ("", mode, 0.05, 995513)


def test_what_was_not_printed_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a run"):
        runs.read_again("whole, no such mode, 1, seed 3")


def test_what_a_busy_machine_adds_is_not_late() -> None:
    assert runs.waited([3.0, 3.5, 9.0]) == 6.0
    assert runs.waited([]) == 0.0
