"""A verdict.json or a discard that is nested without end, half written or something else: named, no traceback."""

from pathlib import Path

import pytest

from commands import allure
from commands.gate import judge_again
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
