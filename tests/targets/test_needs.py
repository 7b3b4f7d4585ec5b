"""What a target offers, and for everything else the reason, which names what to set."""

from pathlib import Path

import pytest

from targets.loading import describe_target
from targets.model import Target
from tests.targets.test_loading import MINE, write

UNSIGNED = "no signing secret: set NETRA_TOKENS__SIGNING_SECRET"
SECRETS = ("SIGNING_SECRET", "LOGIN_KEY", "GIVEN", "SERVICE_KEY")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *(f"NETRA_TOKENS__{one}" for one in SECRETS),
        "TOKEN",
        "NETRA_DATABASE__URL",
        "NETRA_WRITING__CONFIRM",
    ):
        monkeypatch.delenv(name, raising=False)


def mine(folder: Path, more: str = "") -> Target:
    """The target of the tests, with more in its TOML."""
    return describe_target("mine", write(folder, more))


def why(target: Target, need: str) -> str:
    """Why the target lacks it; empty if it offers it."""
    offers, lacking = target.offers()
    assert (need in offers) is (need not in lacking)
    return lacking.get(need, "")


@pytest.mark.parametrize(
    "need, reason",
    [
        ("http", ""),
        ("ws", ""),
        ("db", "no database: set NETRA_DATABASE__URL"),
        ("write", "no database: set NETRA_DATABASE__URL"),
        ("mint", UNSIGNED),
        ("token", f"{UNSIGNED}, or NETRA_TOKENS__LOGIN_KEY (with [contract.login]), or TOKEN"),
        ("prometheus", "no Prometheus: set NETRA_PROMETHEUS__URL"),
        ("readiness", ""),
        ("document", ""),
        ("operations", "no operation is named: [contract.api] required, for_users, for_anyone"),
        ("guarded", "none is named: [contract.api] for_users, for_anyone"),
        ("login-key", "no login key: set NETRA_TOKENS__LOGIN_KEY"),
        ("login", "absent: the target says that it has no tokens.login"),
        ("counts", ""),
        ("twin", "only the embedded twin can be broken on purpose"),
    ],
)
def test_what_a_target_without_credentials_lacks_is_said(tmp_path: Path, need: str, reason: str) -> None:
    assert why(mine(tmp_path), need) == reason


def test_the_projects_apis_are_offered_with_their_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_PLATFORM__ACCESS_TOKEN", "t")
    google = '[platform]\ncredentials = "token"\nproject = "p"\n'
    text = MINE.partition("[platform]")[0]
    whole = describe_target("mine", write(tmp_path, google, text))
    assert [why(whole, need) for need in ("logs", "run", "metrics")] == ["", "", ""]
    none = 'logging_url = ""\nrun_url = ""\nmonitoring_url = ""\n'
    bare = describe_target("mine", write(tmp_path, google + none, text))
    assert [why(bare, need) for need in ("logs", "run", "metrics")] == [
        "no log API; an export: --log-export=FILE",
        "no Cloud Run Admin API",
        "no Cloud Monitoring API",
    ]
    outside = describe_target("mine", write(tmp_path, "", text))
    assert {why(outside, need) for need in ("logs", "run", "metrics")} == {
        "no Google project: [platform] project is empty"
    }


def test_a_service_that_no_address_names_is_lacking(tmp_path: Path) -> None:
    text = MINE.replace('url = "https://api.example.invalid"\n', "").replace(
        'url = "https://auth.example.invalid"\n', ""
    )
    target = describe_target("mine", write(tmp_path, text=text))
    assert [why(target, need) for need in ("http", "ws", "auth")] == ["no backend url"] * 2 + ["no auth url"]


def test_a_service_key_is_needed_where_validation_sends_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed = '[contract.validation]\nheaders = { X-Kind = "x", X-Caller = "{service_key}" }\n'
    assert why(mine(tmp_path, keyed), "auth") == "no service key: set NETRA_TOKENS__SERVICE_KEY"
    assert not why(mine(tmp_path, '[contract.validation]\nheaders = { X-Kind = "x" }\n'), "auth")
    monkeypatch.setenv("NETRA_TOKENS__SERVICE_KEY", "k")
    assert not why(mine(tmp_path, keyed), "auth")


def test_permission_to_write_is_missing_for_one_reason_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRA_DATABASE__URL", "postgresql://u:p@h/netra")
    assert not why(mine(tmp_path), "db")
    assert why(mine(tmp_path), "write") == "its TOML does not allow writing"
    allowed = "[writing]\nallowed = true\n"
    assert why(mine(tmp_path, allowed), "write") == "not confirmed: set NETRA_WRITING__CONFIRM=mine"
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    assert not why(mine(tmp_path, allowed), "write")
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "another")
    assert not mine(tmp_path, allowed).may_write
    text = MINE.replace('"my-project"', '"my-prod"')
    production = describe_target("mine", write(tmp_path, allowed, text))
    assert why(production, "write") == "it calls itself production, where nothing is ever written"


