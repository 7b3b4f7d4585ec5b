"""Validation by the auth service, asked by callers without its key, and with bodies that hold no token."""

from collections.abc import Mapping
from http import HTTPStatus

import pytest

from fixtures.http_services import CLIENT_ERRORS, AuthDoor, credentials, seen
from fixtures.reading import fits
from gate.check import check
from gate.failures import CheckFailure
from gate.run import Run
from probes.auth.forgeries import NOT_ASCII
from probes.auth.near_keys import NEAR_KEYS, near_key
from probes.auth.tokens import TokenSource, User
from probes.foreign.excerpt import excerpt
from probes.secret import Learn, Secret
from targets.contract import Contract
from targets.model import Target

WRONG_KEYS = {"none": None, "empty": "", "wrong": "wrong", NOT_ASCII: "wr\u00f6ng"}  # None: no credentials are sent
DEEP = 2_000
MIB = 1024 * 1024
# {token} stands for the contract's name of the field.
BODIES_WITHOUT_TOKEN = {
    "no JSON": "{",
    "empty": "",
    "a list": '["{token}"]',
    "no token": "{}",
    "null": '{"{token}": null}',
    "a number": '{"{token}": 7}',
    "an object": '{"{token}": {"$gt": ""}}',
    "not UTF-8": '{"{token}": "\u00e9"}',
    "UTF-16": "{}",
    "a byte order mark": "{}",
    "a lone surrogate": '{"{token}": "a.\\ud800.b"}',  # JSON that is valid, with a text that can't be encoded
    "2,000 deep": '{"{token}": ' + "[" * DEEP + "]" * DEEP + "}",
    "1 MiB": '{"nv": "' + "x" * MIB + '"}',
}
ENCODED = {"not UTF-8": "latin-1", "UTF-16": "utf-16", "a byte order mark": "utf-8-sig"}  # the others: UTF-8


@check(
    "auth.service-key",
    requirement="validation without the calling service's credentials is refused",
    needs="auth token credentials",
    remedy="Compare the service's whole key, in constant time and as bytes, before looking at the token.",
    looking="`curl -i -X POST $AUTH/validate` without the `X-Service-Key` header",
)
@pytest.mark.beside
@pytest.mark.parametrize("key", [*WRONG_KEYS, *NEAR_KEYS])
async def test_validation_needs_the_service_key(
    auth: AuthDoor, tokens: TokenSource, owner: User, target: Target, run: Run, key: str
) -> None:
    """A valid token is not validated without service credentials, nor with a wrong key or one that is nearly right."""
    contract = target.contract
    answer = await auth.validate(
        tokens.good(owner), contract=contract, headers=_wrong_credentials(target, key, run.redactor.learn)
    )
    rules = contract.refusal
    allowed = rules.service_credentials | (rules.unreadable if key == NOT_ASCII else frozenset())
    if answer.status not in allowed or (answer.status == HTTPStatus.OK and not fits(answer, contract.validation.bad)):
        shown = "no service credentials" if key == "none" else f"a service key that is not the right one ({key})"
        raise CheckFailure(
            expected=f"{sorted(allowed)} (contract.refusal.service_credentials) with {shown}", actual=seen(answer)
        )


def _wrong_credentials(target: Target, key: str, learn: Learn) -> Mapping[str, str | Secret]:
    """The headers of a caller with a wrong key, or with none; what is derived from the right one is a secret too."""
    if key in NEAR_KEYS:
        return credentials(target, near_key(key, target.tokens.service_key, learn))
    wrong = WRONG_KEYS[key]
    return {} if wrong is None else credentials(target, Secret(wrong))


@check(
    "auth.bad-body",
    requirement="validation refuses a body without a token: 4xx or the answer to an invalid token, never 5xx",
    needs="auth credentials",
    remedy="Validate the body before it is used: JSON (of some depth and size), an object, in it the token as text.",
    looking="the case's body and the answer; the traceback in the auth service's log",
)
@pytest.mark.beside
@pytest.mark.parametrize("body", BODIES_WITHOUT_TOKEN)
async def test_validation_refuses_other_bodies(auth: AuthDoor, contract: Contract, target: Target, body: str) -> None:
    """With valid service credentials, a body without a token is refused, in any encoding, depth and size.

    Text of 64 KiB in place of a token is a case of auth.refuses.
    """
    content = BODIES_WITHOUT_TOKEN[body].replace("{token}", contract.validation.token_field)
    headers = {**credentials(target), "Content-Type": "application/json"}
    sent = content.encode(ENCODED.get(body, "utf-8"))
    answer = await auth.post(contract.paths.auth_validate, content=sent, headers=headers)
    as_refusal = answer.status == HTTPStatus.OK and fits(answer, contract.validation.bad)
    if answer.status not in CLIENT_ERRORS and not as_refusal:
        shown = excerpt(content, 60) or "an empty body"
        raise CheckFailure(expected=f"4xx, or 200 with contract.validation.bad, for {shown}", actual=seen(answer))
