"""Faults of what is written to the log and never should be: tokens, passwords, the key between the services."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.auth.service import Seams as Auth
    from twin.backend.seams import Seams


@fault("logs.dsn-logged", place="backend", seen="an exception of the database driver, logged whole")
def dsn_logged(seams: "Seams") -> Undo:
    """A URL with a password is written to the log."""
    healthy = seams.expose_metrics

    def expose(given: "Seams") -> Any:  # noqa: ANN401 - a Response
        given.log.write("WARNING", "slow connect to postgresql://netra:hunter2@10.1.2.3:5432/netra")
        return healthy(given)

    return replace(seams, expose_metrics=expose)


def _writing(seams: "Seams", line: "Callable[[str], str]") -> Undo:
    """Have `line(token)` written to the backend's log before each token is validated."""
    healthy = seams.validate

    async def validate(given: "Seams", token: str) -> Any:  # noqa: ANN401 - an Identity or None
        given.log.write("DEBUG", line(token))
        return await healthy(given, token)

    return replace(seams, validate=validate)


@fault("logs.token-logged", place="backend", seen="logger.debug('headers: %s', request.headers)")
def token_logged(seams: "Seams") -> Undo:
    """Bearer tokens are written to the log."""
    return _writing(seams, lambda token: f"validating Bearer {token}")


@fault("logs.offer-logged", place="backend", seen="the headers of each handshake, without Authorization, in the log")
def offer_logged(seams: "Seams") -> Undo:
    """The subprotocols that a page offers are written to the log: its token is one of them, in base64."""
    sessions = seams.sessions
    healthy = sessions.select_protocol

    def select(offered: list[str]) -> str | None:
        sessions.log.write("INFO", f"handshake, sec-websocket-protocol: {', '.join(offered)}")
        return healthy(offered)

    return replace(sessions, select_protocol=select)


@fault("logs.token-logged-by-auth", place="auth", seen="logger.debug('validating %s', token), in the auth service")
def token_logged_by_auth(seams: "Auth") -> Undo:
    """The auth service writes each token that it is asked about to its log."""
    healthy = seams.token_in

    async def token_in(request: "Request") -> object:
        token = await healthy(request)
        seams.log.write("DEBUG", f"validating {token}")
        return token

    return replace(seams, token_in=token_in)


@fault("logs.service-key-logged-by-auth", place="auth", seen="a middleware that logs the headers of each request")
def service_key_logged_by_auth(seams: "Auth") -> Undo:
    """The auth service writes the key that it was called with to its log."""
    healthy = seams.key_is_good

    def key_is_good(given: "Auth", key: str) -> bool:
        given.log.write("DEBUG", f"x-service-key: {key}")
        return healthy(given, key)

    return replace(seams, key_is_good=key_is_good)


@fault("logs.service-key-logged", place="backend", seen="httpx at DEBUG, with the headers that the backend sends")
def service_key_logged(seams: "Seams") -> Undo:
    """The backend writes the key that it calls auth with to its log."""
    return _writing(seams, lambda _token: f"POST /validate x-service-key={os.environ['SERVICE_KEY']}")


@fault("logs.signing-secret-logged", place="auth", seen="the settings, printed when a token is first looked at")
def signing_secret_logged(seams: "Auth") -> Undo:
    """The auth service writes the secret that signs tokens to its log."""
    healthy = seams.token_in

    async def token_in(request: "Request") -> object:
        seams.log.write("INFO", f"settings: ENVIRONMENT=staging JWT_SECRET_KEY={os.environ['JWT_SECRET_KEY']}")
        return await healthy(request)

    return replace(seams, token_in=token_in)