@pytest.mark.parametrize(
    "variable, more, way",
    [
        ("", "", ""),
        ("TOKENS__SIGNING_SECRET", "", "mint"),
        ("TOKENS__LOGIN_KEY", "", ""),
        ("TOKENS__LOGIN_KEY", '[contract.login]\npath = "/login"\n', "fetch"),
        ("TOKENS__GIVEN", "", "given"),
    ],
)
def test_a_token_comes_by_the_first_way_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, more: str, way: str
) -> None:
    if variable:
        monkeypatch.setenv(f"NETRA_{variable}", "a-value-that-is-long-enough-for-a-secret")
    text = MINE.replace('profile = "read-only"', 'profile = "read-only"\nprofile_with_a_token = "export"')
    target = describe_target("mine", write(tmp_path, more, text))
    assert target.token_way == way
    assert target.token_alone is (way in {"fetch", "given"})
    assert target.required_profile == ("export" if target.token_alone else "read-only")
    assert bool(why(target, "token")) is (not way)
    assert bool(why(target, "mint")) is (way != "mint")
    assert not mine(tmp_path, more).token_alone, "without a profile for it, a token is one credential among others"


@pytest.mark.parametrize(
    "more, name",
    [
        ('[contract.api]\ndocument = ""\n', "api.document"),
        ('[contract.database.messages]\ntable = ""\n', "database.messages"),
        ('[contract.health]\ncounts_check = ""\n', "health.counts"),
        ('[contract.health]\nbad_field = ""\n', "health.counts"),
        ('[contract.browser]\nfrontend = ""\n', "frontend"),
        ('[contract.paths]\nauth_logout = ""\n', "tokens.logout"),
        ("[contract.websocket.agent]\nevents = []\n", "websocket.agent"),
        ("[contract.websocket.agent]\nin_thread = {}\n", "websocket.agent.in_thread"),
        ('[contract.threads.one]\ncreate = ""\n', "threads.one"),
        ('[contract.auth]\nlatency_clock = "client"\n', "auth.server-timing"),
    ],
)
def test_an_empty_value_of_the_contract_takes_a_claim_away(tmp_path: Path, more: str, name: str) -> None:
    assert name not in mine(tmp_path).gone
    assert name in mine(tmp_path, more).gone


def test_text_that_the_metadata_column_refuses_is_not_written(tmp_path: Path) -> None:
    assert why(mine(tmp_path), "json") == "the contract's metadata column refuses such text"
    for kind in ("json", "text"):
        column = f'[contract.database.columns.metadata_]\npresence = "needed"\ntypes = ["{kind}"]\n'
        assert not why(mine(tmp_path, column), "json")


def test_a_browser_is_not_given_what_is_in_front_of_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("targets.model.find_browser", lambda: "/usr/bin/chromium")
    assert not why(mine(tmp_path), "browser")
    said = "a browser can't be given the private CA or the headers in front of the service"
    for more in ('[network]\nca_file = "/ca.pem"\n', '[backend.headers]\nX-Gate = "x"\n'):
        assert why(mine(tmp_path, more), "browser") == said
    text = MINE.replace('service = "my-backend"', 'service = "my-backend"\nidentity = "google"')
    assert why(describe_target("mine", write(tmp_path, text=text)), "browser") == said
    monkeypatch.setattr("targets.model.find_browser", lambda: "")
    assert why(mine(tmp_path), "browser").startswith("no browser: install Chromium")


def test_a_twin_with_users_is_not_broken_on_purpose(tmp_path: Path) -> None:
    control = '[twin]\ncontrol_url = "http://127.0.0.1:9"\n'
    assert not why(mine(tmp_path, control), "twin")
    assert why(mine(tmp_path, f"{control}users = true\n"), "twin") == (
        "it has users, who would meet what is broken on purpose"
    )


def test_required_operations_can_be_looked_up_only_in_a_document_that_the_service_sends(tmp_path: Path) -> None:
    named = '[contract.api]\nrequired = ["GET /api/agents"]\n'
    assert not why(mine(tmp_path, named), "operations")
    for key in ("for_users", "for_anyone"):
        asked = mine(tmp_path, f'[contract.api]\n{key} = ["GET /api/agents"]\n')
        assert [why(asked, need) for need in ("operations", "guarded")] == ["", ""]
    sends_none = "the service sends no document of its API ([contract.api] document)"
    for document in ("", "api.json"):
        assert why(mine(tmp_path, f'{named}document = "{document}"\n'), "operations") == sends_none
    without = MINE.replace("[backend]", 'absent = ["api.document"]\n[backend]')
    assert why(describe_target("mine", write(tmp_path, named, without)), "operations") == sends_none
