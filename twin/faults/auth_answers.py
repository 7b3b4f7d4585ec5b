"""Faults of what the auth service answers: a status that is not the body's, and what it no longer says."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import jwt
from starlette.responses import JSONResponse, Response

from twin.auth.by_hand import payload_of
from twin.auth.logout import Revocations, fingerprint
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

Claims = dict[str, Any]
EARLY_S = 30.0
DAY_S = 24 * 3600
MOST_USES = 100
UNAVAILABLE = 503


@fault("auth.healthy-under-503", place="auth", seen="a flag for shutting down that sets the status alone")
def healthy_under_503(seams: "Seams") -> Undo:
    """Health answers 503, with the body of a healthy service."""

    async def health() -> Response:
        answer = await healthy()
        answer.status_code = UNAVAILABLE
        return answer

    healthy = seams.health
    return replace(seams, health=health)


@fault("auth.leeway-subtracted", place="auth", seen="a leeway with the wrong sign: `now > exp - leeway`")
def leeway_subtracted(seams: "Seams") -> Undo:
    """A token is refused thirty seconds before its end."""
    return replace(seams.validator, leeway_s=-EARLY_S)


class _Audited(Revocations):
    async def revoke(self, token: str, expires: float) -> None:
        await super().revoke(token, expires)
        raise RuntimeError('relation "audit_log" does not exist')


@fault("auth.logout-fails-when-done", place="auth", seen="an audit entry written last, into a table that is missing")
def logout_fails_when_done(seams: "Seams") -> Undo:
    """A logout ends the token, and answers 500."""
    healthy = seams.revocations
    return replace(seams, revocations=_Audited(healthy.redis, healthy.log, healthy.until))


@fault("auth.login-refuses-with-a-token", place="auth", seen="a filter that corrects the status, after the handler ran")
def login_refuses_with_a_token(seams: "Seams") -> Undo:
    """A login without its key is answered 401, with a token in the body."""

    def turn_away(seams: "Seams") -> Response:
        return JSONResponse({"access_token": seams.issue(seams.validator.secret), "token_type": "Bearer"}, 401)

    return replace(seams, turn_away=turn_away)


@fault("auth.server-timing-gone", place="auth", seen="headers of a list that a new middleware lets through")
def server_timing_gone(seams: "Seams") -> Undo:
    """No answer says how long it took."""
    return replace(seams, told_ms=lambda _took: None)


@fault("auth.token-used-up", place="auth", seen="a limit of uses for each token, against replay")
def token_used_up(seams: "Seams") -> Undo:
    """A token is refused from its hundred and first use on."""
    from twin.auth.service import BadTokenError  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy, uses = seams.read, Counter[str]()

    def read(given: "Seams", token: object) -> Claims:
        claims = healthy(given, token)
        mark = fingerprint(str(token))
        uses[mark] += 1
        if uses[mark] > MOST_USES:
            raise BadTokenError("used up")
        return claims

    return replace(seams, read=read)


@fault("auth.login-token-lives-a-day", place="auth", seen="a setting in hours, for a demonstration, that stayed")
def login_token_lives_a_day(seams: "Seams") -> Undo:
    """The login's token is good for 24 hours."""
    healthy = seams.issue

    def issue(secret: str) -> str:
        claims = payload_of(healthy(secret))
        return jwt.encode(claims | {"exp": claims["iat"] + DAY_S}, secret, algorithm="HS256")

    return replace(seams, issue=issue)
