"""A target is read strictly: every mistake is one paragraph that names the key, and nothing is contacted."""

import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from probes.secret import Secret
from targets.leave import variable
from targets.loading import ConfigurationError, describe_target, load_target, target_names
from targets.model import Target
from tests.system.running import run

MINE = """
environment = "staging"
profile = "read-only"
[backend]
url = "https://api.example.invalid"
service = "my-backend"
[auth]
url = "https://auth.example.invalid"
service = "my-auth"
[platform]
project = "my-project"
region = "us-central1"
credentials = "none"
"""


def write(folder: Path, more: str = "", text: str = MINE, name: str = "mine") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text + more)
    return folder


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NETRA_WRITING__CONFIRM", "NETRA_WRITING__ALLOWED", "NETRA_DATABASE__URL"):
        monkeypatch.delenv(name, raising=False)


def test_a_target_of_ones_own_is_read(tmp_path: Path) -> None:
    target = load_target("mine", write(tmp_path))
    assert (target.name, target.backend.service, target.contract.auth.latency_limit_ms) == ("mine", "my-backend", 100.0)


def test_the_environment_wins_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_BACKEND__URL", "https://other.example.invalid")
    target = load_target("mine", write(tmp_path))
    assert (target.backend.url, target.backend.service) == ("https://other.example.invalid", "my-backend")


@pytest.mark.parametrize(
    "more,key",
    [
        ("[latency]\nlimit = 5\n", "latency"),
        ("[sizes]\nlatency_cals = 500\n", "sizes.latency_cals"),
        ("[sizes]\nlatency_calls = 10\n", "sizes.latency_calls"),
        ('[sizes]\nsteady_s = "ten minutes"\n', "sizes.steady_s"),
        ("[contract.auth]\nlatency_limit = 5\n", "contract.auth.latency_limit"),
        ('[deadlines]\nanswer = "soon"\n', "deadlines.answer"),
        ("= 3\n", "TOML"),
        ("sizes = " + "9" * 5000 + "\n", "TOML"),
        ("[sizes]\nlatency_calls = 99999999999999999999999\n", "sizes.latency_calls"),
        ("[sizes]\nsteady_s = inf\n", "sizes.steady_s"),
        ("[deadlines]\nanswer = 1e300\n", "deadlines.answer"),
        ("[contract.auth]\nlatency_limit_ms = nan\n", "contract.auth.latency_limit_ms"),
        ("[pace]\nat_once = true\n", "pace.at_once` must be a number"),
        ("[sizes]\nsteady_s = true\n", "sizes.steady_s` must be a number"),
        ("[deadlines]\nanswer = true\n", "deadlines.answer` must be a number"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, more: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_target("mine", write(tmp_path, more))
    assert key in str(caught.value)
    assert str(tmp_path / "mine.toml") in str(caught.value)


@pytest.mark.parametrize("key", ["nope.nope", "backend.url.nope", "token_way"])
def test_a_required_key_that_no_target_has_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"'mine'.*\[requires\] names `{key}`, which is not a key of a target"
    ):
        load_target("mine", write(tmp_path, f'[requires]\n"{key}" = "x"\n'))


@pytest.mark.parametrize("line", ["contract = 5", "contract_of = 5", "addresses = 5", "requires = 5"])
@pytest.mark.parametrize("read", [load_target, describe_target])
def test_a_key_of_another_kind_is_named(tmp_path: Path, line: str, read: Callable[..., Target]) -> None:
    with pytest.raises(ConfigurationError, match=f"`{line.partition(' ')[0]}` must be a "):
        read("mine", write(tmp_path, text=f"{line}\n{MINE}"))


def test_an_unknown_target_names_those_that_exist_and_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"staging.*Did you mean 'staging'"):
        load_target("stagging")


def test_every_target_of_ours_is_known() -> None:
    assert target_names() == ["as-deployed", "export", "local", "staging"]


@pytest.mark.parametrize("name", ["production", "prod", "my-prod", "netra-prod-eu"])
def test_whatever_calls_itself_production_is_never_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    more = "[writing]\nallowed = true\n[database]\nurl = 'postgresql://u:p@h/d'\n"
    assert load_target("mine", write(tmp_path, more)).may_write
    text = MINE.replace("my-project", name)
    target = load_target("mine", write(tmp_path, more, text))
    assert not target.may_write
    assert "production" in target.offers()[1]["write"]


def test_writing_needs_the_toml_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = "[writing]\nallowed = true\n"
    assert not load_target("mine", write(tmp_path, allowed)).may_write
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "another")
    assert not load_target("mine", write(tmp_path, allowed)).may_write
    monkeypatch.setenv("NETRA_WRITING__CONFIRM", "mine")
    assert load_target("mine", write(tmp_path, allowed)).may_write
    assert not load_target("mine", write(tmp_path)).may_write
    monkeypatch.setenv("NETRA_WRITING__ALLOWED", "true")
    with pytest.raises(ConfigurationError, match="NETRA_WRITING__ALLOWED"):
        load_target("mine", write(tmp_path))


