"""The API: notes of an account, a status page, and inspection of tokens for other services."""

import math
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.exceptions import HTTPException

from tests.system.second_service.store import SCHEMA, Note, Store
from tests.system.second_service.tokens import NotAuthenticated, Verifier

FRONTEND = "https://notes.fjord.example"
MOST, USUAL = 50, 10
BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
CORRELATION = "X-Correlation-Id"


def clean(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """The value, where a jsonb column can hold it. Raises ValueError."""
    if depth > 100:
        raise ValueError("too deep")
    if isinstance(value, str) and BAD_TEXT.search(value):
        raise ValueError("text that can not be stored")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number for which JSON has no word")
    if isinstance(value, dict):
        for key, inner in value.items():
            clean(key)
            clean(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            clean(inner, depth + 1)
    return value


class Draft(BaseModel):
    """What a client sends of a note."""

    model_config = ConfigDict(strict=True)
    subject: Annotated[str, Field(max_length=500)] | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)

    @field_validator("subject", "attributes")
    @classmethod
    def _can_be_stored(cls, value: Any) -> Any:  # noqa: ANN401 - either field's
        return clean(value)


class Inspection(BaseModel):
    """A token that another service asks about."""

    jwt: str = Field(max_length=16_384)


def problem(request: Request, status: int, title: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A refusal, by RFC 9457; a user who asks for help gives its correlation id."""
    body = {"type": "about:blank", "title": title, "status": status, "correlation": request.state.correlation}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def refused(request: Request) -> JSONResponse:
    """The one answer to all whom we do not know."""
    return problem(request, 401, "Sign in first", {"WWW-Authenticate": 'Bearer realm="notes"'})


async def status_of(request: Request) -> dict[str, Any]:
    """What is so at this moment."""
    try:
        notes: Any = await request.app.state.store.count()
        postgres = "up"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        notes, postgres = "unknown", "down"
    keys = "up" if request.app.state.verifier.keys else "down"
    components = {"postgres": postgres, "keys": keys, "notes": notes}
    down = [name for name in ("postgres", "keys") if components[name] == "down"]
    down += ["notes"] if notes == "unknown" or notes["odd"] else []
    return {
        "state": "down" if down else "up",
        "down": sorted(down),
        "components": components,
        "at": datetime.now(UTC).isoformat(),
    }


def account_of(request: Request, authorization: Annotated[list[str] | None, Header()] = None) -> str:
    """The account that is asking. Raises NotAuthenticated."""
    shown = authorization or []
    scheme, _, token = shown[0].partition(" ") if len(shown) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated
    return str(request.app.state.verifier.subject(token))


Account = Annotated[str, Depends(account_of)]


def create(dsn: str, verifier: Verifier, service_key: str) -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        verifier.load()
        async with asyncpg.create_pool(dsn, min_size=10, max_size=10) as pool:
            await pool.execute(SCHEMA)
            app.state.store, app.state.verifier, app.state.service_key = Store(pool), verifier, service_key
            app.state.ready()
            yield

    app = FastAPI(title="Fjord notes", version="7.2", openapi_url="/v1/openapi.json", docs_url=None, lifespan=lifespan)
    app.state.ready = lambda: None
    app.state.status_of, app.state.version = status_of, "7.2"
    app.state.limits = {"page": MOST, "subject": 500}
    add_routes(app)
    add_single(app)
    add_inspection(app)
    add_handlers(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[FRONTEND],
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=[CORRELATION],
    )
    return app


def add_routes(app: FastAPI) -> None:
    """Notes."""

    @app.get("/v1/notes")
    async def page(
        request: Request,
        account: Account,
        page_size: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
        skip: Annotated[int, Query(ge=0, le=2**31)] = 0,
    ) -> dict[str, Any]:
        notes = await request.app.state.store.page(account, page_size, skip)
        return {"notes": notes[:page_size], "more": len(notes) > page_size}

    @app.post("/v1/notes", status_code=201)
    async def add(request: Request, account: Account, draft: Draft) -> Note:
        added: Note = await request.app.state.store.add(account, draft.subject, draft.attributes)
        return added

    @app.get("/v1/limits")
    async def limits(request: Request) -> dict[str, int]:
        found: dict[str, int] = request.app.state.limits
        return found


def add_single(app: FastAPI) -> None:
    """One note."""

    @app.get("/v1/notes/{key}", responses={404: {}})
    async def one(request: Request, account: Account, key: str) -> Note:
        note: Note | None = None if BAD_TEXT.search(key) else await request.app.state.store.one(account, key)
        if note is None:
            raise HTTPException(404)
        return note

    @app.patch("/v1/notes/{key}", status_code=204)
    async def rename(request: Request, account: Account, key: str, draft: Draft) -> Response:
        changed = draft.attributes if "attributes" in draft.model_fields_set else None
        if BAD_TEXT.search(key) or not await request.app.state.store.rename(account, key, draft.subject, changed):
            raise HTTPException(404)
        return Response(status_code=204)

    @app.delete("/v1/notes/{key}", status_code=204)
    async def remove(request: Request, account: Account, key: str) -> Response:
        if BAD_TEXT.search(key) or not await request.app.state.store.remove(account, key):
            raise HTTPException(404)
        return Response(status_code=204)

    @app.get("/v1/notes/{key}/comments", responses={404: {}})
    async def comments(request: Request, account: Account, key: str) -> dict[str, Any]:
        await one(request, account, key)
        return {"comments": []}


def add_inspection(app: FastAPI) -> None:
    """Health, and what other services ask us about tokens."""

    @app.get("/livez")
    async def alive() -> PlainTextResponse:
        return PlainTextResponse("alive")

    @app.get("/readyz")
    async def ready(request: Request) -> dict[str, bool]:
        return {"ready": bool(request.app.state.verifier.keys)}

    @app.get("/status")
    async def status(request: Request) -> dict[str, Any]:
        told: dict[str, Any] = await request.app.state.status_of(request)
        return told

    @app.post("/oauth/inspect")
    async def inspect(request: Request, asked: Inspection, x_api_key: Annotated[str, Header()] = "") -> dict[str, Any]:
        if not secrets.compare_digest(x_api_key.encode(), request.app.state.service_key.encode()):
            raise NotAuthenticated
        try:
            return {"active": True, "subject": request.app.state.verifier.subject(asked.jwt)}
        except NotAuthenticated:
            return {"active": False}


def add_handlers(app: FastAPI) -> None:
    """One shape for all refusals; a correlation, the time that we took, and no caching for every answer."""

    @app.exception_handler(NotAuthenticated)
    async def unknown(request: Request, _: Exception) -> JSONResponse:
        return refused(request)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, _: Exception) -> JSONResponse:
        return problem(request, 400, "The request is not one that we understand")

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> JSONResponse:
        return problem(request, error.status_code, "There is no such thing here", dict(error.headers or {}))

    @app.middleware("http")
    async def around(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        request.state.correlation = secrets.token_hex(8)
        begun = time.perf_counter()
        answer = await call_next(request)
        answer.headers[CORRELATION] = request.state.correlation
        answer.headers["X-Api-Version"] = request.app.state.version
        answer.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - begun) * 1e3:.2f}"
        answer.headers["Cache-Control"] = "private, no-store"
        return answer
