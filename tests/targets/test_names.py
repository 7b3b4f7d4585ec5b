"""A target's name is a name: it is also a folder of reports and a place in the evidence store."""

import json
from pathlib import Path

import pytest

from targets.loading import ConfigurationError, load_target
from tests.targets.test_loading import MINE, write


@pytest.mark.parametrize(
    "name", ["", "../mine", "a/b", ".mine", "-mine", "latest", "a\nVERDICT: GO", " mine", "x" * 101]
)
def test_a_name_is_no_path_and_stands_on_one_line(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "x", text=f"name = {json.dumps(name)}\n{MINE}")
    with pytest.raises(ConfigurationError, match="`name` "):
        load_target("mine", folder)


def test_a_file_elsewhere_is_no_target_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(ConfigurationError, match=r"There is no target '\.\./mine'"):
        load_target("../mine", write(tmp_path / "x"))


@pytest.mark.parametrize("name", ["nowhere", "a-file"])
def test_a_folder_of_targets_that_is_none_does_not_mean_our_own_targets(tmp_path: Path, name: str) -> None:
    """Else a mistyped folder would judge the staging of this suite instead of the user's."""
    (tmp_path / "a-file").touch()
    with pytest.raises(ConfigurationError, match=rf"--targets-dir .*/{name} is not a folder"):
        load_target("export", tmp_path / name)
