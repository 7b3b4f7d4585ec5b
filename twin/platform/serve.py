"""`python -m twin.platform.serve --config FILE`: the edges, the Google APIs and the control port."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from twin.platform.apis import create_app
from twin.platform.edge import Edge
from twin.platform.history import age, rejuvenate
from twin.platform.state import Platform, load
from twin.platform.tail import Tail
from twin.serving import LOOPBACK, SecondServer
from twin.switching.control import control_app
from twin.switching.registry import Switchboard


def control(platform: Platform) -> FastAPI:
    """Faults, settings, the log, upstreams and traffic."""
    app = FastAPI(openapi_url=None)
    _settings(app, platform)
    _log(app, platform)
    _release(app, platform)
    app.mount("/", control_app(Switchboard(platform, "platform")))
    return app


def _settings(app: FastAPI, platform: Platform) -> None:
    """How fast and how much the platform answers."""

    @app.get("/settings")
    async def settings() -> dict[str, Any]:
        return {
            "log_delay_s": platform.log_delay_s,
            "read_quota_per_minute": platform.read_quota_per_minute,
            "empty_page_every": platform.empty_page_every,
            "request_timeout_s": {name: one.request_timeout_s for name, one in platform.services.items()},
        }

    @app.patch("/settings")
    async def change(changes: dict[str, float]) -> dict[str, Any]:
        for name, value in changes.items():
            if name == "request_timeout_s":
                for service in platform.services.values():
                    service.request_timeout_s = value
            else:
                setattr(platform, name, value if name == "log_delay_s" else int(value))
        return await settings()


def _log(app: FastAPI, platform: Platform) -> None:
    """Emptying the log, and making the revisions older."""

    @app.delete("/log")
    async def forget() -> dict[str, int]:
        forgotten = len(platform.store)
        platform.store.clear()
        platform.counts.clear()
        rejuvenate(platform)
        return {"forgotten": forgotten}

    @app.put("/age")
    async def grow_old(wanted: dict[str, float]) -> dict[str, int]:
        return {"requests": age(platform, wanted["hours"], wanted.get("requests_per_hour", 0))}


def _release(app: FastAPI, platform: Platform) -> None:
    """Revisions, traffic and tags, changed without the API's own rules."""

    @app.put("/traffic/{service}")
    async def traffic(service: str, split: dict[str, int]) -> None:
        platform.services[service].traffic = {name: percent for name, percent in split.items() if percent}

    @app.put("/tags/{service}")
    async def tags(service: str, tagged: dict[str, str]) -> None:
        platform.services[service].tags = tagged

    @app.put("/revisions/{service}/{revision}")
    async def revision(service: str, revision: str, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(platform.services[service].revisions[revision], name, value)


async def main(path: Path) -> None:
    """Serve until SIGTERM."""
    platform = load(path)
    for service in platform.services.values():
        await Edge(platform, service).start()
    following = asyncio.create_task(Tail(platform).follow())
    second = SecondServer(control(platform), platform.control_port)
    serving = asyncio.create_task(second.serve())
    apis = uvicorn.Config(create_app(platform), LOOPBACK, platform.api_port, log_level="warning", access_log=False)
    try:
        await uvicorn.Server(apis).serve()
    finally:
        second.should_exit = True
        following.cancel()
        await asyncio.gather(serving, following, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    asyncio.run(main(parser.parse_args().config))
