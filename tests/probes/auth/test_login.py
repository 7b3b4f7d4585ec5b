"""Fetching a token: what the login's answers mean."""

import time

import pytest

from probes.auth.login import fetch_token
from probes.auth.tokens import Held, Mint, User
from probes.errors import BadAnswer, CredentialUnfit, ProbeError, RateLimited
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from probes.secret import Secret
from tests.serving import Reply, Server, serving

USER = User("nv-login", "login@netra-verify.invalid")
MINT = Mint(
    secret=Secret("a secret of at least thirty-two characters"), issuer="issuer", audience="audience", lifetime_s=900.0
)


LEARNT: list[Secret] = []


async def fetch(reply: Reply) -> tuple[Held, Server]:
    async with (
        serving(lambda _: reply) as server,
        HttpClient(server.url, RunIdentity("a-run"), deadline_s=5.0) as client,
    ):
        held = await fetch_token(
            client,
            "/login",
            key_header="X-Login-Key",
            key=Secret("sesame"),
            body={"user": "x"},
            token_field="access_token",
            learn=LEARNT.append,
        )
    return held, server


async def test_a_token_is_held_with_its_user_and_its_end() -> None:
    now = time.time()
    token = MINT.good(USER, now=now)
    held, server = await fetch(Reply(body=f'{{"access_token": "{token.reveal()}"}}'.encode()))
    assert (held.good(USER), held.user) == (token, USER)
    assert LEARNT[-1] == token, "it is hidden before anybody has it"
    assert held.expires == int(now) + 900
    assert server.heard[0].startswith(b"POST /login HTTP/1.1")
    assert b"x-login-key: sesame" in server.heard[0].lower()


REPLIES: list[tuple[Reply, type[ProbeError], str]] = [
    (Reply(status=401), CredentialUnfit, "NETRA_TOKENS__LOGIN_KEY"),
    (Reply(status=404), CredentialUnfit, "login"),
    (Reply(status=302, headers={"Location": "/"}), CredentialUnfit, "302"),
    (Reply(status=429), RateLimited, "429"),
    (Reply(status=500), BadAnswer, "answered 500"),
    (Reply(body=b"<html>", kind="text/html"), BadAnswer, "text/html"),
    (Reply(body=b'{"token": "elsewhere"}'), BadAnswer, "no text under 'access_token'"),
    (Reply(body=b"[]"), BadAnswer, "list instead of an object"),
]


@pytest.mark.parametrize("reply,error,said", REPLIES)
async def test_a_login_without_a_token_says_why(reply: Reply, error: type[ProbeError], said: str) -> None:
    with pytest.raises(error, match=said):
        await fetch(reply)
