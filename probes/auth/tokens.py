"""Valid access tokens: signed as the auth service signs them (HS256 or RS256), or held as they were supplied."""

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
from probes.foreign.json_values import read_json
from probes.secret import Secret

TIME_CLAIMS = frozenset({"exp", "iat", "nbf"})  # RFC 7519: numbers of seconds since 1970
NOT_A_JWT = "it is not a JWT: supply an access token as the login issues it"


@dataclass(frozen=True, slots=True)
class User:
    """A user as a token names it."""

    sub: str
    email: str


class TokenSource(Protocol):
    """Gives valid tokens."""

    def good(self, user: User) -> Secret:
        """A valid token of the user. Raises CredentialUnfit if there is none."""
        ...

    def claims(self, user: User) -> dict[str, Any]:
        """The claims of a valid token of the user: what forgeries start from."""
        ...

    @property
    def header(self) -> dict[str, str]:
        """What a valid token's header says: `alg`, and `kid` if it names its key."""
        ...

    def public_key(self) -> str:
        """PEM of the key that the service verifies with; empty if it is shared, or if we don't have it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """Signs tokens with the auth service's secret: a shared one, or the private key of RS256 as PEM."""

    secret: Secret
    issuer: str
    audience: str
    lifetime_s: float
    skew_s: float = 60.0  # how far ahead `iat` may lie
    extra_claims: Mapping[str, Any] = field(default_factory=dict)  # further claims of an access token
    refresh_claims: Mapping[str, Any] = field(default_factory=dict)  # the claims that set a refresh token apart
    algorithm: str = "HS256"
    key_id: str = ""  # the service finds the key by it; empty: tokens name none

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
        """The claims of a valid token issued at `now` (unix seconds; None: the present)."""
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
        """A valid token."""
        return self.sign(self.claims(user, now))


@cache
def _private_key(pem: Secret) -> rsa.RSAPrivateKey:
    """The key, read once: checking its numbers takes a tenth of a second, during which our loop would stand still.

    Raises ValueError for a key of another kind.
    """
    key = serialization.load_pem_private_key(pem.reveal().encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("RS256 requires an RSA key")  # noqa: TRY004 - a credential's value is wrong, not a caller's type
    return key


@dataclass(frozen=True, slots=True)
class Held:
    """One token that was supplied or fetched: it stands for one user, and we can't extend its life.

    `origin` says in words where it came from.
    """

    token: Secret
    origin: str

    @property
    def user(self) -> User:
        """The user it stands for, by its own unverified claims. Raises CredentialUnfit if it is not a JWT."""
        claims = self._payload()
        return User(str(claims.get("sub", "")), str(claims.get("email", "")))

    @property
    def expires(self) -> float:
        """When it expires, in unix seconds; infinity if it does not say. Raises CredentialUnfit for no number."""
        try:
            return float(self._payload().get("exp", float("inf")))
        except (TypeError, ValueError, OverflowError) as error:
            raise CredentialUnfit(self.origin, "its payload's `exp` is not a number of seconds") from error

    @property
    def lifetime_s(self) -> float:
        """From when it was issued, or from now if it does not say, until it expires; infinity if it never does.

        Raises CredentialUnfit like `expires`.
        """
        issued = self._payload().get("iat")
        return self.expires - (issued if isinstance(issued, int | float) else time.time())

    def good(self, user: User) -> Secret:
        """The token itself.

        Raises:
            CredentialUnfit: It has expired, is not a JWT, or another user is asked for: only the signing secret can do
                that.
        """
        if user.sub != self.user.sub:
            raise CredentialUnfit(self.origin, f"it is a token of {self.user.sub!r}, and {user.sub!r} was asked for")
        if self.expires <= time.time():
            ended = datetime.fromtimestamp(max(self.expires, 0.0), UTC).isoformat(timespec="seconds")
            raise CredentialUnfit(self.origin, f"the token expired at {ended}: supply a fresh one")
        return self.token

    def claims(self, user: User) -> dict[str, Any]:
        """Its own claims."""
        del user
        return self._payload()

    @property
    def header(self) -> dict[str, str]:
        """What its own header says."""
        head = self._part(0)
        return {key: str(head[key]) for key in ("alg", "kid") if key in head}

    def public_key(self) -> str:
        """Return nothing: a token does not reveal its issuer's key."""
        return ""

    def _payload(self) -> dict[str, Any]:
        claims = self._part(1)
        if not claims.get("sub"):
            raise CredentialUnfit(self.origin, "its payload does not name a user (`sub`)")
        return claims

    def _part(self, number: int) -> dict[str, Any]:
        """What one part of it holds: 0 its header, 1 its payload. Raises CredentialUnfit."""
        try:
            part = read_json(_decode(self.token.reveal().split(".")[number]))
        except (IndexError, ValueError) as error:
            raise CredentialUnfit(self.origin, NOT_A_JWT) from error
        if not isinstance(part, dict):
            raise CredentialUnfit(self.origin, NOT_A_JWT)
        return part


def claims_in(token: Secret) -> dict[str, Any]:
    """What a token itself says, unverified. Raises CredentialUnfit if it is not a JWT that names a user."""
    return Held(token, "the token that was shown").claims(User("", ""))


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
