"""What a browser lets web pages do: which origins may request and read, and who may get a cached answer."""

from collections.abc import Sequence
from functools import partial
from itertools import product

import pytest

from fixtures.browser import SINGLE, Asker, OwnThread, origins_of, preflights_of
from fixtures.http_services import Door, refuse_server_error, seen
from fixtures.sockets import SocketDoor, refusal
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import TokenSource, User
from probes.http.caching import given_to_others, kept_for_another_origin
from probes.http.client import Answer
from probes.http.cookies import token_given_away
from probes.http.cross_origin import Allowance
from probes.secret import Secret
from probes.timing.request_pace import RequestPace
from probes.websocket.handshake import Refused
from targets.contract import Contract
from targets.model import Target

ASKERS = ("frontend", "stranger")
NO_TOKEN_COOKIE = (
    "Set no cookie with a token in answers of the API, which is given one in a header; a login's own cookie needs "
    "HttpOnly, Secure and SameSite."
)


@check(
    "browser.preflight",
    requirement="a page of the frontend's origin may send requests with credentials, and a page of another origin "
    "may not",
    needs="http frontend",
    remedy="List the frontend's origin explicitly in the one CORS middleware, and name every header that its pages "
    "send; answer OPTIONS before authentication, on every path.",
    looking="`curl -i -X OPTIONS -H 'Origin: https://app.staging.netrasystems.ai' -H "
    "'Access-Control-Request-Method: PUT' -H 'Access-Control-Request-Headers: authorization, content-type' "
    "$BACKEND/api/threads/x`: the `Access-Control-Allow-…` headers, there and for the list",
)
@pytest.mark.beside
@pytest.mark.parametrize("asker", ASKERS)
async def test_a_page_may_ask(backend: Door, target: Target, asker: str) -> None:
    """The frontend's origin may use every method and header of its pages, each on its own route; no other may."""
    contract, rules = target.contract, target.contract.browser
    asked_for = list(product(origins_of(contract, asker), preflights_of(target)))
    answers = await backend.pace.together(
        partial(_preflight, backend, path, rules.headers, origin, method) for origin, (method, path) in asked_for
    )
    for (origin, (method, path)), answer in zip(asked_for, answers, strict=True):
        asked = f"a preflight of {method} {path} from {origin}"
        refuse_server_error(answer, f"{asked}: any answer except 5xx")
        allowance = Allowance.of(answer.headers)
        if asker == "stranger":
            if allowance.lets_in(origin):
                raise CheckFailure(expected=f"{asked} is not allowed", actual=f"allowed to {allowance.origins[0]!r}")
            continue
        trouble = (
            "" if answer.status in range(200, 300) else f"a preflight must be answered 2xx: {seen(answer)}"
        ) or allowance.trouble_of_reading(origin, with_credentials=rules.credentials)
        trouble = trouble or allowance.trouble_of_sending(method, rules.headers, with_credentials=rules.credentials)
        if trouble:
            raise CheckFailure(expected=f"{asked} is allowed", actual=trouble)


async def _preflight(backend: Door, path: str, sent: Sequence[str], origin: str, method: str) -> Answer:
    """What a browser asks before a page of an origin may use a method and send these headers."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ", ".join(sent).lower(),
    }
    return await backend.ask("OPTIONS", path, headers=headers)


@check(
    "browser.origin",
    requirement="pages of the frontend's origin can read every answer, errors included, and pages of another "
    "origin none",
    needs="http token frontend",
    remedy=(
        "Put the CORS middleware outside the error handlers and around every router, so that refusals of each route "
        "and method pass through it; never reflect Origin; "
        "compare whole origins, not prefixes or suffixes."
    ),
    looking='the same without `-X OPTIONS`, with `-H "Authorization: Bearer $TOKEN"` and without: which origin '
    "does each answer name?",
)
@pytest.mark.parametrize(
    "status,askers",
    [
        *(
            pytest.param(status, (asker,), id=f"{asker} on {status}", marks=pytest.mark.beside)
            for status in ("200", "4xx")
            for asker in ASKERS
        ),
        pytest.param("5xx", ASKERS, id="everybody on 5xx", marks=pytest.mark.also_needs("twin")),
    ],
)
async def test_a_page_reads_the_answer(
    asks: Asker, contract: Contract, pace: RequestPace, status: str, askers: Sequence[str]
) -> None:
    """Each answer about the list or a single thread allows the frontend's origin, and never a stranger's."""
    asked = [
        (asker, origin, ask)
        for asker in askers
        for origin in origins_of(contract, asker)
        for ask in asks(origin, status)
    ]
    answers = await pace.together(ask for _, _, ask in asked)
    for (asker, origin, _), answer in zip(asked, answers, strict=True):
        _judge(answer, asker, origin, with_credentials=contract.browser.credentials)


def _judge(answer: Answer, asker: str, origin: str, *, with_credentials: bool) -> None:
    """Raise CheckFailure if the frontend's page can't read an answer, or a stranger's page can."""
    asked = f"{answer.request} from {origin}, answered {answer.status}"
    allowance = Allowance.of(answer.headers)
    if asker == "stranger" and allowance.lets_in(origin):
        how = " with credentials" if allowance.credentials else ""
        raise CheckFailure(expected=f"{asked}: not readable", actual=f"{allowance.origins[0]!r} may read it{how}")
    trouble = allowance.trouble_of_reading(origin, with_credentials=with_credentials)
    if asker == "frontend" and trouble:
        raise CheckFailure(expected=f"{asked}: readable by the page", actual=trouble)


