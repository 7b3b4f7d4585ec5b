"""Who is asking: RS256 access tokens of our identity provider, by the keys that it publishes."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from jwt import PyJWK

ISSUER, AUDIENCE = "https://id.fjord.example/", "fjord-notes"
SKEW_S, LONGEST_SUB = 30, 200
NEEDED = ["sub", "exp", "iat", "iss", "aud", "scope"]


class NotAuthenticated(Exception):
    """Not one of our users."""


@dataclass
class Verifier:
    """Verifies by `kid`, one algorithm, one issuer, one audience."""

    jwks: Path
    keys: dict[str, PyJWK] = field(default_factory=dict)
    audience: str | None = AUDIENCE
    algorithms: tuple[str, ...] = ("RS256",)

    def load(self) -> None:
        """Read the key set once; a deployment restarts us when keys rotate."""
        described = json.loads(self.jwks.read_text(encoding="utf-8"))["keys"]
        self.keys = {one["kid"]: PyJWK(one) for one in described}

    def key_of(self, header: dict[str, Any]) -> PyJWK:
        """The key that a header names. Raises NotAuthenticated for one that we do not have."""
        key = self.keys.get(str(header.get("kid")))
        if key is None or header.get("alg") not in self.algorithms or "crit" in header:
            raise NotAuthenticated
        return key

    def subject(self, token: str) -> str:
        """The account that a token is for. Raises NotAuthenticated."""
        try:
            key = self.key_of(jwt.get_unverified_header(token))
            claims = self.decode(token, key)
        except (jwt.PyJWTError, ValueError, UnicodeError) as error:
            raise NotAuthenticated from error
        sub = claims["sub"]
        if not sub or len(sub) > LONGEST_SUB or not sub.isprintable() or sub != sub.strip():
            raise NotAuthenticated
        return str(sub)

    def decode(self, token: str, key: PyJWK) -> dict[str, Any]:
        """The verified claims."""
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=ISSUER,
            audience=self.audience,
            leeway=0,
            options={"require": NEEDED, "verify_iat": False, "verify_aud": self.audience is not None},
        )
        if not all(isinstance(claims[name], int) for name in ("exp", "iat")) or claims["iat"] > time.time() + SKEW_S:
            raise NotAuthenticated
        return claims
