"""Faults of letters outside ASCII, in tokens and in keys: what raises there, and what passes over them."""

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.faults.auth_backend import on_rest, on_socket
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams as BackendSeams

Claims = dict[str, Any]


def encoding(seams: "Seams", encode: Callable[[str], bytes]) -> Undo:
    """Have each token that is text encoded before it is read."""
    healthy = seams.read

    def read(given: "Seams", token: object) -> Claims:
        if isinstance(token, str):
            encode(token)
        return healthy(given, token)

    return replace(seams, read=read)


@fault(
    "auth.token-encoded-unguarded",
    place="auth",
    seen="UnicodeEncodeError: 'utf-8' codec can't encode: surrogates not allowed",
)
def token_encoded(seams: "Seams") -> Undo:
    """A token with a lone surrogate is a server error."""
    return encoding(seams, lambda token: token.encode())


@fault("auth.token-encoded-as-ascii", place="auth", seen="`token.encode('ascii')`: ordinal not in range(128)")
def token_as_ascii(seams: "Seams") -> Undo:
    """A token that is not ASCII is a server error at validation, and so the auth service is taken to be down."""
    return encoding(seams, lambda token: token.encode("ascii"))


@fault(
    "auth.token-read-without-odd-letters",
    place="auth",
    seen="`token.encode('ascii', 'ignore')`, so that nothing raises",
)
def token_without_odd_letters(seams: "Seams") -> Undo:
    """What is not ASCII in a token is passed over: a valid token with such a letter in it is valid."""
    healthy = seams.read

    def read(given: "Seams", token: object) -> Claims:
        plain = token.encode("ascii", "ignore").decode() if isinstance(token, str) else token
        return healthy(given, plain)

    return replace(seams, read=read)


@fault("auth.service-key-compared-as-text", place="auth", seen="TypeError: comparing strings with non-ASCII characters")
def service_key_as_text(seams: "Seams") -> Undo:
    """A service key that is not ASCII is a server error."""
    return replace(seams, key_is_good=lambda seams, given: hmac.compare_digest(given, seams.service_key))


@fault("auth.login-key-compared-as-text", place="auth", seen="TypeError: comparing strings with non-ASCII characters")
def login_key_as_text(seams: "Seams") -> Undo:
    """A login key that is not ASCII is a server error."""
    return replace(seams, opens=lambda seams, given: hmac.compare_digest(given, seams.login_key))


@fault("auth.rest-encodes-as-ascii", place="backend", seen="a cache's key made by `token.encode('ascii')`")
def rest_as_ascii(seams: "BackendSeams") -> Undo:
    """A token that is not ASCII is a server error at REST."""
    return on_rest(seams, _encoded)


@fault("auth.websocket-encodes-as-ascii", place="backend", seen="the same in the handshake")
def websocket_as_ascii(seams: "BackendSeams") -> Undo:
    """A token that is not ASCII is a server error at the WebSocket."""
    return on_socket(seams, _encoded)


def _encoded(token: str, answer: "Identity | None") -> "Identity | None":
    token.encode("ascii")
    return answer
