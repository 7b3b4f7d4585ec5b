"""`POST /validate`: a strict reading of HS256 access tokens. `POST /auth/logout` ends one before its time."""

import hmac
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from twin.auth.logout import Revocations
from twin.telemetry import Log, error_body

ISSUER, AUDIENCE = "netra-auth-service", "netra-platform"
SKEW_S = 60
LIFETIME_S = 900
TEST_USER = "nv-login-user"
LONGEST_TOKEN = 8 * 1024
LONGEST_SUB = 255  # what the database's column holds
REQUIRED = ["sub", "iss", "aud", "iat", "exp", "token_type"]


class BadTokenError(Exception):
    """A token that is refused; the reason is for the log alone."""


async def at_once() -> None:
    """No delay."""


def turn_away(_seams: "Seams") -> Response:
    """What a login without its key gets."""
    return JSONResponse(error_body("forbidden", "The login key is required."), 401)


@dataclass(slots=True, kw_only=True)
class Validator:
    """Reads a token. Every rule that can be got wrong is an attribute of its own."""

    secret: str
    algorithms: list[str] = field(default_factory=lambda: ["HS256"])
    options: dict[str, Any] = field(default_factory=dict)
    issuer: str | None = ISSUER
    audience: str | None = AUDIENCE
    token_types: frozenset[str] = frozenset({"access"})
    longest: int = LONGEST_TOKEN
    longest_sub: int = LONGEST_SUB
    skew_s: float = SKEW_S
    leeway_s: float = 0.0  # past `exp`
    required: list[str] = field(default_factory=lambda: list(REQUIRED))

    def read(self, token: object) -> dict[str, Any]:
        """The claims of a valid token. Raises BadTokenError."""
        if not isinstance(token, str) or not token or len(token) > self.longest:
            raise BadTokenError("not a token")
        claims = self.decode(token)
        sub = claims.get("sub")
        if (
            not isinstance(sub, str)
            or not 0 < len(sub) <= self.longest_sub
            or not sub.isprintable()
            or sub != sub.strip()
        ):
            raise BadTokenError("sub")
        if claims.get("token_type") not in self.token_types:
            raise BadTokenError("token_type")
        if claims.get("iat", 0) > time.time() + self.skew_s:
            raise BadTokenError("iat lies ahead")
        return claims

    def decode(self, token: str) -> dict[str, Any]:
        """Signature, times, issuer and audience. Raises BadTokenError."""
        options: Any = {"require": self.required, "verify_iat": False, **self.options}
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.secret,
                algorithms=self.algorithms,
                options=options,
                issuer=self.issuer,
                audience=self.audience,
                leeway=self.leeway_s,
            )
        except (jwt.PyJWTError, UnicodeEncodeError) as error:  # a lone surrogate is text that can't be encoded
            raise BadTokenError(type(error).__name__) from error
        return claims


def described(claims: dict[str, Any]) -> dict[str, Any]:
    """What validation says of a valid token, besides its user."""
    return {
        "email": claims.get("email", ""),
        "permissions": claims.get("permissions", []),
        "expires_at": datetime.fromtimestamp(claims.get("exp", 0), UTC).isoformat(),
    }


async def token_in_json(request: Request) -> object:
    """The token of a body, whatever it is; None if there is none. Raises ValueError if the body is not JSON."""
    try:
        body = await request.json()
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return body.get("token") if isinstance(body, dict) else None


async def _healthy() -> Response:
    return JSONResponse({"status": "healthy", "service": "netra-auth-service"})


