"""Every kind of token that must be refused, made with PyJWT, or by hand where PyJWT refuses to."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from probes.tokens import Mint, User

HOUR = 3600
OVERLONG = 64 * 1024


@dataclass(frozen=True, slots=True)
class Forgery:
    """What a client presents instead of a good token.

    `token` is the credential itself (None: nothing is presented). `authorization` are the raw Authorization
    values for REST and for the WebSocket by header, when they are more or other than `Bearer <token>`.
    `query` puts the token into the query string instead. `doors` says where the kind can be presented at all.
    """

    kind: str
    token: str | None
    authorization: tuple[str, ...] = ()
    query: bool = False

    def headers(self) -> list[tuple[str, str]]:
        """The Authorization headers as a client would send them."""
        if self.authorization:
            return [("Authorization", value) for value in self.authorization]
        if self.query or self.token is None:
            return []
        return [("Authorization", f"Bearer {self.token}".strip())]  # HTTP forbids white space at a value's end


def forge(kind: str, mint: Mint, user: User) -> Forgery:
    """Make the forgery of a kind. Raises KeyError for a kind that is not in `KINDS`."""
    return KINDS[kind](kind, mint, user)


def _changed(**changes: Any) -> Callable[[str, Mint, User], Forgery]:  # noqa: ANN401 - claim values
    """A well-signed token with claims changed; None takes a claim away."""

    def make(kind: str, mint: Mint, user: User) -> Forgery:
        claims = mint.claims(user) | changes
        return Forgery(kind, mint.sign({name: value for name, value in claims.items() if value is not None}))

    return make


def _shifted(seconds: int, claim: str) -> Callable[[str, Mint, User], Forgery]:
    def make(kind: str, mint: Mint, user: User) -> Forgery:
        moment = int(time.time()) + seconds
        claims = mint.claims(user, now=moment) if claim == "exp" else mint.claims(user) | {"nbf": moment}
        return Forgery(kind, mint.sign(claims))

    return make


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _alg_none(kind: str, mint: Mint, user: User) -> Forgery:
    return Forgery(kind, f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(mint.claims(user))}.")


def _wrong_signature(kind: str, mint: Mint, user: User) -> Forgery:
    return Forgery(kind, jwt.encode(mint.claims(user), "another secret of the right length", algorithm="HS256"))


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _confusion(kind: str, mint: Mint, user: User) -> Forgery:
    """Signed with RS256 by a key of ours, whose public half the token itself offers."""
    public = _key().public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    offered = {"x5c": [base64.b64encode(public).decode()], "jwk": {"kty": "RSA", "use": "sig"}}
    return Forgery(kind, jwt.encode(mint.claims(user), _key(), algorithm="RS256", headers=offered))


def _swapped(kind: str, mint: Mint, user: User) -> Forgery:
    """A good token whose payload was replaced under its signature."""
    head, _, signature = mint.good(user).split(".")
    return Forgery(kind, f"{head}.{_part(mint.claims(user) | {'permissions': ['admin']})}.{signature}")


def _overlong(kind: str, mint: Mint, user: User) -> Forgery:
    return Forgery(kind, mint.good(user) + "A" * OVERLONG)


def _two_headers(kind: str, mint: Mint, user: User) -> Forgery:
    good, other = mint.good(user), _wrong_signature(kind, mint, user).token
    return Forgery(kind, other, authorization=(f"Bearer {other}", f"Bearer {good}"))


def _basic(kind: str, mint: Mint, user: User) -> Forgery:
    pair = base64.b64encode(f"{user.sub}:{mint.good(user)}".encode()).decode()
    return Forgery(kind, None, authorization=(f"Basic {pair}",))


KINDS: dict[str, Callable[[str, Mint, User], Forgery]] = {
    "none": lambda kind, _mint, _user: Forgery(kind, None),
    "empty": lambda kind, _mint, _user: Forgery(kind, ""),
    "not a JWT": lambda kind, _mint, _user: Forgery(kind, "not-a-jwt"),
    "expired": _shifted(-HOUR, "exp"),
    "not yet valid": _shifted(HOUR, "nbf"),
    "wrong signature": _wrong_signature,
    "alg none": _alg_none,
    "HS-RS confusion": _confusion,
    "wrong issuer": _changed(iss="somebody-else"),
    "wrong audience": _changed(aud="another-platform"),
    "no sub": _changed(sub=None),
    "refresh as access": _changed(token_type="refresh"),  # noqa: S106 - a claim, not a secret
    "payload swapped": _swapped,
    "64 KiB": _overlong,
    "two headers": _two_headers,
    "Basic": _basic,
    "in the query string": lambda kind, mint, user: Forgery(kind, mint.good(user), query=True),
}
