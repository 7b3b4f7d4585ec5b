"""`python -m twin.backend.serve`: one backend process, all of its settings from the environment."""

import asyncio
import os
from functools import partial

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.responses import JSONResponse

from twin.backend.app import create_app
from twin.backend.auth_client import AuthClient
from twin.backend.front import Front
from twin.backend.health import HealthChecks
from twin.backend.seams import Seams
from twin.backend.thread_routes import remember
from twin.backend.thread_store import ThreadStore
from twin.backend.threads import ThreadRepository
from twin.backend.websocket import HOUR_S, Revocations, Sessions, SessionStore, state_lives
from twin.serving import serve
from twin.switching.control import control_app
from twin.switching.registry import Switchboard
from twin.telemetry import Log, Observe


def build_seams() -> Seams:
    """Put the parts together."""
    log = Log(os.environ["GOOGLE_CLOUD_PROJECT"])
    engine = create_async_engine(
        os.environ["DATABASE_URL"],
        pool_size=10,
        pool_pre_ping=True,
        # No prepared statements to go stale: a migration under a running backend is an everyday event here.
        connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0},
    )
    redis = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2)
    auth = AuthClient(os.environ["AUTH_SERVICE_URL"], os.environ["SERVICE_KEY"])
    store = SessionStore(redis, state_lives(float(os.environ.get("TWIN_HOUR_S", HOUR_S))))
    seams = Seams(
        environment=os.environ["ENVIRONMENT"],
        repository=ThreadRepository(engine=engine),
        auth=auth,
        checks=HealthChecks(engine, redis, auth).by_name(),
        sessions=Sessions(authenticate=auth.validate, store=store, log=log),
        log=log,
        store=ThreadStore(engine),
    )
    seams.sessions.count_open = seams.metrics.sockets.inc
    seams.sessions.remember = partial(remember, seams)
    seams.sessions.is_revoked = Revocations(redis, log).hold
    return seams


async def main() -> None:
    """Serve until SIGTERM."""
    seams = build_seams()

    def render_error(error: BaseException) -> JSONResponse:
        return seams.render_error(error)  # looked up when it happens, so that a fault can replace it

    app = Observe(
        app=Front(create_app(seams), seams), log=seams.log, count=seams.metrics.count, render_error=render_error
    )
    await serve(app, control_app(Switchboard(seams, "backend")))


if __name__ == "__main__":
    asyncio.run(main())
