"""Users: tokens are validated by the auth service and cached; REST finds users by email, and creates them."""

import os
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from twin.deployed.answers import SaidError, log
from twin.deployed.revisions import WIRE, Revision

OK = 200
MAKE_USER = "INSERT INTO users (id, email) VALUES (:id, :email) ON CONFLICT DO NOTHING"


@dataclass(slots=True, kw_only=True)
class Users:
    """The service's users, as its two doors know them."""

    engine: AsyncEngine
    revision: Revision
    url: str = field(default_factory=lambda: os.environ["AUTH_SERVICE_URL"])
    secret: str = field(default_factory=lambda: os.environ["SERVICE_KEY"])
    client: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(
            timeout=5.0,
            trust_env=False,
            limits=httpx.Limits(keepalive_expiry=4.0),  # the auth service closes after 5 s
        )
    )
    _cached: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)

    async def claims(self, token: str) -> dict[str, Any] | None:
        """What the auth service says of a token, by the cache where it holds it; None for a bad one."""
        until, known = self._cached.get(token, (0.0, {}))
        if until > time.monotonic():
            return known
        headers = {"X-Service-ID": "netra-backend", "X-Service-Secret": self.secret}
        try:
            answer = await self.client.post(f"{self.url}/auth/validate", json={"token": token}, headers=headers)
        except httpx.HTTPError as error:
            log("ERROR", f"auth service communication failed: {type(error).__name__}")
            return None
        body: dict[str, Any] = answer.json() if answer.status_code == OK else {}
        if not body.get("valid") or not body.get("user_id"):
            return None
        self._cached[token] = (time.monotonic() + WIRE["token_cached_s"], body)
        return body

    async def of_request(self, request: Request) -> str:
        """The id of the user with the token's email. Raises SaidError."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            refusal = WIRE["refused"]["basic"] if scheme and token else self.revision.none
            raise SaidError(refusal["status"], refusal["message"], refusal.get("more"))
        claims = await self.claims(token.strip())
        if claims is None:
            refusal = WIRE["refused"]["bad"]
            raise SaidError(refusal["status"], refusal["message"])
        return await self._by_email(str(claims["user_id"]), str(claims["email"]))

    async def _by_email(self, sub: str, email: str) -> str:
        async with self.engine.begin() as connection:
            await connection.execute(text(MAKE_USER), {"id": sub, "email": email})
            found = await connection.execute(text("SELECT id FROM users WHERE email = :email"), {"email": email})
            return str(found.scalar() or sub)