def test_a_token_alone_is_enough_where_the_target_says_so_and_no_key_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    required = '\n[requires]\n"tokens.signing_secret" = "signs tokens"\n'
    folder = write(tmp_path, required, 'profile_with_a_token = "read-only"\n' + MINE)
    with pytest.raises(ConfigurationError, match="NETRA_TOKENS__SIGNING_SECRET"):
        load_target("mine", folder)
    token = jwt.encode({"sub": "nv-owner-001", "exp": time.time() + 3600}, "a secret of the auth service, long enough")
    monkeypatch.setenv("NETRA_TOKENS__GIVEN", token)
    assert load_target("mine", folder).token_alone
    with pytest.raises(ConfigurationError, match="NETRA_TOKENS__SIGNING_SECRET"):
        load_target("mine", folder, needed={"tokens.signing_secret"})


def test_staging_without_configuration_lists_everything_at_once() -> None:
    code, output = run("pytest", "-c", "pytest.ini", "--target=staging", env={"HOME": "/nonexistent"})
    assert code == 4
    for name in ("TOKENS__SIGNING_SECRET", "TOKENS__SERVICE_KEY", "DATABASE__URL", "CONTRACT__DATABASE__HEADS"):
        assert f"NETRA_{name}" in output
    assert "GOOGLE_APPLICATION_CREDENTIALS" in output
    assert "nothing was contacted" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("words", [("--target=nowhere",), ("--target=local",), ("--target=local", "--phase=lunch")])
def test_a_users_mistake_is_exit_code_4_without_a_traceback(words: tuple[str, ...], tmp_path: Path) -> None:
    env = {"NETRA_ADDRESSES": str(tmp_path / "none.json")}
    code, output = run("pytest", "-c", "pytest.ini", f"--report-dir={tmp_path}", *words, env=env)
    assert code == 4
    assert "Traceback" not in output


def test_secrets_do_not_show_in_a_printed_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRA_TOKENS__SIGNING_SECRET", "very-secret-very-secret-very-secret")
    target = load_target("mine", write(tmp_path))
    assert "very-secret" not in repr(target)
    assert Secret("very-secret-very-secret-very-secret") in target.secrets


@pytest.mark.parametrize("pattern", ["%", "", "%@example.test", "%nv-%", "n%"])
def test_a_pattern_that_fits_rows_of_others_is_refused(pattern: str, tmp_path: Path) -> None:
    write(tmp_path, f'[residue.tables.users]\ncolumn = "email"\npattern = "{pattern}"\n')
    with pytest.raises(ConfigurationError, match=r"residue\.tables\.users\.pattern"):
        load_target("mine", tmp_path)


PRIVATE = {
    "postgresql://verifier%40p.iam@10.0.0.3/netra?sslmode=require": True,
    "postgresql://verifier%40p.iam@10.0.0.3,10.0.0.4/netra?sslmode=verify-full": True,
    "postgresql://verifier%40p.iam@127.0.0.1:5432/netra": True,
    "postgresql://verifier%40p.iam@/netra?host=/cloudsql/p:us-central1:core": True,
    "postgresql://verifier%40p.iam@10.0.0.3/netra": False,
    "postgresql://verifier%40p.iam@10.0.0.3/netra?sslmode=prefer": False,
    "postgresql://verifier%40p.iam@127.0.0.1,10.0.0.3/netra": False,
}


@pytest.mark.parametrize("url", PRIVATE)
def test_a_token_as_password_is_shown_to_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    folder = write(tmp_path, '[database]\nlogin = "google"\n')
    monkeypatch.setenv("NETRA_DATABASE__URL", url)
    if PRIVATE[url]:
        assert load_target("mine", folder).database.login == "google"
        return
    with pytest.raises(ConfigurationError, match="sslmode=require") as caught:
        load_target("mine", folder)
    assert "verifier" not in str(caught.value)


