"""Secrets are found in every common spelling; ordinary words are left alone."""

import base64
import json
from urllib.parse import quote

import pytest

from gate.redaction import Redactor

SECRET = "p&ss/w0rd+with=signs"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuZXRyYSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"password is {SECRET}",
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        json.dumps({"a": {"b": [SECRET]}}),
    ],
)
def test_a_known_secret_goes_whatever_its_spelling(text: str) -> None:
    redactor = Redactor([SECRET])
    assert redactor.leaks(text)
    assert not redactor.leaks(redactor.text(text))


@pytest.mark.parametrize(
    "text,gone",
    [
        (f"Authorization: Bearer {JWT}", JWT),
        (f"token {JWT} refused", JWT),
        ("postgresql://netra:s3cret@10.0.0.1/db", "s3cret"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ('{"password": "letmein99"}', "letmein99"),
    ],
)
def test_what_looks_like_a_credential_goes_too(text: str, gone: str) -> None:
    assert gone not in Redactor([]).text(text)


@pytest.mark.parametrize(
    "text", ["the bearer of bad news", "curl -H 'Authorization: Bearer $TOKEN'", "basic checks passed"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor([]).text(text) == text


def test_keys_of_objects_are_redacted_and_other_values_keep_their_type() -> None:
    assert Redactor([SECRET]).json({SECRET: [1, None, True, SECRET]}) == {"[redacted]": [1, None, True, "[redacted]"]}


def test_a_very_short_secret_does_not_black_out_the_report() -> None:
    assert Redactor(["ab"]).text("about a table") == "about a table"
