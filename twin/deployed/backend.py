"""`python -m twin.deployed.backend`: one backend process as deployed, its revision in $TWIN_REVISION."""

import asyncio
import os
import time
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from twin.deployed import threads
from twin.deployed.answers import INTERNAL, Wrapped, error_answer, log
from twin.deployed.control import control_app
from twin.deployed.revisions import WIRE, revision
from twin.deployed.sockets import Sockets
from twin.deployed.users import Users
from twin.serving import serve


def create_app() -> FastAPI:
    """The app over its parts, all of its settings from the environment."""
    engine = create_async_engine(
        os.environ["DATABASE_URL"],
        pool_size=10,
        pool_pre_ping=True,
        connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0},
    )
    now = revision(os.environ["TWIN_REVISION"])
    users = Users(engine=engine, revision=now)
    app = FastAPI(title=WIRE["service"], version=WIRE["version"], docs_url=None, redoc_url=None)
    app.state.users, app.state.threads = users, threads.Threads(engine, now)
    app.include_router(threads.router)
    _add_health(app, engine)
    for path, outcome in WIRE["operations"].items():
        _add_operation(app, users, path, outcome)
    sockets = Sockets(users, now)

    @app.websocket("/ws")
    async def websocket(socket: WebSocket) -> None:
        await sockets.serve(socket)

    _add_errors(app)
    return app


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def on_error(_request: Request, error: HTTPException) -> Response:
        return error_answer(error.status_code, str(error.detail), getattr(error, "more", None))

    @app.exception_handler(Exception)
    async def on_crash(_request: Request, error: Exception) -> Response:
        log("ERROR", f"Unhandled exception: {error}")
        return JSONResponse(WIRE["unhandled"], INTERNAL)


def _alive() -> dict[str, Any]:
    return {"status": "healthy", "service": WIRE["service"], "version": WIRE["version"], "timestamp": time.time()}


def _add_health(app: FastAPI, engine: AsyncEngine) -> None:
    @app.get("/health")
    async def health() -> dict[str, Any]:
        return _alive()

    @app.get("/health/ready")
    async def ready() -> Response:
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (OSError, SQLAlchemyError) as error:
            return error_answer(503, f"Core database unavailable: {error}")
        body = {
            "status": "ready",
            "service": WIRE["service"],
            "timestamp": time.time(),
            "environment": "staging",
            "core_db": "connected",
            "clickhouse_db": "skipped_optional",
            "redis_db": "skipped_optional",
            "details": _alive(),
        }
        return JSONResponse(body)


def _add_operation(app: FastAPI, users: Users, path: str, outcome: str) -> None:
    async def operation(request: Request) -> Any:  # noqa: ANN401 - JSON
        await users.of_request(request)
        if outcome == "hangs":
            await asyncio.Event().wait()
        if outcome != "200":
            raise RuntimeError("'NoneType' object has no attribute 'get_status'")
        return {"status": "ok"}

    app.add_api_route(path, operation, name=path, openapi_extra=_parameters(path))


def _parameters(path: str) -> dict[str, Any]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return {
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    }


if __name__ == "__main__":
    asyncio.run(serve(Wrapped(create_app()), control_app()))
