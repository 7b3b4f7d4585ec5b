"""Faults of the backend's own doors: REST and WebSocket decide otherwise than the auth service."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from twin.auth.by_hand import payload_of
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams

Claims = dict[str, Any]


def identity_of(user_id: str) -> "Identity":
    """Who a door takes somebody for."""
    from twin.backend.auth_client import Identity  # noqa: PLC0415 - other processes import this file for its ids alone

    return Identity(user_id, "")


def on_rest(seams: "Seams", decide: Callable[[str, "Identity | None"], "Identity | None"]) -> Undo:
    """Let `decide(token, answer of the auth service)` have the last word on REST."""
    healthy = seams.validate

    async def validate(given: "Seams", token: str) -> "Identity | None":
        return decide(token, await healthy(given, token))

    return replace(seams, validate=validate)


def on_socket(seams: "Seams", decide: Callable[[str, "Identity | None"], "Identity | None"]) -> Undo:
    """The same on the WebSocket."""
    healthy = seams.sessions.authenticate

    async def authenticate(token: str) -> "Identity | None":
        return decide(token, await healthy(token))

    return replace(seams.sessions, authenticate=authenticate)


@fault("auth.rest-bound-to-the-client", place="backend", seen="a fingerprint of the client, kept with the token")
def bound_to_the_client(seams: "Seams") -> Undo:
    """REST accepts a token only from the client that showed it first."""
    healthy, first = seams.bearer_of, dict[str, str]()

    def read(request: "Request") -> str:
        token, client = healthy(request), request.headers.get("user-agent", "")
        return token if first.setdefault(token, client) == client else ""

    return replace(seams, bearer_of=read)


@fault("auth.rest-takes-any-scheme", place="backend", seen="a split at the blank, and no look at what is before it")
def takes_any_scheme(seams: "Seams") -> Undo:
    """REST takes a token under any scheme."""
    return _bearing(seams, lambda request: request.headers.get("authorization", "").partition(" ")[2])


@fault("auth.rest-takes-the-last-word", place="backend", seen="header.split()[-1] for the token, whatever is before it")
def takes_the_last_word(seams: "Seams") -> Undo:
    """REST takes the last word of the header for the token."""

    def read(request: "Request") -> str:
        values = request.headers.getlist("authorization")
        words = values[0].split() if len(values) == 1 else []
        return words[-1] if words and words[0].lower() == "bearer" else ""

    return _bearing(seams, read)


@fault(
    "auth.rest-remembers-ids",
    place="backend",
    seen="a cache of validations by the token's jti, read before it is verified",
)
def rest_remembers_ids(seams: "Seams") -> Undo:
    """REST lets in a token with the id of one that it has seen, however it is signed."""
    known = dict[str, "Identity"]()

    def decide(token: str, answer: "Identity | None") -> "Identity | None":
        name = str(payload_of(token).get("jti", ""))
        if answer is not None and name:
            known[name] = answer
        return answer or known.get(name)

    return on_rest(seams, decide)


@fault("auth.rest-demo-mode", place="backend", seen="DEMO_MODE=1 in staging's environment")
def rest_demo_mode(seams: "Seams") -> Undo:
    """A refused user becomes the demo user on REST."""
    return on_rest(seams, lambda _token, answer: answer or identity_of("demo-user-001"))


@fault("auth.websocket-demo-mode", place="backend", seen="DEMO_MODE=1, read by the WebSocket alone")
def socket_demo_mode(seams: "Seams") -> Undo:
    """A refused user becomes the demo user on the WebSocket."""
    return on_socket(seams, lambda _token, answer: answer or identity_of("demo-user-001"))


@fault("auth.rest-refuses-good", place="backend", seen="SERVICE_KEY rotated in one service of two")
def rest_refuses(seams: "Seams") -> Undo:
    """REST refuses valid tokens."""
    return on_rest(seams, lambda _token, _answer: None)


@fault("auth.websocket-refuses-good", place="backend", seen="a second validator with the old secret")
def socket_refuses(seams: "Seams") -> Undo:
    """The WebSocket refuses valid tokens."""
    return on_socket(seams, lambda _token, _answer: None)


@fault("auth.rest-fails-now-and-then", place="backend", seen="as found on 7 January: auth fails under REST alone")
def rest_fails(seams: "Seams") -> Undo:
    """One REST call in ten fails with a server error."""
    number = count(1)

    def decide(_token: str, answer: "Identity | None") -> "Identity | None":
        if next(number) % 10 == 0:
            raise RuntimeError("auth service communication failed: no response from validation")
        return answer

    return on_rest(seams, decide)


@fault("auth.rest-refuses-now-and-then", place="backend", seen="one instance of ten with an old secret")
def rest_refuses_sometimes(seams: "Seams") -> Undo:
    """One REST call in ten is refused, whatever the token."""
    number = count(1)
    return on_rest(seams, lambda _token, answer: None if next(number) % 10 == 0 else answer)


def _bearing(seams: "Seams", read: Callable[["Request"], str]) -> Undo:
    healthy = seams.bearer_of
    return replace(seams, bearer_of=lambda request: read(request) or healthy(request))


@fault("auth.rest-takes-last-header", place="backend", seen="dict(request.headers): the last one wins")
def last_header(seams: "Seams") -> Undo:
    """Of two Authorization headers the last one counts."""

    def read(request: "Request") -> str:
        values = request.headers.getlist("authorization")
        return values[-1].removeprefix("Bearer ") if len(values) > 1 else ""

    return _bearing(seams, read)


@fault("auth.rest-takes-basic", place="backend", seen="a fallback for a legacy client")
def takes_basic(seams: "Seams") -> Undo:
    """The password of Basic authentication is used as a token."""

    def read(request: "Request") -> str:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return ""
        return base64.b64decode(value).decode().partition(":")[2]

    return _bearing(seams, read)


@fault("auth.rest-takes-query", place="backend", seen="?token= for downloads, then for everything")
def takes_query(seams: "Seams") -> Undo:
    """A token in the query string opens the API, and lands in every log."""
    return _bearing(seams, lambda request: request.query_params.get("token", ""))


@fault("auth.rest-takes-no-token", place="backend", seen="auto_error=False, and None is a guest")
def takes_no_token(seams: "Seams") -> Undo:
    """A request without a token is a guest."""
    return on_rest(seams, lambda token, answer: identity_of("guest") if not token else answer)


@fault("auth.tells-why", place="backend", seen="detail=str(error) of the JWT library")
def tells_why(seams: "Seams") -> Undo:
    """A refusal says what was wrong with the token."""
    why = [""]

    def decide(token: str, answer: "Identity | None") -> "Identity | None":
        claims = payload_of(token)
        end = claims.get("exp", 0)
        expired = isinstance(end, int | float) and end < time.time()
        why[0] = "Signature has expired" if claims and expired else "Signature verification failed"
        return answer

    healthy = seams.render_refusal
    back = on_rest(seams, decide)
    undo = replace(seams, render_refusal=lambda status, code, said: healthy(status, code, f"{said} {why[0]}"))
    return undo_all(undo, back)


@fault("auth.no-challenge", place="backend", seen="a hand-made 401 without its header")
def no_challenge(seams: "Seams") -> Undo:
    """401 without WWW-Authenticate."""
    healthy = seams.render_refusal

    def render(status: int, code: str, said: str) -> Response:
        answer = healthy(status, code, said)
        if "www-authenticate" in answer.headers:
            del answer.headers["www-authenticate"]
        return answer

    return replace(seams, render_refusal=render)


@fault("auth.refusals-retried", place="backend", seen="Fix 4 retries everything that is not 200")
def refusals_retried(seams: "Seams") -> Undo:
    """A refusal is asked for three times, with back-off."""
    healthy = seams.validate

    async def validate(given: "Seams", token: str) -> "Identity | None":
        for attempt in range(3):
            answer = await healthy(given, token)
            if answer is not None:
                return answer
            await asyncio.sleep(0.05 * 2**attempt)
        return None

    return replace(seams, validate=validate)


def when_down(
    seams: "Seams", rest: Callable[[str], Awaitable["Identity | None"]], doors: Sequence[str] = ("rest", "websocket")
) -> Undo:
    """What a door does when the auth service can't be asked."""
    from twin.backend.auth_client import AuthUnavailableError  # noqa: PLC0415 - as above

    by_rest, by_socket = seams.validate, seams.sessions.authenticate

    async def validate(given: "Seams", token: str) -> "Identity | None":
        try:
            return await by_rest(given, token)
        except AuthUnavailableError:
            return await rest(token)

    async def authenticate(token: str) -> "Identity | None":
        try:
            return await by_socket(token)
        except AuthUnavailableError:
            return await rest(token)

    undo = [replace(seams, validate=validate)] if "rest" in doors else []
    undo += [replace(seams.sessions, authenticate=authenticate)] if "websocket" in doors else []

    return undo_all(*undo)