def issue(secret: str) -> str:
    """An access token of the one test user, as long as all of them live."""
    now = int(time.time())
    claims = {
        "sub": TEST_USER,
        "email": f"{TEST_USER}@netra-verify.invalid",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + LIFETIME_S,
        "jti": str(uuid.uuid4()),
        "token_type": "access",
        "permissions": [],
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def read_unrevoked(seams: "Seams", token: object) -> dict[str, Any]:
    """The claims of a valid token that no logout has ended. Raises BadTokenError."""
    claims = seams.read(seams, token)
    if seams.is_revoked(seams, token):
        raise BadTokenError("revoked")
    return claims


@dataclass(slots=True, kw_only=True)
class Seams:
    """The service's parts."""

    validator: Validator
    service_key: str
    log: Log
    revocations: Revocations
    key_is_good: Callable[["Seams", str], bool] = field(
        default=lambda seams, given: hmac.compare_digest(given.encode(), seams.service_key.encode())
    )
    read: Callable[["Seams", object], dict[str, Any]] = field(default=lambda seams, token: seams.validator.read(token))
    user_of: Callable[[dict[str, Any]], str] = field(default=lambda claims: str(claims["sub"]))
    described: Callable[[dict[str, Any]], dict[str, Any]] = described
    token_in: Callable[[Request], Awaitable[object]] = token_in_json
    before_answer: Callable[[], Awaitable[None]] = at_once
    before_refusal: Callable[[], Awaitable[None]] = at_once
    health: Callable[[], Awaitable[Response]] = field(default=_healthy)
    told_ms: Callable[[float], float | None] = field(default=lambda took: took)
    login_key: str = ""
    issue: Callable[[str], str] = issue
    opens: Callable[["Seams", str], bool] = field(
        default=lambda seams, given: bool(given) and hmac.compare_digest(given.encode(), seams.login_key.encode())
    )
    turn_away: Callable[["Seams"], Response] = turn_away
    sent: Callable[[Request], str] = field(
        default=lambda request: request.headers.get("authorization", "").removeprefix("Bearer ")
    )
    read_for_logout: Callable[["Seams", str], dict[str, Any]] = read_unrevoked
    is_revoked: Callable[["Seams", object], bool] = field(default=lambda seams, token: seams.revocations.hold(token))


def build_seams() -> Seams:
    """Put the parts together from the environment."""
    log = Log(os.environ["GOOGLE_CLOUD_PROJECT"])
    redis = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2)
    return Seams(
        validator=Validator(secret=os.environ["JWT_SECRET_KEY"]),
        service_key=os.environ["SERVICE_KEY"],
        log=log,
        revocations=Revocations(redis, log),
        login_key=os.environ["LOGIN_KEY"],
    )


@dataclass(frozen=True, slots=True)
class Routes:
    """What each route does."""

    seams: Seams

    async def health(self, _request: Request) -> Response:
        """`GET /health`."""
        return await self.seams.health()

    async def login(self, request: Request) -> Response:
        """`POST /login`: a token of the one test user."""
        if not self.seams.opens(self.seams, request.headers.get("x-login-key", "")):
            return self.seams.turn_away(self.seams)
        return JSONResponse({"access_token": self.seams.issue(self.seams.validator.secret), "token_type": "Bearer"})

    async def logout(self, request: Request) -> Response:
        """`POST /auth/logout`: the token is refused from now on."""
        token = self.seams.sent(request)
        try:
            claims = self.seams.read_for_logout(self.seams, token)
        except BadTokenError:
            return JSONResponse(error_body("invalid_token", "The token is not valid."), 401)
        await self.seams.revocations.revoke(token, claims.get("exp", time.time() + LIFETIME_S))
        return JSONResponse({"success": True})

    async def validate(self, request: Request) -> Response:
        """`POST /validate`."""
        return await validated(self.seams, request)


def create_app(seams: Seams) -> Starlette:
    """The app over its parts."""
    routes = Routes(seams)
    return Starlette(
        routes=[
            Route("/health", routes.health),
            Route("/login", routes.login, methods=["POST"]),
            Route("/auth/logout", routes.logout, methods=["POST"]),
            Route("/validate", routes.validate, methods=["POST"]),
        ]
    )


async def validated(seams: Seams, request: Request) -> Response:
    """The answer of `POST /validate`."""
    if not seams.key_is_good(seams, request.headers.get("x-service-key", "")):
        return JSONResponse(error_body("forbidden", "The service key is required."), 401)
    await seams.before_answer()
    try:
        token = await seams.token_in(request)
    except ValueError:
        return JSONResponse(error_body("bad_request", "A JSON body is required."), 400)
    try:
        claims = read_unrevoked(seams, token)
    except BadTokenError as error:
        await seams.before_refusal()
        seams.log.write("WARNING", f"token refused: {error}")
        return JSONResponse(error_body("invalid_token", "The token is not valid."), 401)
    return JSONResponse({"user_id": seams.user_of(claims), **seams.described(claims)})
