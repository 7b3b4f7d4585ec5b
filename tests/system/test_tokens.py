"""Three ways to a valid token, against the twin: signed, fetched at a login, handed over; and none."""

import time
from pathlib import Path
from typing import Any

import pytest

from probes.auth.tokens import Mint, User
from probes.secret import Secret
from tests.system.running import ReusedTwin, assert_go, run, verdict_in

QUICK = (
    "pytest",
    "-c",
    "pytest.ini",
    "--target=local",
    "--quick",
    "-k",
    "(auth and not outage) or opens_a_session or out_of_range",
)
SECRET = {"NETRA_TOKENS__SIGNING_SECRET": ""}
NO_LOGIN = {**SECRET, "NETRA_TOKENS__LOGIN_KEY": ""}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def twin(reused_twin: ReusedTwin) -> tuple[str, dict[str, Any]]:
    return str(reused_twin.file), reused_twin.addresses


def outcomes(addresses: str, reports: Path, env: dict[str, str]) -> tuple[int, dict[str, dict[str, Any]], str]:
    code, output = run(*QUICK, f"--report-dir={reports}", env={"NETRA_ADDRESSES": addresses, **env})
    assert "Traceback" not in output, output
    ran = [row for row in verdict_in(reports)["checks"] if "did not run" not in row["reason"]]  # -k left those out
    return code, {row["name"]: row for row in ran}, output


def given(told: dict[str, Any], *, issued: float) -> str:
    mint = Mint(
        secret=Secret(told["tokens"]["signing_secret"]),
        issuer="netra-auth-service",
        audience="netra-platform",
        lifetime_s=900.0,
        extra_claims={"token_type": "access", "permissions": []},
    )
    return mint.good(User("nv-somebody", "somebody@netra-verify.invalid"), now=issued).reveal()


def refuse_any_but(rows: dict[str, dict[str, Any]], allowed: set[str]) -> None:
    found = {name: row["reason"] for name, row in rows.items() if row["outcome"] not in allowed}
    assert not found, found


def without_the_secret(rows: dict[str, dict[str, Any]]) -> None:
    """What can be shown without it is PASSED, the rest is NOT_APPLICABLE and says what it lacks."""
    refuse_any_but(rows, {"PASSED", "NOT_APPLICABLE"})
    for name in (
        "auth.accepts[auth]",
        "auth.accepts[websocket by subprotocol]",
        "auth.refuses[HS-RS confusion]",
        "auth.agreement",
        "auth.latency",
        "auth.cheap-refusal",
        "websocket.connects[header]",
    ):
        assert rows[name]["outcome"] == "PASSED"
    for name in ("auth.refuses[expired]", "auth.refuses[wrong issuer]", "auth.same-answer"):
        assert rows[name]["outcome"] == "NOT_APPLICABLE"
        assert "NETRA_TOKENS__SIGNING_SECRET" in rows[name]["reason"]


def test_a_token_is_fetched_at_the_login(twin: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    without_the_secret(outcomes(twin[0], tmp_path, SECRET)[1])


def test_a_token_is_handed_over(twin: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    token = given(twin[1], issued=time.time())
    without_the_secret(outcomes(twin[0], tmp_path, {**NO_LOGIN, "TOKEN": token})[1])
    assert token not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


def test_a_token_that_can_not_do_is_said_before_anything_is_asked(
    twin: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    expired = given(twin[1], issued=time.time() - 3600)
    for token, said in ((expired, "supply a new token"), ("sesame", "is not a JWT")):
        env = {"NETRA_ADDRESSES": twin[0], **NO_LOGIN, "TOKEN": token}
        code, output = run(*QUICK, f"--report-dir={tmp_path}", env=env)
        assert code == 4, output
        assert "NETRA_TOKENS__GIVEN (or TOKEN)" in output
        assert said in output
        assert token not in output


def test_a_login_that_refuses_our_key_is_broken(twin: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    code, rows, output = outcomes(twin[0], tmp_path, {**SECRET, "NETRA_TOKENS__LOGIN_KEY": "wrong"})
    assert (code, rows["auth.agreement"]["outcome"]) == (10, "BROKEN"), output
    assert "NETRA_TOKENS__LOGIN_KEY" in rows["auth.agreement"]["reason"]


def test_no_way_to_a_token_leaves_what_needs_one_not_applicable(
    twin: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    code, rows, output = outcomes(twin[0], tmp_path, NO_LOGIN)
    assert (code, rows["auth.latency"]["outcome"]) == (10, "NOT_APPLICABLE"), output
    assert "or TOKEN" in rows["auth.latency"]["reason"]
    assert rows["auth.reachable"]["outcome"] == "PASSED"


ALONE = """
environment = "staging"
profile = "read-only"
profile_with_a_token = "token-alone"
[backend]
url = "{backend}"
service = "netra-backend-staging"
[auth]
url = "{auth}"
service = "netra-auth-service"
[platform]
project = "netra-staging"
region = "us-central1"
[requires]
"tokens.signing_secret" = "signs tokens"
"database.url" = "reads the schema"
"""


def test_a_token_alone_is_enough_for_what_a_client_sees(twin: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    """Nothing else is configured: no secret, no database, no access to Google's APIs."""
    told = twin[1]
    text = ALONE.format(backend=told["backend"]["url"], auth=told["auth"]["url"])
    (tmp_path / "mine.toml").write_text(text)
    words = (
        "gate.session",
        "-c",
        "pytest.ini",
        "--target=mine",
        f"--targets-dir={tmp_path}",
        "--quick",
        "--verdict-only",
    )
    env = {"HOME": str(tmp_path), "TOKEN": given(told, issued=time.time())}
    code, output = run(*words, f"--report-dir={tmp_path / 'reports'}", env=env)
    document = verdict_in(tmp_path / "reports")
    assert_go(code, tmp_path / "reports", output)
    assert document["profile"] == "token-alone"
    required = {row["name"] for row in document["checks"] if row["required"]}
    assert {"websocket.hostile[bad JSON]", "auth.accepts[rest]", "threads.bounds[limit 0]"} <= required
    left = {row["id"]: row["reason"] for row in document["checks"] if row["outcome"] == "NOT_APPLICABLE"}
    assert "NETRA_DATABASE__URL" in left["migrations.head"]
    assert "GOOGLE_APPLICATION_CREDENTIALS" in left["logs.zero-500"]
    weaker = [one for one in document["overrides"] if one["weakens"]]
    assert {one["name"] for one in weaker} == {"--quick", "a token alone: profile token-alone"}
    assert run(*words, f"--report-dir={tmp_path / 'reports'}", env={"HOME": str(tmp_path)})[0] == 4
