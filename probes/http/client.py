"""HTTP as the suite needs it: every request traced, no cookies, no redirects followed, all bounded.

Nothing is retried. A request is sent on another connection only where this one can't have brought it to the service:
see `pooled_sockets`.
"""

import ssl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from probes.client_health.fair_deadline import within
from probes.errors import BadAnswer, PathBlocked, ProbeError, TooSlow, Unreachable
from probes.foreign.excerpt import excerpt
from probes.foreign.json_values import read_json
from probes.foreign.limits import HEADERS
from probes.http.connecting import tls_error
from probes.http.content import ACCEPTED, read_body
from probes.http.limiter import rate_limited
from probes.http.network_path import NetworkPath, find_path
from probes.http.pooled_sockets import NotReceived, remember_sockets
from probes.http.request_options import RequestOptions, Value
from probes.http.server_timing import server_timing
from probes.identity import RunIdentity
from probes.secret import reveal, without_frames

# httpcore looks for sniffio at every lock of every request. Where it is not installed, each look goes through the whole
# path, for half a millisecond; None is Python's own mark for what is not to be found.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # typed as modules alone

HEADER_TEXT = "latin-1"  # one byte a character, as servers read them: RFC 9110 lets a value have bytes over 127
Headers = httpx.Headers  # of an answer: several of one name, and names in any case
_ALWAYS: tuple[tuple[str, Value], ...] = (("Accept", "*/*"), ("Accept-Encoding", ACCEPTED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished answer. `elapsed_s` runs from sending to the last byte."""

    status: int
    headers: Headers
    body: bytes
    elapsed_s: float
    trace_id: str
    request: str

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def media_type(self) -> str:
        """What it says that its body is, in small letters and without parameters; empty if it does not say."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def is_called_json(self) -> bool:
        """Whether it says that its body is JSON: `application/json`, or a type that ends in `+json`."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON.

        Raises:
            BadAnswer: It is not JSON, or over a bound of `foreign.limits`; request, status and content type are named.
            RateLimited: A limiter (429) answered instead of the service.
        """
        self.refuse_limiter()
        try:
            return read_json(self.body)
        except ValueError as error:
            kind = self.headers.get("content-type", "no content type")
            raise BadAnswer(
                self.request, f"status {self.status}, {excerpt(kind, 80)}, not JSON ({error}): {excerpt(self.text)!r}"
            ) from error

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises what `json` raises, and BadAnswer for any other JSON value."""
        value = self.json()
        if not isinstance(value, dict):
            raise self._not("an object", value)
        return value

    def json_objects(self) -> list[dict[str, Any]]:
        """The body as a bare JSON list of objects. Raises what `json` raises, and BadAnswer for anything else."""
        value = self.json()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._not("a list of objects", value)
        return value

    def _not(self, wanted: str, value: object) -> BadAnswer:
        came = f"JSON, but {type(value).__name__} instead of {wanted}"
        return BadAnswer(self.request, f"status {self.status}, {came}: {excerpt(self.text)!r}")

    def refuse_limiter(self) -> None:
        """Raise RateLimited for a 429: a limiter's answer says nothing about the service behind it."""
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise rate_limited(self.request, "answered", self.headers.get("retry-after", ""), self.text)

    @property
    def server_ms(self) -> float | None:
        """The server's own time, from the `total` of `Server-Timing`; None if it reports none."""
        return server_timing(self.headers.raw, "total")


class HttpClient:
    """An async client for one base URL. Use as a context manager."""

    def __init__(
        self,
        base_url: str,
        identity: RunIdentity,
        *,
        deadline_s: float,
        path: NetworkPath | None = None,
        watch: Callable[[Answer], None] | None = None,
    ) -> None:
        """`path` is the network path; None: as this machine's environment has it. `watch` is shown every answer.

        Raises UnusablePath.
        """
        self.identity = identity
        self.base_url = base_url.rstrip("/")
        self.path = path or find_path(self.base_url)
        self.sent_again = list[str]()  # the requests that were sent on a second connection, and why
        self._deadline_s = deadline_s
        self._watch = watch
        # The transport without httpx' client around it: the client builds the next request of a redirect (and fails
        # if Location is not a URL), and undoes Content-Encoding without a bound.
        self._transport = httpx.AsyncHTTPTransport(
            verify=self.path.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            proxy=_proxy(self.path),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0),
            trust_env=False,
        )
        remember_sockets(self._transport._pool._network_backend)  # noqa: SLF001 - httpx has no parameter for it

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    async def send(
        self, method: str, path: str, *, trace_id: str | None = None, **options: Unpack[RequestOptions]
    ) -> Answer:
        """Send one request, once; under a fresh trace if `trace_id` is None.

        `path` is below the base URL, with its query if that has to be written by hand.

        Raises:
            Unreachable: Refused, reset, no such host, no TLS.
            PathBlocked: A proxy refuses, or we don't trust the certificate's issuer.
            TooSlow: No complete answer within the deadline.
            ClientUnfit: The same, but our own loop stood still all the while.
            BadAnswer: Not HTTP, or over a bound of `probes.foreign.limits`.
        """
        trace = trace_id or self.identity.new_trace()
        answer = await self._answer(f"{method} {self.base_url}{path}", trace, options)
        if self._watch:
            self._watch(answer)
        return answer

    async def _answer(self, request: str, trace: str, options: RequestOptions) -> Answer:
        always = [*_ALWAYS, *self.identity.headers(trace).items(), *await self.path.front_headers()]
        made = _write(request, always, options)
        begun = time.perf_counter()
        status, headers, body = await self._finish(made, request, options.get("deadline_s") or self._deadline_s)
        return Answer(
            status=status,
            headers=headers,
            body=body,
            elapsed_s=time.perf_counter() - begun,
            trace_id=trace,
            request=request,
        )

    async def _finish(self, made: httpx.Request, request: str, limit: float) -> tuple[int, Headers, bytes]:
        try:
            async with within(limit, request):
                return await self._exchange(made, request)
        except TimeoutError as error:
            raise TooSlow(request, f"no answer within {limit:g} s") from without_frames(error)
        except httpx.TransportError as error:
            raise _transport_error(error, request) from without_frames(error)

    async def _send(self, made: httpx.Request) -> httpx.Response:
        """The answer's beginning. Each connection that turns out to be closed is gone then, and a new one is not."""
        while True:
            try:
                return await self._transport.handle_async_request(made)
            except httpx.ReadError as error:
                if not isinstance(error.__cause__, NotReceived):
                    raise
                self.sent_again.append(f"{made.method} {made.url.path}: {error}")

    async def _exchange(self, made: httpx.Request, request: str) -> tuple[int, Headers, bytes]:
        response = await self._send(made)
        try:
            if len(response.headers.raw) > HEADERS:
                raise BadAnswer(request, f"{len(response.headers.raw)} header lines")
            encoding = response.headers.get("content-encoding", "") if made.method != "HEAD" else ""
            stream = response.stream
            if not isinstance(stream, httpx.AsyncByteStream):
                raise TypeError("httpx' async transport gave a stream that is not async")
            return response.status_code, response.headers, await read_body(stream, encoding, request)
        finally:
            await response.aclose()


def _write(request: str, always: list[tuple[str, Value]], options: RequestOptions) -> httpx.Request:
    """The request as it is sent, its secrets unwrapped. Raises ValueError for one that can't be written."""
    method, _, url = request.partition(" ")
    token, more = options.get("token"), options.get("headers")
    given = list(more.items()) if isinstance(more, Mapping) else list(more or [])
    named = {name.lower() for name, _ in given}  # what is given takes the place of what is always sent
    pairs = [pair for pair in always if pair[0].lower() not in named]
    pairs += [("Authorization", token.derive(lambda text: f"Bearer {text}"))] if token is not None else []
    pairs += given
    shown = {name: reveal(options.get(name)) for name in ("params", "json")}
    try:
        headers = httpx.Headers(reveal(pairs), encoding=HEADER_TEXT)
        return httpx.Request(method, url, headers=headers, content=options.get("content"), **shown)
    except (httpx.InvalidURL, UnicodeEncodeError) as error:
        raise ValueError(f"{request} can't be sent by this client ({type(error).__name__})") from None


def _proxy(path: NetworkPath) -> httpx.Proxy | None:
    return httpx.Proxy(path.proxy.url.reveal()) if path.proxy else None


def _transport_error(error: httpx.TransportError, request: str) -> ProbeError:
    """What an error of the transport comes to."""
    if isinstance(error, httpx.RemoteProtocolError):
        return BadAnswer(request, f"not an HTTP answer: {error}")
    if isinstance(error, httpx.ProxyError):
        return PathBlocked(request, f"the proxy refuses ({error}): have it let us through, or set NO_PROXY")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return tls_error(cause, request)
        cause = cause.__cause__ or cause.__context__
    return Unreachable(request, f"{type(error).__name__}: {_in_words(error)}")


def _in_words(error: BaseException | None) -> str:
    """The text of an error, or of what led to it: httpx' own errors of reading and writing have none."""
    while error is not None and not str(error):
        error = error.__cause__ or error.__context__
    return str(error) if error is not None else "without a reason"
