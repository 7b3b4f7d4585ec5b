"""Incidents and credentials: found in any text, and in time that grows with the text and no faster."""

import base64
import time
from collections.abc import Callable

import pytest

from probes.logs.error_clusters import is_line_of_error, route_of, signature_of
from probes.logs.incidents import Incidents, holds_credential
from probes.logs.parsing import parse_entry
from tests.probes.logs.known import KNOWN

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0."
SHOWN = {
    "AttributeError: 'coroutine' object has no attribute 'get'": "coroutine",
    "RuntimeWarning: coroutine 'get_db' was never awaited": "coroutine",
    "operator does not exist: text ->> unknown": "jsonb",
    "cannot extract elements from a scalar": "jsonb",
    "(asyncpg.exceptions.UntranslatableCharacterError) ... WHERE (threads.metadata_ ->> $1) = $2": "jsonb",
    "Auth Service Communication failed: timed out": "auth",
    "'ThreadService' object has no attribute 'generate_thread_id'": "threads",
    "object bool can't be used in 'await' expression": "threads",
    "user_context must be a UserExecutionContext instance": "websocket-context",
    "User x reached the maximum number of WebSocket managers (20)": "websocket-lockout",
    "listing threads took 12 ms": "",
    "coroutine 'a\n' was never awaited": "",
}


@pytest.mark.parametrize("text", SHOWN)
def test_known_incidents_are_named(text: str) -> None:
    assert KNOWN.name(text) == SHOWN[text]
    assert KNOWN.may_show(text) or not SHOWN[text]


@pytest.mark.parametrize("phrase", ["a*b*c*deadbeef", "*", "", "\u00e9\u00e9\u00e9\u00e9", "ab*cd"])
def test_a_phrase_that_could_match_anything_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"more than|plain characters"):
        Incidents.from_phrases({"mine": [phrase]})


def test_a_target_can_take_an_incident_away() -> None:
    assert not Incidents.from_phrases({"coroutine": []}).name("'coroutine' object")


CREDENTIAL = {
    f"Bearer {JWT}sig": True,
    f"%20{JWT}": True,
    f"a.b.{JWT}": True,
    f"cookie=x.{JWT}y": True,
    f"jwt-auth, jwt.{base64.urlsafe_b64encode(f'{JWT}sig'.encode()).decode().rstrip('=')}": True,
    f"jwt.{base64.urlsafe_b64encode(f'{JWT}sig'.encode()).decode()[:-3]}": True,
    base64.urlsafe_b64encode(b"eyJhbGciOiJIUzI1NiJ9 and no claims, but other words").decode(): False,
    "postgresql://netra:hunter2@10.1.2.3/netra": True,
    "redis://:hunter2@cache:6379": True,
    "eyJhbGciOiJIUzI1NiJ9 alone": False,
    "see https://example.com/help, or mail me@example.com": False,
    "http://[::1]:8080/a@b": False,
}


@pytest.mark.parametrize("text", CREDENTIAL)
def test_credentials_are_found(text: str) -> None:
    assert holds_credential(text) is CREDENTIAL[text]


HOSTILE: dict[str, str] = {
    "letters": "a",
    "a scheme that never ends": "a+",
    "heads of tokens": "eyJ",
    "encoded heads": "ZXlK",
    "encoded heads of different lengths": "ZXlKZXlKZXlKZXlKZXlKZXlKZXlK.",
    "dotted heads": "eyJabcdef.",
    "slashes": "://",
    "users": "://a:",
    "operators": "->>",
    "quotes": "coroutine '",
    "extracts": "cannot extract ",
    "digits": "1234abcd-",
    "segments": "/a1-",
    "lines": "Error\n",
    "words": "auth service ",
    "zeros": "0",
}
READERS: dict[str, Callable[[str], object]] = {
    "incidents": KNOWN.name,
    "credentials": holds_credential,
    "route": lambda text: route_of(f"/{text}", str),
    "signature": lambda text: signature_of(text, str),
    "line of error": lambda text: is_line_of_error(parse_entry({"textPayload": text, "logName": "x"})),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_eight_times_the_text_takes_about_eight_times_as_long(text: str, reader: str) -> None:
    """A quadratic reader takes 64 times as long; short times are noise and count as nothing."""

    def seconds(size: int) -> float:
        written = (HOSTILE[text] * (size // len(HOSTILE[text]) + 1))[:size] + "!"
        best = float("inf")
        for _ in range(3):
            begun = time.process_time()
            READERS[reader](written)
            best = min(best, time.process_time() - begun)
        return best

    small, large = seconds(32 << 10), seconds(256 << 10)
    assert large <= 24 * max(small, 0.002)
