"""The twin's control port: faults, dependencies and settings, by HTTP on loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
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
    control = Control(stack=stack, state=state, own=own)
    app = FastAPI(openapi_url=None)
    for method, path, handler in control.routes:
        app.add_api_route(path, handler, methods=[method])
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The handlers of the control port; one change of faults at a time."""

    stack: Stack
    state: str
    own: list[str]
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def routes(self) -> tuple[tuple[str, str, Callable[..., Awaitable[Any]]], ...]:
        """Method, path and handler of each."""
        return (
            ("GET", "/state", self.read_state),
            ("GET", "/faults", self.list_faults),
            ("PUT", "/faults/{fault_id}", self.switch_on),
            ("DELETE", "/faults/{fault_id}", self.switch_off),
            ("DELETE", "/faults", self.switch_all_off),
            ("PUT", "/candidate/faults", self.switch_candidate),
            ("PUT", "/tags/{name}", self.tag),
            ("PUT", "/revisions/{name}", self.change_revision),
            ("DELETE", "/log", self.empty_log),
            ("PUT", "/age", self.age),
            ("PUT", "/dependencies/{name}/{way}", self.take_dependency),
            ("GET", "/settings", self.read_settings),
            ("PATCH", "/settings", self.change_settings),
        )

    async def read_state(self) -> dict[str, Any]:
        """The state's name, the faults in force, the processes and their folder."""
        pids = {name: process.pid for name, process in self.stack.processes.running.items()}
        folder = str(self.stack.processes.folder)
        return {"state": self.state, "faults": self.stack.on, "pids": pids, "folder": folder}

    async def list_faults(self) -> list[dict[str, str]]:
        """Every fault that can be switched on, with where it was seen."""
        return [
            {"id": fault.id, "family": fault.family, "place": fault.place, "seen": fault.seen}
            for fault in declared().values()
            if not fault.dependency
        ]

    async def switch_on(self, fault_id: str) -> list[str]:
        """Put one more fault in force; returns all that are."""
        return await self._switch([*self.stack.on, fault_id])

    async def switch_off(self, fault_id: str) -> list[str]:
        """Take one fault back; returns those still in force."""
        return await self._switch([other for other in self.stack.on if other != fault_id])

    async def switch_all_off(self) -> list[str]:
        """Take all faults back but the state's own."""
        if self.stack.candidate:
            await self.stack.switch_candidate([])
        return await self._switch(self.own)

    async def switch_candidate(self, wanted: list[str]) -> list[str]:
        """Put exactly these faults in force in the candidate."""
        await self._put_in_force(self.stack.switch_candidate, wanted, " of a revision alone")
        return self.stack.candidate_on

    async def _switch(self, wanted: list[str]) -> list[str]:
        await self._put_in_force(self.stack.switch, wanted)
        return self.stack.on

    async def _put_in_force(
        self, switch: Callable[[list[str]], Awaitable[None]], wanted: list[str], whose: str = ""
    ) -> None:
        async with self.changing:
            try:
                await switch(wanted)
            except KeyError as error:
                raise HTTPException(404, f"there is no fault {error.args[0]!r}{whose}") from error

    async def tag(self, name: str, tagged: dict[str, str]) -> None:
        """Put a tag on the revision that the body names."""
        await self.stack.ask_platform("PUT", f"/tags/{BACKEND}", {name: tagged["revision"]})

    async def change_revision(self, name: str, changes: dict[str, Any]) -> None:
        """Change attributes of a revision."""
        await self.stack.ask_platform("PUT", f"/revisions/{BACKEND}/{name}", changes)

    async def empty_log(self) -> dict[str, int]:
        """Forget every entry of the log; returns how many there were."""
        forgotten: dict[str, int] = await self.stack.ask_platform("DELETE", "/log", None)
        return forgotten

    async def age(self, wanted: dict[str, float]) -> dict[str, int]:
        """Make the revisions older by `hours`, with requests in that time."""
        unknown = sorted(wanted.keys() - {"hours", "requests_per_hour"})
        if unknown or "hours" not in wanted:
            raise HTTPException(422, f"expected hours and requests_per_hour, got {sorted(wanted)}")
        return await self.stack.age(wanted["hours"], wanted.get("requests_per_hour", 0))

    async def take_dependency(self, name: str, way: str) -> dict[str, str]:
        """Take a dependency `down` or bring it `up`."""
        if way not in {"up", "down"} or name not in {*PROCESSES, "supervisor"}:
            raise HTTPException(404, f"there is no dependency {name!r} to take {way!r}")
        if name == "supervisor":
            await (self.switch_on if way == "down" else self.switch_off)(SUPERVISOR_MISSING)
        elif way == "down":
            await self.stack.take_down(PROCESSES[name], soon_up=True)
        else:
            await self.stack.bring_up(PROCESSES[name])
        return {name: way}

    async def read_settings(self) -> dict[str, Any]:
        """The platform's settings."""
        settings: dict[str, Any] = await self.stack.ask_platform("GET", "/settings", None)
        return settings

    async def change_settings(self, changes: dict[str, float]) -> dict[str, Any]:
        """Change settings of the platform; returns all of them."""
        unknown = sorted(changes.keys() - PLATFORM_SETTINGS)
        if unknown:
            raise HTTPException(422, f"there is no setting {unknown[0]!r}: known are {sorted(PLATFORM_SETTINGS)}")
        settings: dict[str, Any] = await self.stack.ask_platform("PATCH", "/settings", changes)
        return settings
