"""Every read-only operation in the service's OpenAPI document, and the methods without a handler of their own."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from fixtures.doors import kind_of
from fixtures.http_services import Door, refuse_server_error, seen
from fixtures.journeys import UNKNOWN_ID, route_of
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure, Pending
from probes.auth.forgeries import Forgery, forge, forge_plain
from probes.auth.tokens import TokenSource, User
from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.foreign.excerpt import excerpt
from probes.foreign.url_passwords import holds_password
from probes.http.client import Answer
from probes.openapi.calling import Asked, Behaviour, ask_operations
from probes.openapi.operations import Operation, Published, Request, nameless, published_names
from targets.contract import Contract
from targets.model import Target, Tokens

ROUTES = ("threads", "health", "liveness", "readiness", "metrics")
REDIRECTS = range(300, 400)
REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@check(
    "api.head-and-options",
    requirement="HEAD and OPTIONS are answered on every offered route, and never with 5xx",
    needs="http token",
    remedy="Answer HEAD like GET without the body, and OPTIONS with Allow; a handler must not read a body that was "
    "not sent.",
    looking="the statuses in the evidence; `curl -I $BACKEND/api/threads`",
)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
async def test_a_method_without_a_handler_is_answered(
    backend: Door, contract: Contract, tokens: TokenSource, owner: User, recorder: Recorder, method: str
) -> None:
    """Each of the contract's routes answers both methods, with and without a valid token, and never with 5xx.

    Of a single thread's routes, those that are read: for a thread that does not exist.
    """
    unrouted = replace(backend, routes={})  # a 404 to these methods does not mean that the route is missing
    paths = [path for key in ROUTES if (path := getattr(contract.paths, key))]
    paths += [contract.api.document] if contract.api.document else []
    paths += [path for step in ("read", "history") if (path := route_of(contract, step, UNKNOWN_ID)[1])]
    asked = [(path, token) for path in paths for token in (tokens.good(owner), None)]
    answers = await backend.pace.together(partial(unrouted.ask, method, path, token=token) for path, token in asked)
    said = {}
    for (path, token), answer in zip(asked, answers, strict=True):
        said[f"{path}{' with a token' if token else ''}"] = answer.status
        refuse_server_error(answer, f"{method} {path}: any answer except 5xx")
    recorder.attach("statuses", said)


@check(
    "api.slashes",
    requirement="a route asked with one slash too many is answered, or redirected to the address that was asked",
    needs="http token",
    remedy=(
        "Have the server know the scheme and host that clients use (uvicorn: --proxy-headers, --forwarded-allow-ips), "
        "or switch redirects off (FastAPI: redirect_slashes=False). A redirect to http loses the token. One to the "
        "same address keeps the path and the query."
    ),
    looking="`curl -si $BACKEND/api/threads/`: the status, and where Location leads",
)
async def test_a_slash_leads_nowhere_else(
    backend: Door, contract: Contract, tokens: TokenSource, owner: User, recorder: Recorder
) -> None:
    """Each of the contract's routes with a slash at its end: no 5xx, and no redirect to another address.

    That is another scheme, host or path, or the same without what was asked in the query.
    """
    unrouted = replace(backend, routes={})
    said = {}
    paths = [path for key in ROUTES if (path := getattr(contract.paths, key))]
    token = tokens.good(owner)
    query = f"{contract.threads.limit_parameter}={contract.threads.min_limit}"
    answers = await backend.pace.together(partial(unrouted.get, f"{path}/?{query}", token=token) for path in paths)
    for path, answer in zip(paths, answers, strict=True):
        said[path] = answer.status
        refuse_server_error(answer, f"{path}/: any answer but 5xx")
        asked = f"{backend.base_url}{path}?{query}"
        leads = urljoin(asked, answer.headers.get("location", ""))
        if answer.status in REDIRECTS and _place(leads) != _place(asked):
            raise CheckFailure(expected=f"a redirect of {path}/ to {asked}", actual=excerpt(leads, 120))
    recorder.attach("statuses", said)


def _place(url: str) -> tuple[str, str, str, str]:
    """What a URL leads to, whether or not its path ends with a slash."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.query


@check(
    "api.published",
    requirement="every operation that the target names is in the service's own document of its API",
    needs="http operations",
    remedy="A router that could not be imported, or was not included, is missing as a whole: the log of the start says "
    "why. If an operation was removed on purpose, remove it from [contract.api].",
    looking="the missing operations in the evidence: what do they have in common? the revision's first log lines",
)
async def test_every_required_operation_is_published(
    document: dict[str, Any], contract: Contract, recorder: Recorder
) -> None:
    """Each operation that `[contract.api]` names is in the document, whatever a parameter is called there."""
    there, required = published_names(document), contract.api.named
    missing = [name for name in required if nameless(name) not in there]
    recorder.attach("missing operations", missing)
    recorder.figures(rule="required operations that are published", n=len(required), value=len(required) - len(missing))
    if missing:
        raise CheckFailure(
            expected=f"{len(required)} operations published, as [contract.api] names them",
            actual=f"{len(missing)} are not: {', '.join(missing[:8])}",
        )


