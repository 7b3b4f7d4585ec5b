"""Good access tokens: signed as the auth service signs them (HS256 or RS256), or held as they were given."""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from probes.errors import CredentialUnfit
from probes.secret import Secret


@dataclass(frozen=True, slots=True)
class User:
    """A user as a token names it."""

    sub: str
    email: str


class TokenSource(Protocol):
    """A way to good tokens."""

    def good(self, user: User) -> Secret:
        """A good token of the user. Raises CredentialUnfit where there is none to be had."""
        ...

    def claims(self, user: User) -> dict[str, Any]:
        """The claims of a good token of the user: what forgeries start from."""
        ...

    @property
    def header(self) -> dict[str, str]:
        """What a good token's header says: `alg`, and `kid` where it names its key."""
        ...

    def public_key(self) -> str:
        """PEM of the key by which the service verifies; empty where it is shared, or where we don't have it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """Signs tokens with the auth service's secret: one that is shared, or the private key of RS256 as PEM."""

    secret: Secret
    issuer: str
    audience: str
    lifetime_s: float
    skew_s: float = 60.0  # how far ahead `iat` may lie
    extra_claims: Mapping[str, Any] = field(default_factory=dict)  # what an access token says besides
    refresh_claims: Mapping[str, Any] = field(default_factory=dict)  # by which a refresh token differs from it
    algorithm: str = "HS256"
    key_id: str = ""  # by which the service finds the key; empty: tokens name none

    @property
    def header(self) -> dict[str, str]:
        """What every token's header says."""
        return {"alg": self.algorithm} | ({"kid": self.key_id} if self.key_id else {})

    def public_key(self) -> str:
        """The public half of an RS256 key, as services keep it (PEM); empty for a secret that is shared."""
        if self.algorithm == "HS256":
            return ""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return _private_key(self.secret).public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def claims(self, user: User, now: float | None = None) -> dict[str, Any]:
        """The claims of a good token issued at `now` (unix seconds; the present when None)."""
        issued = int(time.time() if now is None else now)
        return {
            "sub": user.sub,
            "email": user.email,
            "iss": self.issuer,
            "aud": self.audience,
            "iat": issued,
            "exp": issued + int(self.lifetime_s),
            "jti": str(uuid.uuid4()),
            **self.extra_claims,
        }

    def sign(self, claims: dict[str, Any], headers: Mapping[str, Any] | None = None) -> Secret:
        """Sign any claims, also those that PyJWT would not write, under further headers. The result is a credential."""
        payload, head = json.dumps(claims).encode(), {**self.header, **(headers or {})}
        private = None if self.algorithm == "HS256" else _private_key(self.secret)
        return self.secret.derive(
            lambda shared: jwt.PyJWS().encode(payload, private or shared, self.algorithm, headers=head)
        )

    def good(self, user: User, *, now: float | None = None) -> Secret:
        """A good token."""
        return self.sign(self.claims(user, now))


@cache
def _private_key(pem: Secret) -> rsa.RSAPrivateKey:
    """The key, read once: its numbers are checked for a tenth of a second, in which our own loop would stand still.

    Raises ValueError for a key of another kind.
    """
    key = serialization.load_pem_private_key(pem.reveal().encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("RS256 takes an RSA key")  # noqa: TRY004 - a credential's value is wrong, no caller's type
    return key


@dataclass(frozen=True, slots=True)
class Held:
    """One token that we were given or fetched: it speaks for one user, and it ends when it ends.

    `origin` says in words where it came from and what to do when it is of no use any more.
    """

    token: Secret
    origin: str

    @property
    def user(self) -> User:
        """The user it speaks for, by its own unverified claims. Raises CredentialUnfit when it is no JWT."""
        claims = self._payload()
        return User(str(claims.get("sub", "")), str(claims.get("email", "")))

    @property
    def expires(self) -> float:
        """When it ends, in unix seconds; infinity when it does not say."""
        return float(self._payload().get("exp", float("inf")))

    def good(self, user: User) -> Secret:
        """The token itself.

        Raises:
            CredentialUnfit: It has expired, is no JWT, or another user is asked for: only the signing secret can do
                that.
        """
        if user.sub != self.user.sub:
            raise CredentialUnfit(self.origin, f"it speaks for {self.user.sub!r}, and {user.sub!r} was asked for")
        if self.expires <= time.time():
            ended = datetime.fromtimestamp(self.expires, UTC).isoformat(timespec="seconds")
            raise CredentialUnfit(self.origin, f"the token expired at {ended}: hand over a fresh one")
        return self.token

    def claims(self, user: User) -> dict[str, Any]:
        """Its own claims."""
        del user
        return self._payload()

    @property
    def header(self) -> dict[str, str]:
        """What its own header says."""
        self._payload()  # what is no token is said to be none
        head = json.loads(_decode(self.token.reveal().split(".")[0]))
        return {key: str(head[key]) for key in ("alg", "kid") if key in head}

    def public_key(self) -> str:
        """Empty: a token does not tell its issuer's key."""
        return ""

    def _payload(self) -> dict[str, Any]:
        try:
            claims = json.loads(_decode(self.token.reveal().split(".")[1]))
        except (IndexError, ValueError) as error:
            raise CredentialUnfit(
                self.origin, "it is no JWT: hand over an access token as the login gives it"
            ) from error
        if not isinstance(claims, dict) or not claims.get("sub"):
            raise CredentialUnfit(self.origin, "its payload names no user (`sub`)")
        return claims


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
