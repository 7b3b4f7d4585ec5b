"""Permission to write: two keys, the first in the TOML, and no variable moves it to another target."""

import json
from pathlib import Path
from typing import Any

import pytest

from probes.secret import Secret
from targets.dsn import secrets_of_dsn
from targets.leave import database_name, hosts
from targets.loading import ConfigurationError, describe_target, load_target, overrides_of
from tests.targets.test_loading import MINE, write

ALLOWED = "[writing]\nallowed = true\n"
HERE = "postgresql://u:p@127.0.0.1:5/netra"
LOCAL = (
    MINE.replace('"staging"', '"local"')
    .replace("https://api.example.invalid", "http://127.0.0.1:1")
    .replace("https://auth.example.invalid", "http://[::1]:2")
)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NETRA_WRITING__CONFIRM", "NETRA_DATABASE__URL", "NETRA_ADDRESSES"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "name,value",
    [
        ("NETRA_ENVIRONMENT", "local"),
        ("netra_environment", "local"),
        ("NETRA_NAME", "other"),
        ("NETRA_PROFILE_WHEN_WRITING", "full"),
        ("NETRA_WRITING", '{"allowed": true}'),
        ("NETRA_WRITING__ALLOWED", "true"),
        ("NETRA_BACKEND__SERVICE", "harmless"),
        ("NETRA_AUTH", '{"service": "harmless"}'),
        ("NETRA_PLATFORM__PROJECT", "harmless"),
    ],
)
def test_no_variable_says_what_the_toml_alone_may_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="decides about writing, so only the target's TOML may set it"):
        load_target("mine", write(tmp_path, ALLOWED))


@pytest.mark.parametrize("name", ["NETRA_BACKEND__URL", "NETRA_AUTH__URL"])
def test_a_leave_is_not_taken_to_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NETRA_DATABASE__URL", HERE)
    monkeypatch.setenv(name, "https://elsewhere.invalid")
    assert not load_target("mine", write(tmp_path, ALLOWED)).may_write
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    with pytest.raises(ConfigurationError, match=f"{name} moves this target"):
        load_target("mine", write(tmp_path, ALLOWED))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@prod-db/netra",
        "postgresql://u:p@staging,prod-db:5432/netra",
        "postgresql://u:p@/netra?host=prod-db",
        "postgresql://u:p@staging/netra_prod",
        "postgresql://netra_prod:p@staging/netra",
        "postgresql://u:p@staging/netra?dbname=netra%5Fprod",
    ],
)
def test_a_database_that_calls_itself_production_is_never_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    monkeypatch.setenv("NETRA_DATABASE__URL", "postgresql://u:prod@staging/netra")
    assert load_target("mine", write(tmp_path, ALLOWED)).may_write, "a password is not a name"
    monkeypatch.setenv("NETRA_DATABASE__URL", url)
    target = load_target("mine", write(tmp_path, ALLOWED))
    assert not target.may_write
    assert "production" in target.offers()[1]["write"]


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@staging/netra?host=prod-db", "host=prod-db dbname=netra user=u password=p"]
)
def test_a_database_that_names_production_beside_another_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    monkeypatch.setenv("NETRA_DATABASE__URL", url)
    with pytest.raises(ConfigurationError, match="NETRA_DATABASE__URL"):
        load_target("mine", write(tmp_path, ALLOWED))


@pytest.mark.parametrize("url", ["postgresql:///netra", "postgresql://u:p@h", "netra at localhost", "dbname=netra"])
def test_a_database_that_others_would_have_to_name_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    monkeypatch.setenv("NETRA_DATABASE__URL", url)
    with pytest.raises(ConfigurationError, match="PGHOST or PGDATABASE would decide"):
        load_target("mine", write(tmp_path, ALLOWED))


@pytest.mark.parametrize("confirm", ["mine", ""])
@pytest.mark.parametrize("url", ["postgresql://u:p@[::1/netra", "http://[::1"])
def test_a_database_address_with_an_open_bracket_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, confirm: str
) -> None:
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", confirm)
    with pytest.raises(ConfigurationError, match=r"database.url|NETRA_DATABASE__URL"):
        load_target("mine", local(tmp_path, url))


def test_a_long_text_in_place_of_an_address_is_read_at_once() -> None:
    text = "x" * 100_000
    assert (hosts(text), database_name(text), secrets_of_dsn(Secret(text))) == ([], "", ())


def local(folder: Path, database: str = "") -> Path:
    return write(folder, ALLOWED + (f'[database]\nurl = "{database}"\n' if database else ""), LOCAL)


