"""Bad input from the auth service's side, told apart: what is the product's FAILED, what is ours BROKEN."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Reply, self_signed, serving_beside
from tests.system.running import ReusedTwin, run, verdict_in, was_too_busy

LOOK = ("pytest", "-c", "pytest.ini", "--target=local", "--quick", "-k", "fast_enough or good_token_is_let_in")
NEVER_S = 60.0
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def addresses(reused_twin: ReusedTwin) -> str:
    return str(reused_twin.file)


def look(
    addresses: str, reports: Path, *more: str, answer_s: float = 5.0, **env: str
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The rows of auth.latency and of auth.accepts[auth], and all that was said."""
    deadlines = json.dumps({"answer": answer_s, "server_lines": 0.3})
    env = {"NETRA_ADDRESSES": addresses, "NETRA_DEADLINES": deadlines, **env}
    _, output = run(*LOOK, *more, f"--report-dir={reports}", env=env)
    assert "Traceback" not in output, output
    rows = {row["name"]: row for row in verdict_in(reports)["checks"]}
    return rows["auth.latency"], rows["auth.accepts[auth]"], output


def assert_of_the_product(latency: dict[str, Any], accepts: dict[str, Any], said: str) -> None:
    assert accepts["outcome"] == "FAILED"
    assert was_too_busy(latency) or (latency["outcome"] == "FAILED" and said in latency["actual"]), latency


REPLIES = {
    "redirects to a login": (
        Reply(status=302, body=b"", headers={"Location": "https://login.invalid/"}),
        "a redirect to",
    ),
    "a page that is not JSON": (
        Reply(status=200, body=b"<html>please wait</html>", kind="text/html"),
        "text/html, not JSON",
    ),
    "JSON without a user": (Reply(status=200, body=b'{"valid": true}'), "names user None"),
    "server errors": (Reply(status=500, body=b'{"error": "internal"}'), "answered 500"),
    "no HTTP at all": (Reply(raw=b"+PONG\r\n\r\n"), "not an HTTP/1.1 answer"),
}


@pytest.mark.parametrize("what", REPLIES)
def test_an_answer_that_is_no_validation_is_the_product_s_failure(addresses: str, tmp_path: Path, what: str) -> None:
    reply, said = REPLIES[what]
    with serving_beside(lambda _: reply) as server:
        latency, accepts, _ = look(addresses, tmp_path, NETRA_AUTH__URL=server.url)
    assert_of_the_product(latency, accepts, said)


def test_a_limiter_is_no_verdict_on_the_service(addresses: str, tmp_path: Path) -> None:
    reply = Reply(status=429, body=json.dumps({"error": "slow down"}).encode(), headers={"Retry-After": "30"})
    with serving_beside(lambda _: reply) as server:
        latency, accepts, output = look(addresses, tmp_path, NETRA_AUTH__URL=server.url)
    assert (latency["outcome"], accepts["outcome"]) == ("BROKEN", "BROKEN")
    assert "429, Retry-After 30" in latency["reason"] or was_too_busy(latency)
    assert "INCONCLUSIVE" in output


def test_a_certificate_of_a_ca_that_we_do_not_have_is_ours_to_mend(addresses: str, tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    with serving_beside(lambda _: Reply(), context) as server:
        latency, accepts, output = look(addresses, tmp_path / "reports", NETRA_AUTH__URL=server.url)
    assert (latency["outcome"], accepts["outcome"]) == ("BROKEN", "BROKEN")
    assert "certificate" in latency["reason"] or was_too_busy(latency)
    assert "INCONCLUSIVE" in output


def test_nobody_there_is_the_product_s_failure(addresses: str, tmp_path: Path) -> None:
    latency, accepts, _ = look(addresses, tmp_path, NETRA_AUTH__URL="http://127.0.0.1:9")
    assert_of_the_product(latency, accepts, "ConnectionRefusedError")


def test_no_answer_in_time_is_the_product_s_failure(addresses: str, tmp_path: Path) -> None:
    with serving_beside(lambda _: Reply(delay_s=NEVER_S)) as server:
        latency, accepts, _ = look(addresses, tmp_path, NETRA_AUTH__URL=server.url, answer_s=0.5)
    assert_of_the_product(latency, accepts, "no answer within 0.5 s")


def test_our_own_clock_two_minutes_off_is_broken(addresses: str, tmp_path: Path) -> None:
    latency, accepts, output = look(addresses, tmp_path, "-p", "tests.system.clock_ahead")
    assert (latency["outcome"], accepts["outcome"]) == ("BROKEN", "BROKEN")
    assert "our own clock is 1" in accepts["reason"]
    assert "ahead of those of" in output


def test_the_server_s_time_is_read_in_the_request_log_where_the_target_says_so(addresses: str, tmp_path: Path) -> None:
    latency, _, _ = look(addresses, tmp_path, NETRA_CONTRACT__AUTH__SERVER_TIME="request-log")
    assert latency["outcome"] == "PASSED" or was_too_busy(latency), latency["reason"]
    for figure in latency["figures"][:1]:
        assert figure["rule"].endswith("read in request-log")
        assert 0 < figure["details"]["p50"] < figure["details"]["client_p50"]


def test_no_time_of_the_server_s_own_is_ours_to_mend(addresses: str, tmp_path: Path) -> None:
    latency, _, _ = look(addresses, tmp_path, NETRA_CONTRACT__AUTH__SERVER_TIMING_METRIC="nowhere")
    assert latency["outcome"] == "BROKEN"
    assert "server_time" in latency["reason"] or was_too_busy(latency)


def test_the_limit_is_for_the_clock_that_the_target_names(addresses: str, tmp_path: Path) -> None:
    latency, _, _ = look(addresses, tmp_path, NETRA_CONTRACT__AUTH__LATENCY_CLOCK="client")
    assert latency["outcome"] == "PASSED" or was_too_busy(latency), latency["reason"]
    for figure in latency["figures"][:1]:
        assert "client's clock" in figure["rule"]
        assert figure["value"] == figure["details"]["client_p95"] > figure["details"]["server_p95"] > 0
