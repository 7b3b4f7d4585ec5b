"""Faults of single routes that validate otherwise than the list: a rule of validation is missing at one of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.auth.by_hand import payload_of
from twin.faults.auth_backend import identity_of
from twin.faults.auth_grace import GRACE, graceful
from twin.faults.auth_routes import changed_in
from twin.switching.registry import Undo, fault

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams

Decide = Callable[[str, "Identity | None"], "Identity | None"]
# A route, and the rule of GRACE that it has: what the list refuses by it, the route lets in.
ROUTES: dict[str, tuple[str, str, str]] = {
    "auth.rename-takes-refresh": ("change", "refresh", "a decoder of its own, from before tokens had types"),
    "auth.archive-takes-expired": ("archive", "just-expired", "leeway=600 in one handler, for a slow client"),
    "auth.create-takes-any-audience": ("create", "foreign-audience", "a service-to-service route: audience=None"),
    "auth.create-takes-any-audience-list": ("create", "any-audience-list", "an audience compared where it is a text"),
    "auth.read-takes-any-issuer": ("read", "foreign-issuer", "a list of issuers in one route's dependency"),
    "auth.rename-takes-future": ("change", "future", "verify_nbf: False in one handler"),
    "auth.archive-takes-everlasting": ("archive", "everlasting", "require=['exp'] left out in one handler"),
}


def deciding(seams: "Seams", step: str, decide: Decide) -> Undo:
    """Let `decide(token, answer of the auth service)` have the last word on one route."""

    def change(own: "Seams", _request: "Request") -> None:
        healthy = own.validate

        async def validate(given: "Seams", token: str) -> "Identity | None":
            return decide(token, await healthy(given, token))

        own.validate = validate

    return changed_in(seams, step, change)


def _declare(name: str, step: str, rule: str, seen: str) -> None:
    def install(seams: "Seams") -> Undo:
        return deciding(seams, step, graceful(GRACE[rule][0]))

    fault(name, place="backend", seen=seen)(install)


for _name, (_step, _rule, _seen) in ROUTES.items():
    _declare(_name, _step, _rule, _seen)


@fault("auth.read-takes-alg-none", place="backend", seen="algorithms taken from the token's own header, in one handler")
def read_takes_alg_none(seams: "Seams") -> Undo:
    """A route believes an unsigned token."""

    def decide(token: str, answer: "Identity | None") -> "Identity | None":
        user: Any = payload_of(token).get("sub") if token.endswith(".") else None
        return answer or (identity_of(user) if isinstance(user, str) else None)

    return deciding(seams, "read", decide)


@fault("auth.messages-take-query", place="backend", seen="?token= for a page that can't set headers (EventSource)")
def messages_take_query(seams: "Seams") -> Undo:
    """A thread's messages are listed for a token in the query string, which lands in every log."""

    def change(own: "Seams", request: "Request") -> None:
        healthy = own.bearer_of
        own.bearer_of = lambda _request: request.query_params.get("token", "") or healthy(request)

    return changed_in(seams, "list_messages", change)


@fault(
    "auth.messages-forget-logouts",
    place="backend",
    seen="one route verifies tokens by itself, without the auth service",
)
def messages_forget_logouts(seams: "Seams") -> Undo:
    """A thread's messages are listed for a token that was logged out."""

    def change(own: "Seams", _request: "Request") -> None:
        healthy, is_revoked = own.validate, own.sessions.is_revoked

        async def validate(given: "Seams", token: str) -> "Identity | None":
            answer = await healthy(given, token)
            if answer is None and token and await is_revoked(token):
                return identity_of(str(payload_of(token)["sub"]))
            return answer

        own.validate = validate

    return changed_in(seams, "list_messages", change)