async def _trust(token: str) -> "Identity | None":
    claims = payload_of(token)
    return identity_of(str(claims["sub"])) if "sub" in claims else None


@fault("auth.local-fallback", place="backend", seen="Fix 4: 'emergency local validation'")
def local_fallback(seams: "Seams") -> Undo:
    """With auth down, tokens are believed."""
    return when_down(seams, _trust)


@fault("auth.local-fallback-at-the-socket", place="backend", seen="Fix 4's fallback in the WebSocket's own copy")
def local_fallbackon_socket(seams: "Seams") -> Undo:
    """With auth down, the WebSocket believes tokens."""
    return when_down(seams, _trust, ("websocket",))


@fault("auth.outage-is-500", place="backend", seen="AuthUnavailable has no handler")
def outage_500(seams: "Seams") -> Undo:
    """With auth down, REST fails with a server error."""

    async def fail(_token: str) -> "Identity | None":
        raise RuntimeError("name or service not known")

    return when_down(seams, fail, ("rest",))


@fault("auth.outage-hangs", place="backend", seen="Fix 4: three attempts of five seconds, and back-off between")
def outage_hangs(seams: "Seams") -> Undo:
    """With auth down, an answer takes eighteen seconds."""

    async def hang(_token: str) -> "Identity | None":
        await asyncio.sleep(18)
        return None

    return when_down(seams, hang, ("rest",))


@fault("auth.no-recovery", place="backend", seen="a circuit breaker without a half-open state")
def no_recovery(seams: "Seams") -> Undo:
    """After an outage the door stays closed until a restart."""
    from twin.backend.auth_client import AuthUnavailableError  # noqa: PLC0415 - as above

    healthy = seams.validate
    seen: list[bool] = []

    async def validate(given: "Seams", token: str) -> "Identity | None":
        if seen:
            raise AuthUnavailableError("the circuit is open")
        try:
            return await healthy(given, token)
        except AuthUnavailableError:
            seen.append(True)
            raise

    return replace(seams, validate=validate)
