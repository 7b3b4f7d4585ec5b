"""The WebSocket handshake as the contract describes it: token by header or subprotocol, and the first message."""

import json
import re
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, ProtocolError
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.typing import Subprotocol

from probes.client_health.fair_deadline import within
from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.foreign.excerpt import excerpt
from probes.foreign.json_values import read_json
from probes.foreign.limits import MESSAGE_BYTES
from probes.http.connecting import dial as connect_tcp
from probes.http.connecting import tls_error
from probes.http.limiter import rate_limited
from probes.http.network_path import NetworkPath, Value, find_path
from probes.identity import RunIdentity
from probes.secret import Secret, reveal, without_frames
from probes.timing.deadlines import Deadlines
from probes.websocket.dialect import Dialect, Message

Way = Literal["header", "subprotocol"]
Connection = ClientConnection  # an open one, as its library has it
LONGEST_MESSAGE = 400
MOST_BEFORE = 20  # messages before the welcome: more is a server that never comes to it


class _Straight(connect):
    """Connects to the given address: a redirect (to a login, to another host) is an answer that we have to see."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow nothing."""
        return exc


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake or a first message that refused us."""

    by: Literal["handshake", "close"]
    status: int  # HTTP status, or the close code
    detail: str  # the body, the error's code, or the close's reason
    message: str = ""  # the error message that came before the close


@dataclass(frozen=True, slots=True)
class Credential:
    """What a handshake presents: a token in one of two places, or other headers in its place."""

    token: Secret | None
    way: Way = "header"
    headers: list[tuple[str, Secret]] | None = None  # replace the Authorization header that `way="header"` would send
    query: Secret | str = ""

    def shown(self, dialect: Dialect) -> tuple[list[tuple[str, Secret]], list[Secret] | None]:
        """The headers and the subprotocols that carry it."""
        if self.headers is not None:
            return list(self.headers), None
        if self.token is None:
            return [], None
        if self.way == "header":
            return [("Authorization", self.token.derive(lambda text: f"Bearer {text}"))], None
        return [], [Secret(dialect.subprotocol), self.token.derive(dialect.token_offer)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where sessions are opened: the WebSocket URL, who we are, the deadlines and the vocabulary."""

    url: str
    identity: RunIdentity
    deadlines: Deadlines
    dialect: Dialect
    path: NetworkPath | None = None  # None: as this machine's environment has it


async def dial(
    at: Endpoint, credential: Credential, trace_id: str, *, ping_interval: float | None = None
) -> ClientConnection | Refused:
    """Shake hands; return the open connection, or how we were refused.

    Raises:
        Unreachable: Refused by TCP or TLS, or reset.
        PathBlocked: A proxy refuses, or we don't trust the certificate's issuer.
        TooSlow: No handshake within the deadline.
        BadAnswer: Not a WebSocket, a redirect, or 5xx.
        RateLimited: A limiter (429) answered instead of the service.
        ClientUnfit: We are out of descriptors, or our own loop stood still all the while.
    """
    request, limit_s, path = f"WebSocket {at.url}", at.deadlines.welcome, at.path or find_path(at.url)
    front = await path.front_headers()
    try:
        with _as_probe_errors(request, limit_s):
            async with within(limit_s, request):
                return await _shake_hands(at, path, front, credential, trace_id, ping_interval)
    except InvalidStatus as error:
        return _answered(error, request)


async def _shake_hands(
    at: Endpoint,
    path: NetworkPath,
    front: Sequence[tuple[str, Value]],
    credential: Credential,
    trace_id: str,
    ping_interval: float | None,
) -> ClientConnection:
    """Connect by TCP and shake hands over it. Raises what the library raises."""
    own, (shown, protocols) = at.identity.headers(trace_id), credential.shown(at.dialect)
    agent = own.pop("User-Agent")
    plain, _ = await connect_tcp(path, f"WebSocket {at.url}")
    try:
        return await _Straight(
            at.url + reveal(credential.query),
            additional_headers=reveal([*front, *own.items(), *shown]),
            user_agent_header=agent,
            subprotocols=None if protocols is None else [Subprotocol(offer.reveal()) for offer in protocols],
            **_settings(at.deadlines, ping_interval),
            ssl=path.tls,
            server_hostname=path.host if path.tls else None,
            sock=plain,
        )
    except BaseException:
        plain.close()
        raise


def _settings(deadlines: Deadlines, ping_interval: float | None) -> dict[str, Any]:
    """Settings of the library that every session has: our own deadlines, no compression, no proxy of its own."""
    return {
        "compression": None,
        "open_timeout": None,
        "close_timeout": deadlines.close,
        "ping_interval": ping_interval,
        "ping_timeout": deadlines.message,
        "max_size": MESSAGE_BYTES,
        "proxy": None,
    }


