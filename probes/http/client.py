"""HTTP as the suite needs it: every request traced, no cookies, no redirects followed, nothing retried."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.identity import RunIdentity
from probes.secret import Secret, reveal, without_frames

EXCERPT = 200
Value = str | Secret
Headers = (
    Mapping[str, Value] | Mapping[str, str] | list[tuple[str, Value]] | list[tuple[str, str]] | list[tuple[str, Secret]]
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer. `elapsed_s` runs from sending to the last byte."""

    status: int
    headers: httpx.Headers
    body: bytes
    elapsed_s: float
    trace_id: str
    request: str

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON. Raises BadAnswer, naming request, status and content type, when it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            kind = self.headers.get("content-type", "no content type")
            raise BadAnswer(
                self.request, f"status {self.status}, {kind}, no JSON ({error}): {self.text[:EXCERPT]!r}"
            ) from error

    @property
    def server_ms(self) -> float | None:
        """The server's own time, from `Server-Timing: total;dur=<ms>`; None where it says none."""
        for part in self.headers.get("server-timing", "").split(","):
            name, _, rest = part.strip().partition(";")
            if name == "total" and rest.startswith("dur="):
                return float(rest[4:])
        return None


class HttpClient:
    """An async client for one base URL. Use as a context manager."""

    def __init__(self, base_url: str, identity: RunIdentity, *, deadline_s: float) -> None:
        self.identity = identity
        self.base_url = base_url.rstrip("/")
        self._deadline_s = deadline_s
        loopback = urlsplit(base_url).hostname in {"127.0.0.1", "::1", "localhost"}
        self._client = httpx.AsyncClient(
            timeout=None,  # noqa: S113 - one deadline over the whole request, in `send`
            follow_redirects=False,
            trust_env=not loopback,
            cookies=_NoCookies(),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(  # noqa: PLR0913 - the parts of an HTTP request, all by keyword
        self,
        method: str,
        path: str,
        *,
        headers: Headers | None = None,
        params: Mapping[str, object] | None = None,
        json: object | None = None,
        content: bytes | None = None,
        token: Secret | None = None,
        deadline_s: float | None = None,
        trace_id: str | None = None,
    ) -> Answer:
        """Send one request, once.

        Args:
            method: The HTTP method.
            path: Path below the base URL, with its query when that has to be written by hand.
            headers: Further headers; a list of pairs may name one header twice.
            params: Query parameters.
            json: A JSON body. In it, as in headers and parameters, a secret is unwrapped for the socket alone.
            content: A raw body.
            token: Sent as `Authorization: Bearer`.
            deadline_s: For the whole request; the client's own when None.
            trace_id: The trace to send; a fresh one when None.

        Raises:
            Unreachable: Refused, reset, no such host, no TLS.
            TooSlow: No complete answer within the deadline.
            BadAnswer: Not HTTP.
        """
        trace = trace_id or self.identity.new_trace()
        pairs: list[tuple[str, Value]] = [*self.identity.headers(trace).items()]
        pairs += [("Authorization", token.derive(lambda text: f"Bearer {text}"))] if token is not None else []
        pairs += list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
        limit = deadline_s or self._deadline_s
        url = f"{self.base_url}{path}"
        said = f"{method} {url}"
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(limit):
                got = await self._client.request(
                    method, url, headers=reveal(pairs), params=reveal(params), json=reveal(json), content=content
                )  # fmt: skip
        except TimeoutError as error:
            raise TooSlow(said, f"no answer within {limit:g} s") from without_frames(error)
        except httpx.RemoteProtocolError as error:
            raise BadAnswer(said, f"not an HTTP answer: {error}") from without_frames(error)
        except httpx.TransportError as error:
            raise Unreachable(said, f"{type(error).__name__}: {error}") from without_frames(error)
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise ValueError(f"{said} can't be sent by this client ({type(error).__name__})") from None
        return Answer(got.status_code, got.headers, got.content, time.perf_counter() - begun, trace, said)


class _NoCookies(httpx.Cookies):
    """Keeps nothing: session affinity takes precedence over the traffic split, so a kept cookie hides a revision."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Forget what the server set."""