HIDDEN = "s3cretPart"
BAD_URLS = {
    "a port out of range": "http://127.0.0.1:99999",
    "a port that is not a number": "http://127.0.0.1:abc",
    "port 0": "http://127.0.0.1:0",
    "a space at its end": "https://api.example.invalid ",
    "a newline at its end": "https://api.example.invalid\n",
    "a space in its host": "https://api example.invalid",
    "a query": f"https://api.example.invalid/?key={HIDDEN}",
    "a fragment": f"https://api.example.invalid/#{HIDDEN}",
    "a password": f"https://user:{HIDDEN}@api.example.invalid",
    "a user": f"https://{HIDDEN}@api.example.invalid",
    "no host": "http://",
    "no host but a port": "http://:80",
    "an open bracket": "http://[::1",
    "another scheme": "ftp://127.0.0.1",
    "no scheme": "api.example.invalid",
}
URL_KEYS = ("backend.url", "auth.url", "platform.logging_url", "platform.bigquery_url", "prometheus.url")


@pytest.mark.parametrize("key", URL_KEYS)
@pytest.mark.parametrize("what", BAD_URLS)
def test_a_url_that_can_not_be_asked_is_refused_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, key: str
) -> None:
    monkeypatch.setenv(variable(key), BAD_URLS[what])
    with pytest.raises(ConfigurationError, match=variable(key)) as caught:
        load_target("mine", write(tmp_path))
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[::1]:80", "https://h_1.example-x.invalid/api/", "HTTPS://h", ""])
def test_a_url_that_can_be_asked_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("NETRA_PROMETHEUS__URL", url)
    assert load_target("mine", write(tmp_path)).prometheus.url == url


@pytest.mark.parametrize("content", [None, "garbage", "[]", '{"type": "other"}'])
def test_google_credentials_that_can_not_be_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    text = MINE.replace('credentials = "none"', 'credentials = "google"')
    key = tmp_path / "key.json"
    if content is not None:
        key.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with pytest.raises(ConfigurationError, match="GOOGLE_APPLICATION_CREDENTIALS names a file"):
        load_target("mine", write(tmp_path, text=text))
    assert load_target("mine", write(tmp_path)), "a target that uses no Google credentials does not look at them"
    key.write_text('{"type": "service_account"}')
    assert load_target("mine", write(tmp_path, text=text))


@pytest.mark.parametrize(
    "url, said",
    [
        ("postgresql://u:p4ssw0rd@h", "has no database name"),
        ("postgresql://u:p4ssw0rd@h/", "has no database name"),
        ("postgresql://u:p4ssw0rd@h/d?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "sslrootcert"),
    ],
)
def test_a_database_address_that_lacks_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setenv("NETRA_DATABASE__URL", url)
    with pytest.raises(ConfigurationError, match=f"NETRA_DATABASE__URL .*{said}") as caught:
        load_target("mine", write(tmp_path))
    assert "p4ssw0rd" not in str(caught.value)


@pytest.mark.parametrize(
    "more, said",
    [
        (
            "[sizes]\nlatency_cals = 500\n",
            "`sizes.latency_cals` is not a key .*: did you mean `latency_calls`",
        ),
        ("[backnd]\nurl = 5\n", "`backnd` is not a key of a target: did you mean `backend`"),
        ("[deadlines]\nanswr = 1\n", "'answr' is not a deadline .*: did you mean `answer`"),
        ("[contract.paths]\nthread = '/x'\n", "`contract.paths.thread` .*did you mean `threads`"),
        ("[sizes]\nnothing_like_it = 5\n", "`sizes.nothing_like_it` is not a key of a target[.;]"),
    ],
)
def test_the_closest_known_key_is_named(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_target("mine", write(tmp_path, more))


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("NETRA_BACKEND__URLL", "http://h", r"NETRA_BACKEND__URLL \(`backend.urll`\) .*did you mean `url`"),
        (
            "NETRA_TOKEN__SIGNING_SECRET",
            "x" * 40,
            "NETRA_TOKEN__SIGNING_SECRET .*Did you mean NETRA_TOKENS__SIGNING_SECRET",
        ),
        ("NETRA_FOO__BAR", "x", "NETRA_FOO__BAR sets a key of a section that no target has"),
        ("NETRA_CONTRACT__DATABASE__HEADS", "abc", "^NETRA_CONTRACT__DATABASE__HEADS can't be read: it is not JSON"),
        ("NETRA_BACKEND__HEADERS", "x", "^NETRA_BACKEND__HEADERS can't be read: it is not JSON"),
        ("NETRA_CONTRACT__DATABASE__HEADS", '"abc"', "environment can't be used: NETRA_CONTRACT__DATABASE__HEADS"),
    ],
)
def test_a_variable_that_can_not_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        load_target("mine", write(tmp_path))


def test_a_byte_order_mark_and_an_empty_key_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="begins with a byte order mark"):
        load_target("mine", write(tmp_path, text=f"\ufeff{MINE}"))
    with pytest.raises(ConfigurationError, match=r'`sizes.""` is not a key'):
        load_target("mine", write(tmp_path, '[sizes]\n"" = 1\n'))