@check(
    "browser.socket-origin",
    requirement="a page of the frontend's origin opens a session, and a page of another origin does not",
    needs="ws token frontend",
    remedy="Compare the handshake's Origin with the list that CORS uses; a client that sends none is not a browser.",
    looking="the handshake with `-H 'Origin: …'`; which list of origins does the WebSocket route compare with?",
)
@pytest.mark.beside
@pytest.mark.parametrize("asker", ASKERS)
async def test_a_page_opens_a_session(
    sockets: SocketDoor, tokens: TokenSource, owner: User, contract: Contract, asker: str
) -> None:
    """With a valid token the frontend's page gets its welcome, and a stranger's page is refused at the handshake."""
    authorization = tokens.good(owner).derive(lambda text: f"Bearer {text}")
    origins = origins_of(contract, asker)
    shown = [[("Authorization", authorization), ("Origin", Secret(origin))] for origin in origins]
    found = await sockets.pace.together(
        partial(sockets.try_open, None, good=asker == "frontend", headers=headers) for headers in shown
    )
    for origin, opened in zip(origins, found, strict=True):
        if asker == "frontend" and isinstance(opened, Refused):
            raise CheckFailure(expected=f"a session for a page of {origin}", actual=refusal(opened))
        if asker == "stranger" and not isinstance(opened, Refused):
            raise CheckFailure(expected=f"no session for a page of {origin}", actual="a session, and its welcome")


@check(
    "browser.cache",
    requirement="no cache gives one user's answer to anybody else, and no cookie gives the user's token away",
    needs="http token",
    remedy=(
        "Send `Cache-Control: private, no-store` below the API's prefix, and remove a CDN's own rules for it; "
        "send `Vary: Origin` with whatever else may be kept, whether or not the request has an Origin."
    ),
    looking='`curl -i -H "Authorization: Bearer $TOKEN" $BACKEND/api/threads`: `Cache-Control`, `Vary`, `Age`, '
    "`Set-Cookie`; then the CDN's own rules",
)
@pytest.mark.beside
@pytest.mark.parametrize(
    "kind",
    [
        "list",
        "refusal",
        pytest.param(SINGLE, marks=pytest.mark.also_needs("write", "mint", "single")),
        pytest.param("another origin", marks=pytest.mark.also_needs("frontend")),
    ],
)
async def test_no_cache_gives_it_to_others(
    backend: Door, tokens: TokenSource, owner: User, contract: Contract, own_thread: OwnThread | None, kind: str
) -> None:
    """The answer's headers keep it from shared caches, the browser's next user and other origins' pages.

    No cookie holds a token that scripts can read, or that is sent without TLS.
    """
    if kind == "another origin":
        await _refuse_kept_for_another(backend, contract)
        return
    if own_thread:
        for answer, token in await own_thread.answers():
            _refuse_given_away(answer, token)
        return
    token = tokens.good(owner) if kind == "list" else None
    windows = ({}, {contract.threads.offset_parameter: 1}) if kind == "list" else ({},)
    for window in windows:
        answer = await backend.get(contract.paths.threads, token=token, params=window)
        backend.recorder.attach("Cache-Control", answer.headers.get("cache-control", "says nothing"))
        if kind == "list" and answer.status not in range(200, 300):
            raise CheckFailure(expected="a list", actual=seen(answer))
        _refuse_given_away(answer, token)


def _refuse_given_away(answer: Answer, token: Secret | None) -> None:
    """Raise CheckFailure if an answer may be kept for others, or sets a cookie that gives a token away."""
    trouble = given_to_others(answer.headers, authorized=token is not None)
    if trouble:
        raise CheckFailure(
            expected="an answer that caches don't give to anybody else", actual=f"{seen(answer)}: {trouble}"
        )
    trouble = token_given_away(answer.headers, token)
    if trouble:
        raise CheckFailure(
            expected="no token in a cookie without HttpOnly and Secure",
            actual=f"{seen(answer)}: {trouble}",
            remedy=NO_TOKEN_COOKIE,
        )


async def _refuse_kept_for_another(backend: Door, contract: Contract) -> None:
    """Raise CheckFailure where an answer that needs no token is kept, and does not say that it depends on Origin."""
    origin = contract.browser.frontend
    for path in filter(None, (contract.paths.liveness, contract.api.document)):
        asked = [partial(backend.get, path, headers={"Origin": origin}), partial(backend.get, path)]
        named, unnamed = await backend.pace.together(asked)
        if Allowance.of(named.headers).origins[:1] != (origin,):
            continue  # it lets every origin read, or none: the answers are alike
        for answer in (named, unnamed):
            trouble = kept_for_another_origin(answer.headers)
            if trouble:
                raise CheckFailure(expected="Vary: Origin on what caches may keep", actual=f"{seen(answer)}: {trouble}")
