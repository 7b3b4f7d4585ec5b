"""What every answer of the deployed backend carries, what its errors look like, and how it logs."""

import json
import sys
import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin.deployed.revisions import WIRE

TRACE_ID: ContextVar[str] = ContextVar("trace_id", default="")
INTERNAL = 500


def log(severity: str, message: str, **context: object) -> None:
    """One JSON line, as the service writes it: no trace that Cloud Logging would know."""
    line = {
        "severity": severity,
        "message": message,
        "timestamp": datetime.now(UTC).isoformat(),
        "labels": {"module": "netra_backend.app", "function": "handle", "line": "1"},
        "context": context,
    }
    print(json.dumps(line), file=sys.stderr if severity == "ERROR" else sys.stdout, flush=True)


def error_answer(status: int, message: str, more: Mapping[str, Any] | None = None) -> JSONResponse:
    """An error as the service's own handler renders it."""
    body = {
        "error": True,
        "error_code": WIRE["error_codes"].get(str(status), "ERROR"),
        "message": message,
        "user_message": message,
        "details": {"status_code": status},
        "trace_id": TRACE_ID.get(),
        "timestamp": datetime.now(UTC).isoformat(),
        "request_id": None,
        **(more or {}),
    }
    return JSONResponse(body, status)


class SaidError(HTTPException):
    """An error that a route ends with, with more fields than the usual ones."""

    def __init__(self, status: int, message: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(status, message)
        self.more = more


def failure(route: str, error: object) -> SaidError:
    """The 500 of a route: the error's own text, for everybody to read, and on a line of the log."""
    message = f"{WIRE['failures'][route]}. Error: {error}"
    log("ERROR", message, route=route)
    return SaidError(INTERNAL, message)


@dataclass(slots=True)
class Wrapped:
    """Around the app: a trace id, the headers of every answer, and whatever origin asked, allowed."""

    app: ASGIApp

    def __post_init__(self) -> None:
        """Put the origin rules of the framework inside: they refuse a stranger's preflight."""
        cors = WIRE["cors"]
        self.app = CORSMiddleware(
            self.app,
            allow_origins=[WIRE["frontend"]],
            allow_credentials=True,
            allow_methods=cors["methods"],
            allow_headers=cors["headers"],
            max_age=cors["max_age"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; WebSockets pass untouched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        TRACE_ID.set(str(uuid.uuid4()))
        origin = Headers(scope=scope).get("origin")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _dress(MutableHeaders(scope=message), scope["path"], origin)
            await send(message)

        await self.app(scope, receive, with_headers)


def _dress(headers: MutableHeaders, path: str, origin: str | None) -> None:
    headers["x-trace-id"] = TRACE_ID.get()
    headers.update(WIRE["headers"]["every"])
    if path.startswith("/api"):
        headers.update(WIRE["headers"]["api"])
        headers["x-ratelimit-reset"] = str(int(time.time()) + 60)
    if origin:  # a second middleware reflects what the first one refused
        headers["access-control-allow-origin"] = origin
        headers["access-control-allow-credentials"] = "true"
        headers["vary"] = "Origin"
    elif "vary" in headers:
        del headers["vary"]
