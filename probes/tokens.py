"""Good access tokens, signed as the auth service signs them (HS256; claims as observed)."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt


@dataclass(frozen=True, slots=True)
class User:
    """A user as a token names it."""

    sub: str
    email: str
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mint:
    """Signs tokens with the auth service's secret."""

    secret: str
    issuer: str
    audience: str
    lifetime_s: float

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
            "token_type": "access",
            "permissions": list(user.permissions),
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign any claims."""
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def good(self, user: User, *, now: float | None = None) -> str:
        """A good token."""
        return self.sign(self.claims(user, now))
