"""Faults that refuse valid tokens which are not the usual ones: long ones, and addresses with letters of the world."""

from typing import TYPE_CHECKING, Any

from twin.auth.by_hand import payload_of
from twin.faults.auth_backend import on_rest, on_socket
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams as BackendSeams

LONGEST = 1024
Claims = dict[str, Any]


@fault("auth.long-tokens-refused", place="auth", seen="a column of 1,024 characters for tokens, checked at validation")
def long_refused(seams: "Seams") -> Undo:
    """A token of more than 1,024 characters is refused: a user with many permissions can't work."""
    return replace(seams.validator, longest=LONGEST)


@fault("auth.rest-refuses-long-tokens", place="backend", seen="a limit against denial of service, of one door alone")
def rest_refuses_long(seams: "BackendSeams") -> Undo:
    """REST refuses a token of more than 1,024 characters."""
    return on_rest(seams, _unless_long)


@fault("auth.websocket-refuses-long-tokens", place="backend", seen="the limit of a cookie's size, taken for a token's")
def socket_refuses_long(seams: "BackendSeams") -> Undo:
    """The WebSocket refuses a token of more than 1,024 characters."""
    return on_socket(seams, _unless_long)


def _unless_long(token: str, answer: "Identity | None") -> "Identity | None":
    return answer if len(token) <= LONGEST else None


@fault("auth.odd-emails-refused", place="auth", seen="an expression for addresses that knows A to Z")
def odd_emails_refused(seams: "Seams") -> Undo:
    """A token whose email has letters outside ASCII is refused."""
    from twin.auth.service import BadTokenError  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy = seams.read

    def read(given: "Seams", token: object) -> Claims:
        claims = healthy(given, token)
        if not str(claims.get("email", "")).isascii():
            raise BadTokenError("email")
        return claims

    return replace(seams, read=read)


@fault("auth.odd-emails-are-500", place="backend", seen="X-User-Email set for the log: 'latin-1' codec can't encode")
def odd_emails_500(seams: "BackendSeams") -> Undo:
    """REST fails for a user whose email can't be a header's value."""

    def decide(token: str, answer: "Identity | None") -> "Identity | None":
        str(payload_of(token).get("email", "")).encode("latin-1")
        return answer

    return on_rest(seams, decide)