@contextmanager
def _as_probe_errors(request: str, limit_s: float) -> Iterator[None]:
    """Raise the library's errors as probes' errors; a status other than 101 is left for `_answered`."""
    try:
        yield
    except InvalidStatus:
        raise
    except TimeoutError as error:
        raise TooSlow(request, f"no handshake within {limit_s:g} s") from without_frames(error)
    except (InvalidMessage, InvalidHandshake, ProtocolError) as error:
        if old := _http_1_0(error):
            raise InvalidStatus(old) from without_frames(error)
        raise BadAnswer(request, f"no WebSocket handshake: {type(error).__name__}: {error}") from without_frames(error)
    except ssl.SSLError as error:
        raise tls_error(error, request) from without_frames(error)
    except OSError as error:
        raise Unreachable(request, f"{type(error).__name__}: {error}") from without_frames(error)


def _http_1_0(error: Exception) -> Response | None:
    """An answer in HTTP/1.0, of which the library says only the status line.

    Servers and proxies that give up on a request before they have read it (its headers are too long) answer so.
    """
    found = re.search(r"HTTP/1\.0 (\d{3})\b", f"{error.__cause__}")
    return Response(int(found[1]), "", Headers()) if found else None


def _answered(error: InvalidStatus, request: str) -> Refused:
    """How a status other than 101 counts: 4xx is a refusal. Raises RateLimited for 429, BadAnswer for any other."""
    status = error.response.status_code
    body = excerpt(bytes(error.response.body or b""))
    if status == HTTPStatus.TOO_MANY_REQUESTS:  # a limiter's answer refuses no token
        wait = error.response.headers.get_all("Retry-After")
        raise rate_limited(request, "the handshake was answered", wait[0] if wait else "", body) from without_frames(
            error
        )
    if 400 <= status < 500:  # noqa: PLR2004 - a refusal; the check judges whether it is the right one
        return Refused("handshake", status, body)
    location = error.response.headers.get_all("Location")
    where = f" (to {excerpt(location[0])!r})" if location else ""
    raise BadAnswer(request, f"the handshake was answered {status}{where}: {body!r}") from without_frames(error)


async def read_welcome(
    connection: ClientConnection, said: str, deadlines: Deadlines, dialect: Dialect
) -> Message | Refused:
    """Read a connection, which nothing else may read, up to its welcome; it stays open only if welcome.

    Raises:
        TooSlow: Nothing came within the deadline.
        BadAnswer: Something other than a welcome came, or the server gave up with an error.
    """
    try:
        async with within(deadlines.welcome, said):
            welcome = await first_of_all(lambda: _received(connection, said), said, dialect)
            if isinstance(welcome, Refused):
                await connection.wait_closed()
                return replace(welcome, status=connection.close_code or welcome.status)
            return welcome
    except TimeoutError as error:
        connection.transport.abort()
        raise TooSlow(said, f"no welcome within {deadlines.welcome:g} s") from error
    except ConnectionClosed as error:
        received = error.rcvd
        if received is not None and received.code != CloseCode.INTERNAL_ERROR:
            return Refused("close", received.code, received.reason)
        raise BadAnswer(said, f"the session ended before its welcome: {error}") from error
    except BadAnswer:
        connection.transport.abort()
        raise


def parse(raw: str | bytes, said: str) -> Message:
    """A message as a JSON object. Raises BadAnswer."""
    try:
        message = read_json(raw.encode("utf-8", errors="surrogatepass") if isinstance(raw, str) else raw)
    except ValueError as error:
        raise BadAnswer(said, f"a message that is not JSON ({error}): {excerpt(str(raw))!r}") from error
    if not isinstance(message, dict):
        raise BadAnswer(said, f"a message that is not an object: {excerpt(str(raw))!r}")
    return message


async def _received(connection: ClientConnection, said: str) -> Message:
    return parse(await connection.recv(), said)


async def first_of_all(receive: Callable[[], Awaitable[Message]], said: str, dialect: Dialect) -> Message | Refused:
    """The welcome, whatever the dialect lets come before it. Raises BadAnswer, and what `receive` raises."""
    for _ in range(MOST_BEFORE):
        message = await receive()
        if not dialect.may_precede(message) or dialect.is_welcome(message):
            return judge_welcome(message, said, dialect)
    raise BadAnswer(said, f"{MOST_BEFORE} messages and no welcome among them")


def judge_welcome(first: Message, said: str, dialect: Dialect) -> Message | Refused:
    """The first message as a welcome, or as a refusal that a close follows. Raises BadAnswer for anything else."""
    if dialect.is_error(first):
        return Refused(
            "close", CloseCode.ABNORMAL_CLOSURE, dialect.code_of(first), excerpt(json.dumps(first), LONGEST_MESSAGE)
        )
    if dialect.is_welcome(first):
        return first
    raise BadAnswer(
        said,
        f"the first message is not a welcome (contract.websocket.dialect: {dialect.welcome_type} "
        f"{dialect.welcome_event}): {excerpt(str(first))}",
    )
