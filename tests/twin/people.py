"""A user of the twin in its self-tests: a token of its own, plain requests, and sockets."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
from websockets.asyncio.client import ClientConnection, connect

Json = Any
HEARD_S = 60.0


@dataclass(slots=True)
class Person:
    """Somebody with a token, in front of a twin at these addresses."""

    twin: dict[str, Any]
    sub: str = field(default_factory=lambda: f"person-{uuid.uuid4().hex[:8]}")
    email: str = ""
    token: str = field(init=False)

    def __post_init__(self) -> None:
        """Sign a valid token."""
        self.signs()

    def signs(
        self, *, sub: object = None, head: dict[str, Any] | None = None, ahead_s: int = 0, secret: str = ""
    ) -> None:
        """Sign another token: for another `sub`, under another header, of a clock that is ahead, or by another key."""
        now = int(time.time()) + ahead_s
        claims = {
            "sub": self.sub if sub is None else sub,
            "email": self.email or f"{self.sub}@example.test",
            "iss": "netra-auth-service",
            "aud": "netra-platform",
            "iat": now,
            "exp": now + 900,
            "jti": uuid.uuid4().hex,
            "token_type": "access",
            "permissions": [],
        }
        key = secret or self.twin["tokens"]["signing_secret"]
        self.token = jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm="HS256", headers=head)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **how: Json) -> httpx.Response:
        """One request to the backend, with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return httpx.request(method, f"{self.twin['backend']['url']}{path}", headers=headers, timeout=60, **how)

    def listed(self) -> list[dict[str, Any]]:
        """The list, which must come."""
        answer = self.ask("GET", "/api/threads")
        assert answer.status_code == 200, answer.text
        told: list[dict[str, Any]] = answer.json()
        return told

    def logs_out(self) -> int:
        """The status of a logout with the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.post(f"{self.twin['auth']['url']}/auth/logout", headers=headers).status_code

    def validates(self) -> int:
        """The status of the token's validation."""
        headers = {"X-Service-Key": self.twin["tokens"]["service_key"]}
        body = {"token": self.token}
        return httpx.post(f"{self.twin['auth']['url']}/validate", headers=headers, json=body).status_code

    @asynccontextmanager
    async def tab(self, **how: Json) -> AsyncIterator[ClientConnection]:
        """A session."""
        url = self.twin["backend"]["url"].replace("http", "ws", 1) + "/ws"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with connect(url, additional_headers=headers, proxy=None, **how) as socket:
            yield socket


async def heard(socket: ClientConnection) -> dict[str, Any]:
    """The next message, or a TimeoutError."""
    async with asyncio.timeout(HEARD_S):
        message: dict[str, Any] = json.loads(await socket.recv())
    return message