def test_a_local_target_is_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_target("mine", local(tmp_path, HERE)).may_write
    with pytest.raises(ConfigurationError, match=r"is on 'db\.example\.invalid'"):
        load_target("mine", local(tmp_path, "postgresql://u:p@db.example.invalid/netra"))
    with pytest.raises(ConfigurationError, match=r"is on 'db\.example\.invalid'"):
        load_target("mine", local(tmp_path, "postgresql://u:p@127.0.0.1/netra?host=db.example.invalid"))
    with pytest.raises(ConfigurationError, match=r"is on 'db\.example\.invalid'"):
        load_target("mine", local(tmp_path, "postgresql://u:p@db.example.invalid/netra?application_name=x@127.0.0.1"))
    monkeypatch.setenv("NETRA_DATABASE__URL", "postgresql://u:p@127.0.0.1:6/tunnel")
    with pytest.raises(ConfigurationError, match="NETRA_DATABASE__URL sets the database of a local target"):
        load_target("mine", local(tmp_path))
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    assert load_target("mine", local(tmp_path)).may_write


@pytest.mark.parametrize(
    "more,said",
    [
        ({"environment": "local"}, "only the TOML may set `environment`"),
        ({"writing": {"allowed": True}}, "only the TOML may set `writing.allowed`"),
        ({"contract": {"auth": {"latency_limit_ms": 9e9}}}, "only the TOML may set `contract.auth.latency_limit_ms`"),
        ({"database": {"url": "postgresql://u:p@db.example.invalid/netra"}}, "a twin is on this machine"),
        ({"backend": {"url": "https://api.example.invalid"}}, "a twin is on this machine"),
        ({"platform": {"project": "another"}}, "its project is 'another'"),
    ],
)
def test_addresses_say_no_more_than_a_twin_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], said: str
) -> None:
    (tmp_path / "addresses.json").write_text(json.dumps(more))
    monkeypatch.setenv("NETRA_ADDRESSES", str(tmp_path / "addresses.json"))
    with pytest.raises(ConfigurationError, match=said):
        load_target("mine", write(tmp_path, ALLOWED, 'addresses = "none.json"\n' + LOCAL))


WEAKENS = {
    "NETRA_PROFILE": ("export", True),
    "NETRA_CONTRACT__AUTH__LATENCY_LIMIT_MS": ("90000", True),
    "NETRA_SIZES__LATENCY_CALLS": ("59", True),
    "NETRA_SIZES__SOAK_SESSIONS": ("500", False),
    "NETRA_SIZES__SOAK_PING_S": ("600", True),
    "NETRA_PACE__AT_ONCE": ("1", False),
    "NETRA_DEADLINES__ANSWER": ("600", True),
    "NETRA_TWIN__HOUR_S": ("4", True),
    "NETRA_BACKEND__URL": ("https://elsewhere.invalid", True),
    "NETRA_PLATFORM__LOGGING_URL": ("https://elsewhere.invalid", True),
    "NETRA_PLATFORM__READS_PER_MINUTE": ("6", False),
}
ITS_PART = {
    "NETRA_DATABASE__URL": "postgresql://u:p@h/d",
    "NETRA_CONTRACT__DATABASE__HEADS": '["0003_owner_index"]',
    "NETRA_WRITING__CONFIRM": "mine",
    "TOKEN": "t.t.t",
    "NETRA_SIZES__LATENCY_CALLS": "1000",
}


def test_what_the_environment_says_against_the_file_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, '[requires]\n"contract.database.heads" = "is what alembic heads prints"\n')
    for name, its in ITS_PART.items():
        monkeypatch.setenv(name, its)
    assert overrides_of("mine", folder) == {}
    for name, (other, _) in WEAKENS.items():
        monkeypatch.setenv(name, other)
    assert overrides_of("mine", folder) == {name: weakens for name, (_, weakens) in WEAKENS.items()}


def test_whoever_judges_the_runs_hears_nothing_that_weakens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (value, _) in WEAKENS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NETRA_CONTRACT__DATABASE__HEADS", '["a"]')
    folder = write(tmp_path, '[requires]\n"contract.database.heads" = "is what alembic heads prints"\n')
    heard = describe_target("mine", folder)
    assert (heard.profile, heard.contract.auth.latency_limit_ms, heard.twin.hour_s) == ("read-only", 100.0, 3600.0)
    assert heard.contract.database.heads == {"a"}
    assert heard.sizes.soak_sessions == 500


def test_a_variable_that_is_no_json_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_SIZES", "many")
    with pytest.raises(ConfigurationError, match=r"NETRA_SIZES can't be read: it is not JSON"):
        load_target("mine", write(tmp_path))
