"""The digest of what a target promises changes with what a run is judged by, and with nothing else."""

from pathlib import Path

import pytest

from targets.promises import digest_of_promises
from tests.targets.test_loading import MINE, write

DEFAULT = "[contract.auth]\nlatency_limit_ms = 100.0\n"  # what contract.toml says, too
WEAKER = "[contract.auth]\nlatency_limit_ms = 5000.0\n"


def digest(folder: Path, more: str = "") -> str:
    return digest_of_promises("mine", write(folder, more))


@pytest.mark.parametrize("more", [WEAKER, "[sizes]\nsilent_s = 1\n", "[deadlines]\nanswer = 60\n"])
def test_weaker_promises_are_others(more: str, tmp_path: Path) -> None:
    assert digest(tmp_path, more) != digest(tmp_path)


@pytest.mark.parametrize("more", [DEFAULT, "[sizes]\nsilent_s = 35\n", "[pace]\nat_once = 2\n", "# a remark\n"])
def test_what_judges_nothing_or_is_so_anyway_changes_nothing(more: str, tmp_path: Path) -> None:
    assert digest(tmp_path, more) == digest(tmp_path)


def test_promises_taken_from_another_target_are_part_of_it(tmp_path: Path) -> None:
    write(tmp_path, WEAKER, name="like")
    write(tmp_path, text='contract_of = "like"\n' + MINE)
    assert digest_of_promises("mine", tmp_path) == digest_of_promises("like", tmp_path)


def test_the_environment_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(tmp_path)
    monkeypatch.setenv("NETRA_SIZES__SILENT_S", "1")  # a weakening override, which the run names
    assert digest(tmp_path) == before