@check(
    "api.guarded",
    requirement="operations for users refuse a request without a valid token, and operations for anyone need none",
    needs="http token guarded",
    remedy="Make validation a dependency of the router, not of each handler. What a page reads before its login must "
    "not be behind it.",
    looking="**an incident if anyone was let in**: each operation with its answers, in the evidence",
)
async def test_operations_ask_who_asks(
    backend: Door, contract: Contract, tokens: TokenSource, owner: User, recorder: Recorder
) -> None:
    """Each operation of `for_users` refuses a request without a token, and with an invalid one, as the list does.

    Each operation of `for_anyone` is answered without a token: neither refused, nor with a 5xx.
    """
    rules, unrouted = contract.api, replace(backend, routes={})
    nothing, invalid = forge("none", tokens, owner), forge_plain(tokens, owner)
    asked = [(name, forgery) for name in rules.for_users for forgery in (nothing, invalid)]
    asked += [(name, nothing) for name in rules.for_anyone]
    answers = await backend.pace.together(
        partial(unrouted.ask, *name.split(" ", 1), headers=forgery.headers(), deadline_s=rules.hang_s)
        for name, forgery in asked
    )
    statuses, troubles = dict[str, int](), list[str]()
    for (name, forgery), answer in zip(asked, answers, strict=True):
        request = f"{name} with {'no' if forgery is nothing else 'an invalid'} token"
        statuses[request] = answer.status
        if not _is_as_named(answer.status, forgery, contract, for_users=name in rules.for_users):
            troubles.append(f"{request}: {seen(answer)}")
    recorder.attach("statuses", statuses)
    if troubles:
        raise CheckFailure(
            expected="a refusal by each of [contract.api] for_users, and an answer by each of for_anyone",
            actual="; ".join(troubles[:4]),
        )


def _is_as_named(status: int, forgery: Forgery, contract: Contract, *, for_users: bool) -> bool:
    refusals: frozenset[int] = getattr(contract.refusal.rest, kind_of(forgery))
    if for_users:
        return status in refusals
    return status not in refusals | REFUSED and status < HTTPStatus.INTERNAL_SERVER_ERROR


@check(
    "api.no-5xx",
    requirement="no published read-only operation answers 5xx, hangs or shows a secret, and the service is still up "
    "after each",
    needs="http token document",
    remedy="Each listed operation fails on its own: its log lines say why. Fix it, or remove it.",
    looking="the table of operations in the evidence: what each was answered, which ones were not asked and "
    "why; the log lines of the first failing one",
)
async def test_no_published_operation_fails(
    backend: Door, published: Published, target: Target, tokens: TokenSource, owner: User, recorder: Recorder
) -> None:
    """Each GET and HEAD in the document, by examples and generated requests, with a valid token: none shows a key."""
    liveness, rules = target.contract.paths.liveness, target.contract.api
    unrouted = replace(backend, routes={})

    async def ask(operation: Operation, request: Request) -> Answer:
        return await unrouted.ask(
            operation.method, request.path, headers=request.headers, token=tokens.good(owner), deadline_s=rules.hang_s
        )

    async def is_alive() -> str:
        try:
            answer = await unrouted.get(liveness, deadline_s=rules.hang_s)
        except (TooSlow, Unreachable, BadAnswer) as error:
            return error.detail
        return "" if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR else seen(answer)

    asked = await ask_operations(
        published.operations,
        ask,
        is_alive,
        per_second=rules.per_second,
        budget_s=rules.budget_s,
        shows_secret=partial(_shows_secret, target.tokens),
    )
    _judge(asked, published, recorder)


def _shows_secret(keys: Tokens, text: str) -> bool:
    """Whether a text has a URL with a password in it, or one of the keys that the services share with us."""
    return holds_password(text) or any(
        secret.is_in(text) for secret in (keys.signing_secret, keys.service_key, keys.login_key)
    )


def _judge(asked: Asked, published: Published, recorder: Recorder) -> None:
    """State what was called and what was not.

    Raises CheckFailure if operations failed, Pending if some could not be called.
    """
    failed = [behaviour for behaviour in asked.found if behaviour.troubles]
    _record(asked, published, failed, recorder)
    if failed:
        raise CheckFailure(
            expected=f"{len(asked.found)} operations without a 5xx, a hang or a secret",
            actual=f"{len(failed)} fail: "
            + "; ".join(f"{behaviour.operation.name}: {behaviour.troubles[0]}" for behaviour in failed[:8]),
            evidence={"failing operations": {behaviour.operation.name: behaviour.troubles for behaviour in failed}},
        )
    if asked.not_asked or not asked.found:
        raise Pending(
            f"{len(asked.found)} operations called, {len(asked.not_asked)} not: "
            f"{next(iter(asked.not_asked.values()), 'the document has no read-only operation')}"
        )


def _record(asked: Asked, published: Published, failed: Sequence[Behaviour], recorder: Recorder) -> None:
    not_asked = {**published.not_asked, **asked.not_asked}
    recorder.attach("operations", [behaviour.row() for behaviour in asked.found])
    recorder.attach("not asked", [{"operation": name, "why": why} for name, why in not_asked.items()])
    recorder.figures(
        rule="published read-only operations that fail",
        n=len(asked.found),
        value=len(failed),
        limit=0,
        requests=sum(behaviour.answered.total() for behaviour in asked.found),
        with_undocumented_answers=sum(bool(behaviour.undocumented) for behaviour in asked.found),
    )
    for trace in (trace for behaviour in failed for trace in behaviour.traces):
        recorder.trace(trace)
