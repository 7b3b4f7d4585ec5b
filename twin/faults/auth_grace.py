"""Faults of the backend's own doors that let in what one rule of validation would refuse."""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.auth.by_hand import payload_of
from twin.faults.auth_backend import identity_of, on_rest, on_socket
from twin.switching.registry import Install, Undo, fault

if TYPE_CHECKING:
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams

Claims = dict[str, Any]
Rule = Callable[[Claims], bool]
HOUR_S = 3600.0


def _end_of(claims: Claims) -> float:
    """When a token ends; never, where that is not a number."""
    end = claims.get("exp")
    return float(end) if isinstance(end, int) else math.inf


def _is_nearly(given: object, right: str) -> bool:
    """Whether a claim is not the right one, and the same word is in it, or half of it."""
    said = str(given).lower()
    return given != right and bool(given) and (right in said or said in right)


# Grace rules: each lets in what one rule of validation would refuse. All have been seen in the field as "for now".
GRACE: dict[str, tuple[Rule, str]] = {
    "expired": (lambda claims: _end_of(claims) < time.time() - HOUR_S / 2, "a grace period for expired tokens"),
    "just-expired": (
        lambda claims: time.time() - HOUR_S / 2 < _end_of(claims) < time.time(),
        "a leeway of half an hour",
    ),
    "odd-end": (
        lambda claims: "exp" in claims and not isinstance(claims["exp"], int),
        "an end that is not a number is not enforced",
    ),
    "odd-user": (
        lambda claims: "sub" in claims and claims["sub"] != (str(claims["sub"]).strip() or None),
        "str(sub).strip()",
    ),
    "nearly-the-issuer": (lambda claims: _is_nearly(claims.get("iss"), "netra-auth-service"), "an issuer by a pattern"),
    "nearly-the-audience": (lambda claims: _is_nearly(claims.get("aud"), "netra-platform"), "an audience by a pattern"),
    "everlasting": (lambda claims: bool(claims) and "exp" not in claims, "require=['exp'] left out"),
    "issued-ahead": (lambda claims: claims.get("iat", 0) > time.time() + 60, "iat never looked at"),
    "future": (lambda claims: claims.get("nbf", 0) > time.time(), "leeway without an upper limit"),
    "foreign-issuer": (lambda claims: claims.get("iss") == "somebody-else", "an issuer list with a wildcard"),
    "foreign-audience": (lambda claims: claims.get("aud") == "another-platform", "audience None means any"),
    "any-audience-list": (
        lambda claims: isinstance(claims.get("aud"), list),
        "an audience compared where it is a text",
    ),
    "refresh": (lambda claims: claims.get("token_type") == "refresh", "token_type checked at one door of three"),
    "no-sub": (lambda claims: bool(claims) and "sub" not in claims, "anonymous users for a public preview"),
    "other-algorithm": (bool, "a signature verified by whatever the header says"),
}


def graceful(rule: Rule) -> Callable[[str, "Identity | None"], "Identity | None"]:
    """Let in what the auth service refuses, where `rule` knows the claims."""

    def decide(token: str, answer: "Identity | None") -> "Identity | None":
        claims = payload_of(token)
        if answer is None and claims and rule(claims):
            return identity_of(str(claims.get("sub", "anonymous")))
        return answer

    return decide


def _declare(door: str, wrap: Callable[..., Undo], name: str, rule: Rule, seen: str) -> None:
    def install(seams: "Seams") -> Undo:
        return wrap(seams, graceful(rule))

    declared: Install = install
    fault(f"auth.{door}-lets-in-{name}", place="backend", seen=seen)(declared)


for _name, (_rule, _seen) in GRACE.items():
    _declare("rest", on_rest, _name, _rule, _seen)
    _declare("websocket", on_socket, _name, _rule, _seen)
