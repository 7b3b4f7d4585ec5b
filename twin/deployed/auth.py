"""`python -m twin.deployed.auth`: the auth service as deployed: 200 for valid and invalid tokens, no key needed."""

import asyncio
import hmac
import os
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin.auth.by_hand import head_of, is_signed_with, payload_of
from twin.auth.service import AUDIENCE, ISSUER, LIFETIME_S, BadTokenError, Validator
from twin.deployed.answers import log
from twin.deployed.control import control_app
from twin.deployed.revisions import WIRE
from twin.serving import serve

BEGUN = time.monotonic()


@dataclass(slots=True)
class Reader(Validator):
    """Reads tokens as the service does: any text is a user, no clock may differ, and `crit` is passed over."""

    def read(self, token: object) -> dict[str, Any]:
        """The claims of a valid token. Raises BadTokenError."""
        if not isinstance(token, str) or len(token) > self.longest:
            raise BadTokenError("not a token")
        claims = self.decode(token)
        if not isinstance(claims.get("sub"), str) or claims.get("token_type") not in self.token_types:
            raise BadTokenError("sub or token_type")
        return claims

    def decode(self, token: str) -> dict[str, Any]:
        """As the framework's library of September 2025 did: it did not know `crit`. Raises BadTokenError."""
        if "crit" in head_of(token) and is_signed_with(self.secret.encode(), token):
            token = jwt.encode(payload_of(token), self.secret, algorithm="HS256")
        return Validator.decode(self, token)


def create_app() -> FastAPI:
    """The app, all of its settings from the environment."""
    validator = Reader(secret=os.environ["JWT_SECRET_KEY"], longest=2**20, options={"verify_iat": True})
    service = Service(
        validator=validator, service_key=os.environ["SERVICE_KEY"], login_key=os.environ["LOGIN_KEY"], revoked=set()
    )
    app = FastAPI(title="auth-service", docs_url=None, redoc_url=None)
    app.add_api_route("/health", service.health)
    app.add_api_route("/auth/validate", service.validate, methods=["POST"])
    app.add_api_route("/auth/logout", service.logout, methods=["POST"])
    app.add_api_route("/auth/e2e/test-auth", service.login, methods=["POST"])
    return app


@dataclass(slots=True, kw_only=True)
class Service:
    """The handlers of the service."""

    validator: Reader
    service_key: str
    login_key: str
    revoked: set[str]  # tokens of users who logged out

    async def health(self) -> dict[str, Any]:
        """Always healthy."""
        return {
            "status": "healthy",
            "service": "auth-service",
            "version": "1.0.0",
            "timestamp": datetime.now(UTC).isoformat(),
            "uptime_seconds": time.monotonic() - BEGUN,
            "database_status": "connected",
            "environment": "staging",
        }

    async def validate(self, request: Request) -> Response:
        """200 for a valid token and an invalid one, with a wrong service key alone refused."""
        try:
            token = (await request.json())["token"]
        except (ValueError, KeyError, TypeError, RecursionError):  # the service's handler catches whatever is raised
            return JSONResponse(WIRE["validation"]["malformed"])
        if isinstance(token, str) and len(token) > WIRE["validation"]["longest_token"]:
            return JSONResponse({"detail": "Request Entity Too Large"}, 413)
        secret = request.headers.get("x-service-secret", "")
        if secret and not hmac.compare_digest(secret.encode(), self.service_key.encode()):
            return JSONResponse(WIRE["validation"]["unknown_service"])
        claims = _read(self.validator, token, self.revoked)
        return JSONResponse(WIRE["validation"]["bad"] if claims is None else _good(claims))

    async def logout(self, request: Request) -> Response:
        """Refuse the token from now on."""
        self.revoked.add(request.headers.get("authorization", "").removeprefix("Bearer "))
        return JSONResponse({"status": "success", "message": "Logged out"})

    async def login(self, request: Request) -> Response:
        """A token for the email of the body, to those who have the key."""
        key = request.headers.get("x-e2e-bypass-key", "")
        if not hmac.compare_digest(key.encode(), self.login_key.encode()):
            return JSONResponse({"detail": "Invalid E2E bypass key"}, 401)
        email = str((await request.json())["email"])
        return JSONResponse({"access_token": _issue(self.validator.secret, email), "token_type": "Bearer"})


def _read(validator: Validator, token: object, revoked: set[str]) -> dict[str, Any] | None:
    try:
        claims = validator.read(token)
    except BadTokenError as error:
        log("WARNING", f"token validation failed: {error}")
        return None
    return None if token in revoked else claims


def _good(claims: dict[str, Any]) -> dict[str, Any]:
    ends = datetime.fromtimestamp(claims["exp"], UTC).replace(tzinfo=None).isoformat()  # naive, as recorded
    known = {"user_id": claims["sub"], "email": claims.get("email", ""), "permissions": claims.get("permissions", [])}
    return {"valid": True, **known, "expires_at": ends}


def _issue(secret: str, email: str) -> str:
    now = int(time.time())
    claims = {
        "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, email)),
        "email": email,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + LIFETIME_S,
        "jti": str(uuid.uuid4()),
        "token_type": "access",
        "permissions": [],
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def dressed(app: ASGIApp) -> ASGIApp:
    """The app, its answers with the service's name and version."""
    extra = [(name.encode(), value.encode()) for name, value in WIRE["headers"]["auth"].items()]

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await app(scope, receive, with_headers)

    return call


if __name__ == "__main__":
    asyncio.run(serve(dressed(create_app()), control_app()))
