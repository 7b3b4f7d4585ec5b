"""A verdict.json or a discard that is nested without end, half written or something else: named, no traceback."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import allure
from commands.gate import judge_again
from gate.local_files import resolve
from gate.release.store import DISCARDED, Store, StoreError
from gate.release.stored_run import Unusable, read
from targets.loading import ConfigurationError, load_target

DEEP = b"[" * 100_000
BODIES = {
    "deep": DEEP,
    "deep within": b'{"run_id": "r", "target": "t", "more": ' + DEEP,
    "deep after what does not fit": b'{"verdict": 5, "more": ' + DEEP,
    "half": b'{"run_id": "r"',
    "a number": b"5",
    "not UTF-8": b'{"run_id": "\xff"}',
}


@pytest.fixture(params=BODIES)
def body(request: pytest.FixtureRequest) -> bytes:
    return BODIES[request.param]


async def test_a_page_of_it_is_refused_in_words(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest/verdict.json").write_bytes(body)
    with pytest.raises(allure.ReportError, match=r"verdict\.json can't be read as a verdict"):
        await allure.run(tmp_path)


def test_it_is_not_judged_again(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "verdict.json").write_bytes(body)
    with pytest.raises(ConfigurationError, match="can't be read as a verdict"):
        judge_again(tmp_path)


def test_it_is_no_evidence(body: bytes) -> None:
    assert isinstance(read("r", body, "t"), Unusable)


def test_a_discard_like_it_is_named(tmp_path: Path, body: bytes) -> None:
    folder = tmp_path / "t" / DISCARDED
    folder.mkdir(parents=True)
    (folder / "r.json").write_bytes(body)
    with pytest.raises(StoreError, match=r"r\.json can't be read"):
        Store(str(tmp_path)).discards("t")


def test_addresses_like_it_are_named(tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "addresses.json"
    path.write_bytes(body)
    monkeypatch.setenv("NETRA_ADDRESSES", str(path))
    with pytest.raises(ConfigurationError, match=r"addresses\.json can't be used"):
        load_target("local")


def _to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


NO_FILES: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a loop": _to_itself,
    "a device without end": _to_a_device,
}


@pytest.fixture(params=NO_FILES)
def run_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A run with something else in the place of verdict.json: reading it would wait for ever, or never end."""
    folder = tmp_path / "t/r"
    folder.mkdir(parents=True)
    NO_FILES[request.param](folder / "verdict.json")
    return folder


@pytest.mark.timeout(20)
def test_what_is_no_file_is_no_evidence(run_folder: Path) -> None:
    ((run_id, body),) = Store(str(run_folder.parents[1])).each("t")
    assert (run_id, isinstance(body, StoreError)) == ("r", True)
    with pytest.raises(ConfigurationError, match="can't be read as a verdict"):
        judge_again(run_folder)


@pytest.mark.timeout(20)
async def test_a_page_of_no_file_is_refused_in_words(run_folder: Path) -> None:
    reports = run_folder.parents[1]
    (reports / "latest").symlink_to("t/r")
    with pytest.raises(allure.ReportError, match="There is no finished run"):
        await allure.run(reports)


async def test_a_report_folder_that_leads_to_itself_is_refused_in_words(tmp_path: Path) -> None:
    _to_itself(tmp_path / "reports")
    with pytest.raises(allure.ReportError, match="There is no finished run"):
        await allure.run(tmp_path / "reports")
    assert resolve(tmp_path / "reports").name == "reports"
