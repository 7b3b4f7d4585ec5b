"""The login that gives a token in exchange for a key, asked with and without it."""

from http import HTTPStatus

import pytest

from fixtures.http_services import CLIENT_ERRORS, AuthDoor, Door, seen
from fixtures.tokens import Login
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from gate.run import Run
from probes.auth.near_keys import NEAR_KEYS, near_key
from probes.errors import BadAnswer
from probes.http.client import Answer
from probes.secret import Secret
from targets.contract import Contract
from targets.model import Target

KEY_FIRST = "Compare the key before a token is made: whatever the status, a client reads the body."
CUT_S = 1.0  # times in a token are often cut to whole seconds
KEYS = {
    "empty": "",
    "wrong": "netra-verify-wrong",
    "not ASCII": "netra-verify-é",
}  # what is sent as the key; the case `none` sends no header


@check(
    "auth.login-key",
    requirement="the login gives no token without its key",
    needs="auth login",
    remedy="Compare the whole key in constant time. Where no key is configured, refuse everyone: a header that is "
    "missing equals a variable that is empty.",
    looking="**an incident if a token was given**: rotate the signing secret. Is the variable with the key set?",
)
@pytest.mark.beside
@pytest.mark.parametrize(
    "key", ["none", *KEYS, *(pytest.param(near, marks=pytest.mark.also_needs("login-key")) for near in NEAR_KEYS)]
)
async def test_the_login_wants_its_key(auth: AuthDoor, target: Target, run: Run, key: str) -> None:
    """The login gives no token without the key's header, with nothing in it, nor with a wrong or a nearly right key."""
    rules = target.contract.login
    near = key in NEAR_KEYS
    sent = near_key(key, target.tokens.login_key, run.redactor.learn) if near else Secret(KEYS.get(key, ""))
    headers = {} if key == "none" else {rules.key_header: sent}
    answer = await auth.post(rules.path, headers=headers, json=dict(rules.body))
    given = _token_in(answer, rules.token_field)
    if given:
        run.redactor.learn(Secret(given))
        actual = f"{answer.status} with a token under {rules.token_field!r}"
        raise CheckFailure(
            expected="no token", actual=actual, remedy=KEY_FIRST if answer.status in CLIENT_ERRORS else ""
        )
    if answer.status not in CLIENT_ERRORS:
        raise CheckFailure(expected="4xx", actual=seen(answer))


@check(
    "auth.login",
    requirement="the token that the login gives is accepted, and lives no longer than the contract says",
    needs="auth http login login-key",
    remedy="Issue tokens by the code that signs all others: the same secret, claims and lifetime.",
    looking="the answer to the token, in the evidence; its claims (`jwt decode`), compared with [contract.tokens]",
)
@pytest.mark.beside
async def test_its_token_is_good(backend: Door, login: Login, contract: Contract, recorder: Recorder) -> None:
    """With the right key the login gives a token that lives as long as all do, and the list is answered to it."""
    held, longest_s = await login.token(), contract.tokens.lifetime_s
    recorder.attach("lifetime of the token", f"{held.lifetime_s:g} s")
    if held.lifetime_s > longest_s + CUT_S:
        raise CheckFailure(
            expected=f"a token that lives for {longest_s:g} s at most (contract.tokens.lifetime_s)",
            actual=f"{held.lifetime_s:g} s from its iat to its exp",
        )
    answer = await backend.get(contract.paths.threads, token=held.token)
    recorder.attach("answer", answer.status)
    if answer.status != HTTPStatus.OK:
        raise CheckFailure(expected="200 for the token that the login has just given", actual=seen(answer))


def _token_in(answer: Answer, name: str) -> str:
    """The token in the login's answer; empty if there is none."""
    try:
        body = answer.json()
    except BadAnswer:
        return ""
    token = body.get(name) if isinstance(body, dict) else None
    return token if isinstance(token, str) else ""
