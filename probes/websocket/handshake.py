"""The WebSocket handshake as the contract describes it: token by header or subprotocol, and the first message."""

import asyncio
import base64
import json
import ssl
from dataclasses import dataclass
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from probes.deadlines import Deadlines
from probes.errors import BadAnswer, ClientUnfit, TooSlow, Unreachable
from probes.identity import RunIdentity
from probes.secret import Secret, reveal, without_frames

Way = Literal["header", "subprotocol"]
PROTOCOL = "jwt-auth"
MOST_BYTES = 1024 * 1024  # of one message to us; more is the server's fault, not our memory's
OUT_OF_DESCRIPTORS = frozenset({23, 24})  # ENFILE, EMFILE
SERVER_ERROR = 1011
Message = dict[str, Any]


class _Straight(connect):
    """Connects where it is told to: a redirect (to a login, to another host) is an answer that has to be seen."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow nothing."""
        return exc


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake or a first message that refused us."""

    by: Literal["handshake", "close"]
    status: int  # HTTP status, or the close code
    detail: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What a handshake shows: a token by one of two ways, or other headers in its place."""

    token: Secret | None
    way: Way = "header"
    headers: list[tuple[str, Secret]] | None = None  # replace the Authorization header that `way="header"` would send
    query: Secret | str = ""

    def shown(self) -> tuple[list[tuple[str, Secret]], list[Secret] | None]:
        """The headers and the subprotocols that carry it."""
        if self.headers is not None:
            return list(self.headers), None
        if self.token is None:
            return [], None
        if self.way == "header":
            return [("Authorization", self.token.derive(lambda text: f"Bearer {text}"))], None
        return [], [Secret(PROTOCOL), self.token.derive(_as_subprotocol)]


def _as_subprotocol(token: str) -> str:
    return f"jwt.{base64.urlsafe_b64encode(token.encode()).rstrip(b'=').decode()}"


async def dial(
    url: str,
    credential: Credential,
    identity: RunIdentity,
    deadlines: Deadlines,
    *,
    trace_id: str,
    ping_interval: float | None = None,
    tls: ssl.SSLContext | None = None,
) -> ClientConnection | Refused:
    """Shake hands; return the open connection, or how we were refused.

    Raises:
        Unreachable: Refused by TCP or TLS, or reset.
        TooSlow: No handshake within the deadline.
        BadAnswer: Not a WebSocket, a redirect, or 5xx.
        ClientUnfit: We are out of descriptors.
    """
    said = f"WebSocket {url}"
    own = identity.headers(trace_id)
    agent = own.pop("User-Agent")
    pairs, protocols = credential.shown()
    try:
        return await _Straight(
            url + reveal(credential.query),
            additional_headers=reveal([*own.items(), *pairs]), user_agent_header=agent,
            subprotocols=None if protocols is None else [Subprotocol(one.reveal()) for one in protocols],
            compression=None, open_timeout=deadlines.welcome, close_timeout=deadlines.close,
            ping_interval=ping_interval, ping_timeout=deadlines.message, max_size=MOST_BYTES, proxy=None, ssl=tls,
        )  # fmt: skip
    except InvalidStatus as error:
        status = error.response.status_code
        body = bytes(error.response.body or b"")[:200].decode(errors="replace")
        if 400 <= status < 500:  # noqa: PLR2004 - a refusal; whether the right one is the check's to say
            return Refused("handshake", status, body)
        location = error.response.headers.get("Location")
        where = f" (to {location})" if location else ""
        raise BadAnswer(said, f"the handshake was answered {status}{where}: {body!r}") from without_frames(error)
    except TimeoutError as error:
        raise TooSlow(said, f"no handshake within {deadlines.welcome:g} s") from without_frames(error)
    except (InvalidMessage, InvalidHandshake) as error:
        raise BadAnswer(said, f"no WebSocket handshake: {type(error).__name__}: {error}") from without_frames(error)
    except OSError as error:
        if error.errno in OUT_OF_DESCRIPTORS:
            raise ClientUnfit(
                said, f"we are out of descriptors ({error.strerror}): raise `ulimit -n`"
            ) from without_frames(error)
        raise Unreachable(said, f"{type(error).__name__}: {error}") from without_frames(error)


async def read_welcome(connection: ClientConnection, said: str, deadlines: Deadlines) -> Message | Refused:
    """Read the first message of a connection that nobody else reads; the connection stays open only when welcome.

    Raises:
        TooSlow: Nothing came within the deadline.
        BadAnswer: Something else than a welcome came, or the server gave up with an error.
    """
    try:
        async with asyncio.timeout(deadlines.welcome):
            raw = await connection.recv()
            first = parse(raw, said)
            found = judge_welcome(first, said)
            if isinstance(found, Refused):
                await connection.wait_closed()
                return Refused("close", connection.close_code or found.status, found.detail)
            return found
    except TimeoutError as error:
        connection.transport.abort()
        raise TooSlow(said, f"no welcome within {deadlines.welcome:g} s") from error
    except ConnectionClosed as error:
        received = error.rcvd
        if received is not None and received.code != SERVER_ERROR:
            return Refused("close", received.code, received.reason)
        raise BadAnswer(said, f"the session ended before its welcome: {error}") from error
    except BadAnswer:
        connection.transport.abort()
        raise


def parse(raw: str | bytes, said: str) -> Message:
    """A message as a JSON object. Raises BadAnswer."""
    try:
        message = json.loads(raw)
    except ValueError as error:
        raise BadAnswer(said, f"a message that is no JSON: {str(raw)[:200]!r}") from error
    if not isinstance(message, dict):
        raise BadAnswer(said, f"a message that is no object: {str(raw)[:200]!r}")
    return message


def judge_welcome(first: Message, said: str) -> Message | Refused:
    """The first message as a welcome, or as a refusal that a close follows. Raises BadAnswer for anything else."""
    data = first.get("data")
    if first.get("type") == "error_message":
        return Refused("close", 1006, str(first.get("error_code") or data))
    if isinstance(data, dict) and data.get("event") == "connection_established":
        return first
    raise BadAnswer(said, f"the first message is no welcome: {str(first)[:200]}")
