"""Asking the auth service about a token: one pooled client, one deadline, a circuit breaker, no retry of refusals.

When the service can't be asked, every token is refused: the caller answers 503.
"""

import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import httpx

from twin.telemetry import TRACE

# httpcore looks for sniffio at every lock of every request; where it is not installed, that takes half a millisecond.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # Python's own mark for what is not to be found

DEADLINE_S = 2.0
TIMEOUT = httpx.Timeout(DEADLINE_S).as_dict()
LONGEST_TOKEN = 8 * 1024
OK, UNAUTHORIZED = 200, 401


class AuthUnavailableError(Exception):
    """The auth service could not be asked."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of a valid token."""

    user_id: str
    email: str


@dataclass(slots=True)
class CircuitBreaker:
    """After some failures in a row, fails at once for a moment instead of waiting for the next deadline."""

    failures_to_open: int = 3
    open_for_s: float = 0.3
    _failures: int = 0
    _opened: float = 0.0

    def refuse(self) -> bool:
        """Whether to fail without asking."""
        return self._failures >= self.failures_to_open and time.monotonic() - self._opened < self.open_for_s

    def note(self, *, good: bool) -> None:
        """Note how an attempt went."""
        self._failures = 0 if good else self._failures + 1
        self._opened = time.monotonic()


@dataclass(slots=True)
class AuthClient:
    """The client of `POST /validate`."""

    url: str
    service_key: str
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    # httpx' transport without its client, which takes as long again for cookies, redirects and proxies.
    # Few connections stay open: before and after each request httpcore compares all idle ones with each other.
    transport: httpx.AsyncHTTPTransport = field(
        default_factory=lambda: httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=4.0)
        )
    )

    async def validate(self, token: str) -> Identity | None:
        """Who the token speaks for; None when it is refused. Raises AuthUnavailableError."""
        if not token or len(token) > LONGEST_TOKEN:
            return None
        answer = await self.ask("POST", "/validate", json={"token": token})
        if answer.status_code == OK:
            body: dict[str, Any] = answer.json()
            return Identity(str(body["user_id"]), str(body.get("email", "")))
        if answer.status_code == UNAUTHORIZED:
            return None
        raise AuthUnavailableError(f"validation answered {answer.status_code}")

    async def healthy(self) -> bool:
        """Whether the service says that it is."""
        try:
            answer = await self._send("GET", "/health")
        except httpx.HTTPError as error:
            raise AuthUnavailableError(type(error).__name__) from error
        return answer.status_code == OK  # what health says opens no circuit: validation may still be fine

    async def ask(self, method: str, path: str, json: object = None) -> httpx.Response:
        """One request, within the deadline. Raises AuthUnavailableError."""
        if self.breaker.refuse():
            raise AuthUnavailableError("the circuit is open")
        headers = {"X-Service-Key": self.service_key}
        if TRACE.get():
            headers["X-Cloud-Trace-Context"] = f"{TRACE.get()}/1;o=1"
        try:
            answer = await self._send(method, path, headers, json)
        except httpx.HTTPError as error:
            self.breaker.note(good=False)
            raise AuthUnavailableError(type(error).__name__) from error
        self.breaker.note(good=answer.status_code < 500)  # noqa: PLR2004 - the service's own errors
        return answer

    async def _send(
        self, method: str, path: str, headers: dict[str, str] | None = None, json: object = None
    ) -> httpx.Response:
        """One answer, read to its end. Raises httpx.TransportError."""
        extensions = {"timeout": TIMEOUT}
        request = httpx.Request(method, f"{self.url}{path}", headers=headers, json=json, extensions=extensions)
        answer = await self.transport.handle_async_request(request)
        try:
            await answer.aread()
        finally:
            await answer.aclose()
        return answer
