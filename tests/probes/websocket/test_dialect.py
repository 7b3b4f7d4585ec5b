"""Which message is what, by the words of a service."""

from dataclasses import replace
from typing import Any

import pytest

from probes.websocket.dialect import data_of
from tests.probes.websocket.joining import DIALECT

EVENTLESS = replace(DIALECT, welcome_event="")
LOUD = replace(DIALECT, before_welcome=["hello", "system_message/starting"], unasked=["news"])


def message(kind: object, **data: object) -> dict[str, Any]:
    return {"type": kind, "data": data}


@pytest.mark.parametrize(
    "said, welcome, without_event",
    [
        (message("system_message", event="connection_established"), True, True),
        (message("system_message", event="other"), False, True),
        (message("system_message"), False, True),
        (message("zzz", event="connection_established"), False, False),
        (message("aaa", event="connection_established"), False, False),
        (message(None, event="connection_established"), False, False),
        ({}, False, False),
    ],
)
def test_a_welcome_has_its_type_and_its_event_if_there_is_one(
    said: dict[str, Any], *, welcome: bool, without_event: bool
) -> None:
    assert DIALECT.is_welcome(said) is welcome
    assert EVENTLESS.is_welcome(said) is without_event


@pytest.mark.parametrize(
    "said, precedes, unasked",
    [
        (message("hello"), True, False),
        (message("system_message", event="starting"), True, False),
        (message("system_message", event="other"), False, False),
        (message("news"), True, True),
        (message("pong"), False, False),
        ({}, False, False),
    ],
)
def test_what_may_come_before_the_welcome_or_at_any_time_is_named_by_type_or_event(
    said: dict[str, Any], *, precedes: bool, unasked: bool
) -> None:
    assert (LOUD.may_precede(said), LOUD.is_unasked(said)) == (precedes, unasked)
    assert not DIALECT.may_precede(said)


@pytest.mark.parametrize("kind, error", [("error_message", True), ("error", False), (None, False)])
def test_an_error_is_known_by_its_type(kind: str | None, *, error: bool) -> None:
    assert DIALECT.is_error(message(kind)) is error


def test_an_errors_code_is_in_it_or_in_its_data_or_else_it_is_shown_whole() -> None:
    assert DIALECT.code_of({"error_code": "a", "data": {"error_code": "b"}}) == "a"
    assert DIALECT.code_of({"data": {"error_code": 7}}) == "7"
    assert DIALECT.code_of({"type": "x"}) == "{'type': 'x'}"


def test_a_users_text_is_put_into_its_form_as_it_is() -> None:
    text = 'a "quoted" {text}\n'
    assert DIALECT.message_of("hi") == {"type": "user_message", "data": {"text": "hi"}}
    assert DIALECT.message_of("hi", {"to": "{thread}", "say": ["{text}"]}, thread='t"1') == {"to": 't"1', "say": ["hi"]}
    assert DIALECT.message_of(text)["data"]["text"] == text


@pytest.mark.parametrize("token, offer", [("a", "jwt.YQ"), ("abc", "jwt.YWJj"), ("\u00ff\u00fe?", "jwt.w7_Dvj8")])
def test_a_token_is_offered_in_letters_that_a_subprotocol_may_have(token: str, offer: str) -> None:
    assert DIALECT.token_offer(token) == offer


@pytest.mark.parametrize(
    "message, data",
    [({"data": {"a": 1}}, {"a": 1}), ({}, {}), ({"data": None}, {}), ({"data": [1]}, {})],
)
def test_a_messages_data_is_an_object(message: dict[str, Any], data: dict[str, Any]) -> None:
    assert data_of(message) == data
