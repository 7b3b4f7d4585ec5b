"""The twin's control port: faults, dependencies and settings, by HTTP on loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, HTTPException

from twin.names import BACKEND
from twin.stack import Stack
from twin.switching.registry import declared

PROCESSES = {"auth": "auth", "redis": "valkey", "database": "postgres", "old-revision": "old", "backend": "backend"}
SUPERVISOR_MISSING = "dependency.agent-supervisor-missing"
PLATFORM_SETTINGS = frozenset({"request_timeout_s", "log_delay_s", "read_quota_per_minute", "empty_page_every"})


def control_port(stack: Stack, state: str, own: list[str]) -> FastAPI:
    """The control app; `own` are the faults that the state itself has."""
    app = FastAPI(openapi_url=None)
    changing = asyncio.Lock()

    async def put_in_force(how: Callable[[list[str]], Awaitable[None]], wanted: list[str], whose: str = "") -> None:
        async with changing:
            try:
                await how(wanted)
            except KeyError as error:
                raise HTTPException(404, f"there is no fault {error.args[0]!r}{whose}") from error

    async def switch(wanted: list[str]) -> list[str]:
        await put_in_force(stack.switch, wanted)
        return stack.on

    @app.get("/state")
    async def tell_state() -> dict[str, Any]:
        pids = {name: process.pid for name, process in stack.processes.running.items()}
        return {"state": state, "faults": stack.on, "pids": pids, "folder": str(stack.processes.folder)}

    @app.get("/faults")
    async def list_faults() -> list[dict[str, str]]:
        return [
            {"id": one.id, "family": one.family, "place": one.place, "seen": one.seen}
            for one in declared().values()
            if not one.dependency
        ]

    @app.put("/faults/{fault_id}")
    async def fault_on(fault_id: str) -> list[str]:
        return await switch([*stack.on, fault_id])

    @app.delete("/faults/{fault_id}")
    async def fault_off(fault_id: str) -> list[str]:
        return await switch([one for one in stack.on if one != fault_id])

    @app.delete("/faults")
    async def all_off() -> list[str]:
        if stack.candidate:
            await stack.switch_candidate([])
        return await switch(own)

    @app.put("/candidate/faults")
    async def in_the_candidate(wanted: list[str]) -> list[str]:
        await put_in_force(stack.switch_candidate, wanted, " of a revision alone")
        return stack.candidate_on

    @app.put("/tags/{name}")
    async def tag(name: str, told: dict[str, str]) -> None:
        await stack.tell_platform("PUT", f"/tags/{BACKEND}", {name: told["revision"]})

    @app.put("/revisions/{name}")
    async def revision(name: str, told: dict[str, Any]) -> None:
        await stack.tell_platform("PUT", f"/revisions/{BACKEND}/{name}", told)

    @app.delete("/log")
    async def forget_log() -> dict[str, int]:
        told: dict[str, int] = await stack.tell_platform("DELETE", "/log", None)
        return told

    @app.put("/age")
    async def grow_old(wanted: dict[str, float]) -> dict[str, int]:
        unknown = sorted(wanted.keys() - {"hours", "requests_per_hour"})
        if unknown or "hours" not in wanted:
            raise HTTPException(422, f"expected hours and requests_per_hour, got {sorted(wanted)}")
        return await stack.age(wanted["hours"], wanted.get("requests_per_hour", 0))

    @app.put("/dependencies/{name}/{way}")
    async def dependency(name: str, way: str) -> dict[str, str]:
        if way not in {"up", "down"} or name not in {*PROCESSES, "supervisor"}:
            raise HTTPException(404, f"there is no dependency {name!r} to take {way!r}")
        if name == "supervisor":
            await (fault_on if way == "down" else fault_off)(SUPERVISOR_MISSING)
        elif way == "down":
            await stack.take_down(PROCESSES[name])
        else:
            await stack.bring_up(PROCESSES[name])
        return {name: way}

    @app.get("/settings")
    async def settings() -> dict[str, Any]:
        told: dict[str, Any] = await stack.tell_platform("GET", "/settings", None)
        return told

    @app.patch("/settings")
    async def change(changes: dict[str, float]) -> dict[str, Any]:
        unknown = sorted(changes.keys() - PLATFORM_SETTINGS)
        if unknown:
            raise HTTPException(422, f"there is no setting {unknown[0]!r}: known are {sorted(PLATFORM_SETTINGS)}")
        told: dict[str, Any] = await stack.tell_platform("PATCH", "/settings", changes)
        return told

    return app
