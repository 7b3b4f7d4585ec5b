"""What the page in the browser is given: the words of a visit as JSON, with its secrets revealed there alone."""

import json

from probes.browser.page import Visit
from probes.secret import Secret

VISIT = Visit(
    origin="https://app.example",
    list_url="https://api.example/api/threads",
    socket_url="wss://api.example/ws",
    token=Secret("a-token"),
    protocols=("jwt-auth", Secret("jwt.a-token")),
    credentials=True,
    welcome=("system_message", "connection_established"),
    ping="ping",
    pong="pong",
    deadline_s=2.5,
)


def test_the_script_gets_words_numbers_and_the_token_itself() -> None:
    assert json.loads(json.dumps(VISIT.as_json())) == {
        "list": "https://api.example/api/threads",
        "socket": "wss://api.example/ws",
        "token": "a-token",
        "protocols": ["jwt-auth", "jwt.a-token"],
        "credentials": "include",
        "welcome": "system_message",
        "event": "connection_established",
        "ping": "ping",
        "pong": "pong",
        "deadline": 2_500.0,
    }


def test_a_visit_in_words_shows_no_secret() -> None:
    assert "a-token" not in repr(VISIT)
