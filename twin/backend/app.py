"""The backend's routes."""

import time
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from twin.backend import thread_routes as threads
from twin.backend.documented import AS_FOR_ANYONE, AS_FOR_USERS, BODY, WINDOW
from twin.backend.operations import SERVICE, VERSION, Operation
from twin.backend.refusals import RefusedError
from twin.backend.seams import Seams

OK, NO_CONTENT, NOT_FOUND, METHOD_NOT_ALLOWED, UNAVAILABLE = 200, 204, 404, 405, 503


def create_app(seams: Seams) -> FastAPI:
    """The app over its parts."""
    app = FastAPI(title=SERVICE, version=VERSION, docs_url=None, redoc_url=None, redirect_slashes=False)
    _add_health(app, seams)
    _add_threads(app, seams)
    for path in seams.operations:
        _add_operation(app, seams, path)
    _publish(app, seams)

    @app.websocket("/ws")
    async def websocket(socket: WebSocket) -> None:
        await seams.sessions.serve(socket)

    _add_errors(app, seams)
    return app


def _add_health(app: FastAPI, seams: Seams) -> None:
    @app.get("/health")
    async def liveness() -> Response:
        body = {"status": "healthy", "service": SERVICE, "version": VERSION, "timestamp": time.time()}
        return seams.answer_probe("liveness", body, OK)

    @app.get("/health/ready", responses={UNAVAILABLE: {"description": "A part that every answer needs is missing."}})
    async def readiness() -> Response:
        found = await seams.run_checks({"database": seams.checks["database"]})
        ready = not seams.find_failures(found)
        body = {"status": "ready" if ready else "not_ready", "service": SERVICE, "timestamp": time.time(), **found}
        return seams.answer_probe("readiness", body, OK if ready else UNAVAILABLE)

    @app.get("/health/detailed")
    async def detailed_health() -> Response:
        found = await seams.run_checks(seams.checks)
        return await seams.answer_health(seams.report(found, seams.find_failures(found), seams.environment))

    @app.get("/metrics")
    async def metrics() -> Response:
        return seams.expose_metrics(seams)


def _add_threads(app: FastAPI, seams: Seams) -> None:
    @app.get("/api/threads", openapi_extra=WINDOW, responses=AS_FOR_USERS)
    async def list_threads(request: Request) -> Response:
        return await seams.after(request, await threads.list_threads(seams, request))

    @app.post("/api/threads", openapi_extra=BODY, responses=AS_FOR_USERS)
    async def create_thread(request: Request) -> Response:
        return await seams.create(seams, request)

    @app.get("/api/threads/{thread_id}", responses=AS_FOR_USERS)
    async def read_thread(request: Request, thread_id: str) -> Response:
        return await seams.read(seams, request, thread_id)

    @app.put("/api/threads/{thread_id}", openapi_extra=BODY, responses=AS_FOR_USERS)
    async def change_thread(request: Request, thread_id: str) -> Response:
        return await seams.change(seams, request, thread_id)

    @app.delete("/api/threads/{thread_id}", responses=AS_FOR_USERS)
    async def archive_thread(request: Request, thread_id: str) -> Response:
        return await seams.archive(seams, request, thread_id)

    @app.post("/api/threads/{thread_id}/auto-rename", responses=AS_FOR_USERS)
    async def auto_rename_thread(request: Request, thread_id: str) -> Response:
        return await seams.auto_rename(seams, request, thread_id)

    @app.get("/api/threads/{thread_id}/messages", openapi_extra=WINDOW, responses=AS_FOR_USERS)
    async def list_messages(request: Request, thread_id: str) -> Response:
        return await seams.list_messages(seams, request, thread_id)


def _add_operation(app: FastAPI, seams: Seams, path: str) -> None:
    published: Operation = seams.operations[path]

    @app.get(path, name=path, responses=AS_FOR_ANYONE if published.for_anyone else AS_FOR_USERS)
    async def operation(request: Request) -> Response:
        wanted = seams.operations.get(path)
        if wanted is None:
            raise HTTPException(NOT_FOUND)
        identity = None if wanted.for_anyone else await threads.authenticated(seams, request)
        return JSONResponse(await wanted.answer(seams, identity))


def _publish(app: FastAPI, seams: Seams) -> None:
    """Have the document name the operations that are there at the moment."""
    describe, known = app.openapi, frozenset(seams.operations)

    def openapi() -> dict[str, Any]:
        document, gone = describe(), known - seams.operations.keys()
        paths = {path: at for path, at in document["paths"].items() if path not in gone}
        return seams.publish(document | {"paths": paths})

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does it


def _add_errors(app: FastAPI, seams: Seams) -> None:
    @app.exception_handler(RefusedError)
    async def on_refusal(_request: Request, error: RefusedError) -> Response:
        return seams.render_refusal(error.status, error.code, error.text)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == METHOD_NOT_ALLOWED:
            allowed = ", ".join(sorted({"OPTIONS", *methods_of(app, request)}))
            if request.method == "OPTIONS":
                return Response(status_code=NO_CONTENT, headers={"Allow": allowed})
        return seams.render_refusal(error.status_code, "refused", str(error.detail))

    @app.exception_handler(Exception)
    async def on_crash(_request: Request, error: Exception) -> Response:
        return seams.render_error(error)


def methods_of(app: FastAPI, request: Request) -> set[str]:
    """The methods of a path, HEAD where there is GET."""
    at_path = [one for one in app.routes if isinstance(one, APIRoute) and one.path_regex.match(request.url.path)]
    methods = {method for one in at_path for method in one.methods or ()}
    return methods | ({"HEAD"} if "GET" in methods else set())
