"""5xx put together: by status, route and signature, with times, traces and the incident that they match."""

from typing import Any

import pytest

from fixtures.compared_log import signature
from fixtures.server_lines import MOST_TEXT, server_line
from gate.redaction import Redactor
from probes.logs.entries import LogEntry
from probes.logs.error_clusters import cluster, route_of, signature_of
from probes.logs.parsing import parse_entry
from probes.secret import Secret
from tests.probes.logs.known import KNOWN

REQUESTS, STDERR = (f"projects/p/logs/run.googleapis.com%2F{log}" for log in ("requests", "stderr"))


def request(second: int, path: str, trace: str, status: int = 500, **more: Any) -> LogEntry:  # noqa: ANN401 - fields
    http = {"status": status, "requestUrl": f"https://x{path}?q=1", "requestMethod": "GET", "latency": "0.1s"}
    return parse_entry(
        {
            "logName": REQUESTS,
            "timestamp": f"2026-11-24T09:00:{second:02}Z",
            "insertId": f"{second}",
            "trace": f"projects/p/traces/{trace}",
            "httpRequest": http | more.pop("http", {}),
            **more,
        }
    )


def line(second: int, text: str, trace: str = "") -> LogEntry:
    named = {"trace": f"projects/p/traces/{trace}"} if trace else {}
    return parse_entry({"logName": STDERR, "timestamp": f"2026-11-24T09:00:{second:02}Z", "textPayload": text, **named})


def test_routes_lose_what_differs_from_request_to_request() -> None:
    assert route_of("/api/threads/8f14e45fceea167a/messages/12", str) == "/api/threads/{id}/messages/{id}"
    assert route_of("/api/threads", str) == "/api/threads"


def test_a_signature_is_the_error_of_a_traceback_without_its_numbers() -> None:
    text = 'Traceback (most recent call last):\n  File "a.py", line 3\nKeyError: 42\n'
    assert signature_of(text, str) == "KeyError: #"
    assert signature_of("object at 0x7f00 of 12345678-aaaa", str) == "object at # of #"
    assert signature_of("", str) == ""


def test_one_cluster_a_route_and_signature_with_its_times_and_traces() -> None:
    errors = [request(3, "/api/threads/1", "a"), request(1, "/api/threads/2", "b"), request(2, "/ws", "c", 503)]
    lines = [line(3, "TypeError: x 1", "a"), line(1, "TypeError: x 2", "b"), line(9, "not of these", "z")]
    first, second = cluster(errors, [*errors, *lines], KNOWN, str)
    assert (first.count, first.route, first.signature) == (2, "/api/threads/{id}", "TypeError: x #")
    assert (first.first, first.last) == ("2026-11-24T09:00:01Z", "2026-11-24T09:00:03Z")
    assert first.trace_ids == ("a", "b")
    assert (second.status, second.route, second.count) == (503, "/ws", 1)


def test_an_incident_is_named_by_trace_or_by_time() -> None:
    error = request(10, "/ws", "a")
    coroutine = "WebSocket error: 'coroutine' object has no attribute 'get'"
    for of_it in (line(59, coroutine, "a"), line(11, coroutine)):
        (found,) = cluster([error], [error, of_it], KNOWN, str)
        assert found.incidents == ("coroutine",)
        assert "incident coroutine" in found.text
    (found,) = cluster([error], [error, line(9, coroutine), line(13, coroutine), line(10, coroutine, "b")], KNOWN, str)
    assert not found.incidents


def test_what_the_platform_answered_itself_is_said() -> None:
    said = "The request was aborted because there was no available instance."
    (found,) = cluster([request(1, "/ws", "a", 503, textPayload=said, http={"latency": "0s"})], [], KNOWN, str)
    assert found.by_platform == 1
    assert "made by the platform itself" in found.text
    assert said in found.text


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.SECRETSIGNATUREabcdefghijk"
KNOWN_SECRET = "p4ssw0rd-of-7-digits"
CREDENTIALS = {
    "a bearer's token": (f"authorization: Bearer {JWT}", "SECRETSIGNATURE"),
    "an opaque token": ("Bearer abcDEF1ghiJKL2mnoPQR3stuVWX4yz", "mnoPQR"),
    "a bare token": (f"ValueError: token {JWT} refused", "SECRETSIGNATURE"),
    "a password in an address": ("ConnectionError: redis://:p4ssw0rdLONG@h", "rdLONG"),
    "a known secret": (f"RuntimeError: bad {KNOWN_SECRET}", "-digits"),
}


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_credential_goes_before_numbers_and_ends_do(credential: str) -> None:
    text, secret = CREDENTIALS[credential]
    redact = Redactor([Secret(KNOWN_SECRET)]).text
    (found,) = cluster([request(1, f"/x/{text.rpartition(' ')[2]}", "a", textPayload=text)], [], KNOWN, redact)
    shown = {
        found.text,
        signature_of(text, redact),
        signature(line(1, text), redact),
        server_line(line(1, f"{'x' * 600} {text} {'y' * (MOST_TEXT // 2 - 5)}"), redact).text,
        server_line(line(1, f"{'x' * (MOST_TEXT // 4 - 50)} {text} {'y' * MOST_TEXT}"), redact).text,
    }
    assert not [each for each in shown if secret in each]


def test_a_secret_that_only_its_key_names_is_redacted() -> None:
    payload = {"message": "no login", "db": {"password": "hunter22long", "user": "netra"}}
    entry = parse_entry({"logName": STDERR, "timestamp": "2026-11-24T09:00:00Z", "jsonPayload": payload})
    assert "hunter22long" not in server_line(entry, Redactor().text).text
    assert "netra" in entry.text
