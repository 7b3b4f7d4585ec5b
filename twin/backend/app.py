"""The backend's routes."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from twin.backend.auth_client import AuthUnavailableError
from twin.backend.seams import Seams
from twin.backend.threads import BoundsError


def create_app(seams: Seams) -> FastAPI:
    """The app over its parts."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)

    @app.get("/health")
    async def liveness() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/health/detailed")
    async def detailed_health() -> Response:
        found = await seams.run_checks(seams.checks)
        return await seams.answer_health(seams.report(found, seams.find_failures(found), seams.environment))

    @app.get("/metrics")
    async def metrics() -> Response:
        return seams.expose_metrics(seams)

    @app.get("/api/threads")
    async def threads(request: Request) -> Response:
        return await seams.after(request, await list_threads(seams, request))

    @app.websocket("/ws")
    async def websocket(socket: WebSocket) -> None:
        await seams.sessions.serve(socket)

    @app.exception_handler(HTTPException)
    async def on_http_error(_request: Request, error: HTTPException) -> Response:
        return seams.render_refusal(error.status_code, "refused", str(error.detail))

    @app.exception_handler(Exception)
    async def on_crash(_request: Request, error: Exception) -> Response:
        return seams.render_error(error)

    return app


async def list_threads(seams: Seams, request: Request) -> Response:
    """`GET /api/threads`: who asks, which window, whose rows."""
    try:
        identity = await seams.validate(seams, seams.bearer_of(request))
    except AuthUnavailableError as error:
        seams.log.write("ERROR", "the auth service is unavailable", error)
        return seams.render_refusal(503, "unavailable", "Authentication is not available.")
    if identity is None:
        return seams.render_refusal(401, "unauthorized", "Authentication is required.")
    try:
        window = seams.parse_window(seams.read_query(request))
    except BoundsError as error:
        return seams.render_refusal(422, "invalid_window", str(error))
    user = seams.identify(request, identity)
    rows = await seams.find_threads(seams, user, window)
    return JSONResponse(seams.arrange([seams.render_thread(row) for row in rows]))
