"""Fetching an access token from a login endpoint."""

from collections.abc import Mapping
from http import HTTPStatus

from probes.auth.tokens import Held
from probes.errors import BadAnswer, CredentialUnfit
from probes.foreign.excerpt import excerpt
from probes.http.client import Answer, HttpClient
from probes.secret import Learn, Secret


async def fetch_token(
    client: HttpClient,
    path: str,
    *,
    key_header: str,
    key: Secret,
    body: Mapping[str, object],
    token_field: str,
    learn: Learn,
) -> Held:
    """Ask the login endpoint for an access token of its test user; it is known to `learn` before it is returned.

    Raises:
        CredentialUnfit: The login refuses our key, or is not where the target says it is.
        RateLimited: 429.
        Unreachable, TooSlow, BadAnswer: It can't be asked, fails, or answers without a token.
    """
    answer = await client.send("POST", path, headers={key_header: key}, json=dict(body))
    _refuse_unless_ok(answer)
    token = answer.json_object().get(token_field)
    if not isinstance(token, str):
        raise BadAnswer(answer.request, f"the login's answer has no text under {token_field!r}")
    secret = Secret(token)
    learn(secret)
    return Held(secret, f"the token of {answer.request}")


def _refuse_unless_ok(answer: Answer) -> None:
    answer.refuse_limiter()
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise BadAnswer(answer.request, f"answered {answer.status}: {excerpt(answer.text, 120)!r}")
    if answer.status != HTTPStatus.OK:
        raise CredentialUnfit(
            answer.request,
            f"the login answered {answer.status}: look at NETRA_TOKENS__LOGIN_KEY and the contract's [login]",
        )
