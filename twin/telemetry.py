"""What every service of the twin does around a request: trace, time, count, log, and hide internals in errors."""

import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
TRACE: ContextVar[str] = ContextVar("trace", default="")
TRACE_DIGITS = 32
SERVER_ERROR = 500


@dataclass(slots=True)
class Log:
    """Writes JSON lines as Cloud Logging reads them: severity, message, trace, and an error in parts."""

    project: str
    with_trace: bool = True

    def write(self, severity: str, message: str, error: BaseException | None = None) -> None:
        """One line: to stderr from ERROR on, else to stdout."""
        line: dict[str, Any] = {"severity": severity, "message": message}
        if TRACE.get() and self.with_trace:
            line["logging.googleapis.com/trace"] = f"projects/{self.project}/traces/{TRACE.get()}"
        if error is not None:
            line["error"] = {
                "type": type(error).__name__,
                "value": str(error),
                "traceback": "".join(traceback.format_exception(error)),
            }
        stream = sys.stderr if error is not None else sys.stdout
        print(json.dumps(line), file=stream, flush=True)


def trace_of(headers: Headers) -> str:
    """The trace id of W3C's traceparent or of Cloud Run's own header; empty without one."""
    parent = headers.get("traceparent", "").split("-")
    if len(parent) == 4 and len(parent[1]) == TRACE_DIGITS:  # noqa: PLR2004 - version, trace, span, flags
        return parent[1]
    cloud = headers.get("x-cloud-trace-context", "").partition("/")[0]
    return cloud if len(cloud) == TRACE_DIGITS else ""


def error_body(code: str, message: str) -> dict[str, Any]:
    """An error as every client gets it: no internals, and the trace to ask about."""
    return {"error": {"code": code, "message": message}, "trace_id": TRACE.get()}


@dataclass(slots=True, kw_only=True)
class Observe:
    """Outermost middleware: traces, times, counts and logs each request; answers 500 for what was not caught."""

    app: App
    log: Log
    count: Callable[[str, str, int, float], None] = field(default=lambda *_: None)
    render_error: Callable[[BaseException], JSONResponse] = field(
        default=lambda _error: JSONResponse(error_body("internal", "Something went wrong."), SERVER_ERROR)
    )
    told_ms: Callable[[float], float | None] = field(default=lambda took: took)  # Server-Timing; None: it is not sent

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        TRACE.set(trace_of(Headers(scope=scope)))
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _socket(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            self.log.write("ERROR", f"WebSocket {scope['path']} failed: {error}", error)
            raise

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 0

        async def timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said_ms = self.told_ms((time.perf_counter() - begun) * 1e3)
                timing = [] if said_ms is None else [(b"server-timing", f"total;dur={said_ms:.3f}".encode())]
                message["headers"] = [*message["headers"], *timing]
            await send(message)

        try:
            await self.app(scope, receive, timed)
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged whole, answered without internals
            self.log.write("ERROR", f"{scope['method']} {scope['path']} failed: {error}", error)
            if not status:
                await self.render_error(error)(scope, receive, timed)
        took = time.perf_counter() - begun
        self.log.write("INFO", f"{scope['method']} {scope['path']} {status} {took * 1e3:.1f} ms")
        route = scope.get("route")
        self.count(scope["method"], getattr(route, "path", "other"), status, took)
