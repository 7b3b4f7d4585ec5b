"""Google credentials can be expected where any one of three places says so."""

from pathlib import Path

import pytest

from targets.google_credentials import ON_GOOGLE, VARIABLE, can_be_expected


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No variable is set, and gcloud's folder is an empty one."""
    for name in (VARIABLE, *ON_GOOGLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    return tmp_path


def test_without_any_of_them_there_are_none() -> None:
    assert not can_be_expected()


@pytest.mark.parametrize("name", [VARIABLE, *ON_GOOGLE])
def test_a_variable_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "something")
    assert can_be_expected()


def test_what_gcloud_has_stored_says_so(nowhere: Path) -> None:
    (nowhere / "application_default_credentials.json").write_text("{}")
    assert can_be_expected()
