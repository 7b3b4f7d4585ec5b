"""The whole system: boots its processes, knows their addresses, switches its faults."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from twin.deployed.schema import create_all
from twin.late_imports import imported
from twin.names import AUTH, AUTH_REVISION, BACKEND, BACKENDS, PROJECT, REGION
from twin.platform_config import write_platform_config
from twin.ports import free_ports
from twin.postgres import Postgres
from twin.processes import Processes
from twin.seeding import seed_other_people
from twin.serving import HELD
from twin.switching.registry import Place, Switchboard, find
from twin.valkey import Valkey

if TYPE_CHECKING:
    import httpx

ROOT = Path(__file__).parent.parent
PORTS = (
    "backend",
    "auth",
    "database",
    "redis",
    "platform",
    "control",
    "backend_upstream",
    "auth_upstream",
    "old_upstream",
    "backend_control",
    "auth_control",
    "old_control",
    "platform_control",
    "candidate_upstream",
    "candidate_control",
)
REMOTE: tuple[Place, ...] = ("backend", "auth", "platform")
CONTROL_S = 60.0  # a service that a fault keeps busy answers its control port when its queue is done
TURNS = "turns"


@dataclass(slots=True, kw_only=True)
class Stack:
    """The running twin."""

    ports: dict[str, int] = field(default_factory=lambda: dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))
    processes: Processes = field(default_factory=Processes)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(36))
    service_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    login_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    on: list[str] = field(default_factory=list)
    hour_s: float = 3600.0  # what an hour of a WebSocket takes: less is compressed time
    deployed: str = ""  # a revision of twin/deployed that is served instead of the twin's own code
    candidate: bool = False  # a further revision, without traffic, under the tag `verify`
    candidate_on: list[str] = field(default_factory=list)  # its own faults
    postgres: Postgres = field(init=False)
    valkey: Valkey = field(init=False)
    client: "httpx.AsyncClient" = field(init=False)
    _boards: dict[str, Switchboard] = field(default_factory=dict)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Boot everything that can be booted at once. Raises BootError; call `stop` in any case."""
        self.processes.open()
        for file in (self._turns, self._turns.with_name(f"{TURNS}.door")):
            file.touch(mode=0o644)
        self.postgres = Postgres(processes=self.processes, port=self.ports["database"])
        self.valkey = Valkey(self.processes, self.ports["redis"])
        self._boards = {"database": Switchboard(self.postgres, "database"), "stack": Switchboard(self, "stack")}
        write_platform_config(self)
        ours = ("platform", "auth", "backend", *(["candidate"] if self.candidate else []))
        for name in ours:
            self.launch(name)
        await asyncio.gather(
            self._start_database(), self.valkey.start(), self._make_client(), *map(self.until_ready, ours)
        )

    @property
    def _turns(self) -> Path:
        """An empty file, with another next to it, on which runs that use this twin at once may take turns."""
        return self.processes.folder / TURNS

    async def _make_client(self) -> None:
        client = (await imported("httpx")).AsyncClient(timeout=CONTROL_S, trust_env=False)
        self.client = await self._open.enter_async_context(client)

    async def _start_database(self) -> None:
        _, migrations = await asyncio.gather(self.postgres.start(), imported("twin.backend.migrate"))
        if not self.deployed:
            await migrations.migrate(self.postgres.owner_url.replace("postgresql:", "postgresql+asyncpg:", 1))
        connection = await asyncpg.connect(self.postgres.owner_url)
        await (create_all if self.deployed else _grant_and_seed)(connection)
        await connection.close()

    def launch(self, name: str, *, held: bool = False) -> None:
        """Start one of our own processes; `until_ready` waits for it. A `held` one serves when it is released."""
        folder = self._log_folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", self._module("backend" if name in BACKENDS else name)]
        if name == "platform":
            command += ["--config", str(self.processes.folder / "platform.json")]
        environment = self._environment(name) | ({HELD: "1"} if held else {})
        out, err = folder / "stdout.log", folder / "stderr.log"
        self.processes.start(
            _spare(name) if held else name, command, env=environment, stdout=out, stderr=err, held=held
        )

    def _module(self, name: str) -> str:
        return f"twin.deployed.{name}" if self.deployed and name != "platform" else f"twin.{name}.serve"

    async def until_ready(self, name: str) -> None:
        """Wait until a process answers. Raises BootError."""
        port = self.ports["platform_control" if name == "platform" else f"{name}_upstream"]
        path = "/faults" if name == "platform" else "/health"
        logs = [self._log_folder(name) / "stdout.log", self._log_folder(name) / "stderr.log"]
        await self.processes.ready(name, partial(_is_up, port, path), logs)

    def _log_folder(self, name: str) -> Path:
        logs = self.processes.folder / "logs"
        place = {process: logs / BACKEND / revision for process, revision in BACKENDS.items()}
        place["auth"] = logs / AUTH / AUTH_REVISION
        return place.get(name, self.processes.folder / "own" / name)

    def _environment(self, name: str) -> dict[str, str]:
        own = {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "ENVIRONMENT": "staging",
            "SERVICE_KEY": self.service_key,
        }
        if name in BACKENDS:
            own |= {
                "DATABASE_URL": self.postgres.owner_url.replace("postgresql:", "postgresql+asyncpg:", 1),
                "REDIS_URL": self.valkey.url,
                "AUTH_SERVICE_URL": f"http://127.0.0.1:{self.ports['auth']}",
                "K_SERVICE": BACKEND,
                "K_REVISION": BACKENDS[name],
                "TWIN_HOUR_S": str(self.hour_s),
                "TWIN_REVISION": self.deployed,
            }
        elif name == "auth":
            own |= {
                "JWT_SECRET_KEY": self.secret,
                "REDIS_URL": self.valkey.url,
                "LOGIN_KEY": self.login_key,
                "K_SERVICE": AUTH,
                "K_REVISION": AUTH_REVISION,
            }
        if name != "platform":
            own |= {"PORT": str(self.ports[f"{name}_upstream"]), "CONTROL_PORT": str(self.ports[f"{name}_control"])}
        return {"PATH": os.environ.get("PATH", ""), **own}

    def addresses(self) -> dict[str, Any]:
        """What a target's TOML is overlaid with."""
        api = f"http://127.0.0.1:{self.ports['platform']}"
        return {
            "backend": {"url": f"http://127.0.0.1:{self.ports['backend']}"},
            "auth": {"url": f"http://127.0.0.1:{self.ports['auth']}"},
            "database": {"url": self.postgres.verify_url},
            "tokens": {"signing_secret": self.secret, "service_key": self.service_key, "login_key": self.login_key},
            "platform": {
                "project": PROJECT,
                "region": REGION,
                "credentials": "none",
                "logging_url": api,
                "run_url": api,
                "monitoring_url": api,
            },
            "twin": {
                "control_url": f"http://127.0.0.1:{self.ports['control']}",
                "hour_s": self.hour_s,
                "turns": str(self._turns),
            },
        }

    @asynccontextmanager
    async def read_by(self, people: int) -> AsyncIterator[None]:
        """Have this many people read their lists, until the context ends; for none, nothing is imported."""
        async with AsyncExitStack() as readers:
            if people:
                reading = (await imported("twin.people")).reading
                await readers.enter_async_context(reading(self.addresses()["backend"]["url"], self.secret, people))
            yield

    async def switch(self, wanted: list[str]) -> None:
        """Have exactly these faults in force, everywhere. Raises KeyError for an unknown one."""
        known = find(wanted)
        for one in wanted:
            if one not in known:
                raise KeyError(one)
        whole = list(dict.fromkeys(part for one in wanted for part in (*known[one].brings, one)))
        for place in REMOTE:
            await self._control(place, "PUT", "/faults", [one for one in whole if known[one].place == place])
        for kind, board in self._boards.items():
            here = [one for one in whole if known[one].place == kind]
            if tuple(here) != board.on:
                await board.switch(here)
        self.on = list(dict.fromkeys(wanted))

    async def switch_candidate(self, wanted: list[str]) -> None:
        """Have exactly these faults in force in the candidate alone. Raises KeyError for one that it can't have."""
        known = {key: one for key, one in find(wanted).items() if one.place == "backend"}
        for one in wanted:
            if one not in known:
                raise KeyError(one)
        self.candidate_on = list(dict.fromkeys(part for one in wanted for part in (*known[one].brings, one)))
        await self._control("candidate", "PUT", "/faults", self.candidate_on)

    async def _control(self, process: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        if process != "platform" and process not in self.processes.running:
            return None  # it is down on purpose; `bring_up` switches its faults again
        url = f"http://127.0.0.1:{self.ports[f'{process}_control']}{path}"
        answer = await self.client.request(method, url, json=body)
        answer.raise_for_status()
        return answer.json()

    async def ask_platform(self, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Ask the platform's control port."""
        return await self._control("platform", method, path, body)

    async def age(self, hours: float, requests_per_hour: float) -> dict[str, int]:
        """Make the revisions look `hours` older than at boot, with `requests_per_hour` since then."""
        body = {"hours": hours, "requests_per_hour": requests_per_hour}
        requests: dict[str, int] = await self.ask_platform("PUT", "/age", body)
        return requests

    async def take_down(self, name: str, *, soon_up: bool = False) -> None:
        """Stop a process for good, until `bring_up`. If that is soon, the next one gets ready to serve meanwhile."""
        if name in self.processes.running:
            await self.processes.stop(name)
            if soon_up and name not in {"postgres", "valkey"}:
                self.launch(name, held=True)

    async def bring_up(self, name: str) -> None:
        """Start a process again, on its old port and with its faults; ready when this returns."""
        if name in self.processes.running:
            return
        if name == "postgres":
            await self.postgres.launch()
        elif name == "valkey":
            await self.valkey.start()
        else:
            if _spare(name) in self.processes.running:
                self.processes.release(_spare(name), name)
            else:
                self.launch(name)
            await self.until_ready(name)
            known = find(self.on)
            own = [one for one in self.on if known[one].place == name]
            await self._control(name, "PUT", "/faults", self.candidate_on if name == "candidate" else own)

    async def stop(self) -> None:
        """Stop everything and leave nothing behind."""
        await self._open.aclose()
        await self.processes.close()


def _spare(name: str) -> str:
    return f"the next {name}"


def _is_up(port: int, path: str) -> bool:
    """Whether a loopback port answers a GET well. By hand: a client for each look, of many, would cost 30 ms of CPU."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


async def _grant_and_seed(connection: asyncpg.Connection) -> None:
    """What the suite's own user may do, and other people's rows."""
    await connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON threads TO netra_verify")
    await connection.execute("GRANT SELECT, INSERT, DELETE ON messages TO netra_verify")
    await connection.execute("GRANT SELECT ON alembic_version TO netra_verify")
    await seed_other_people(connection)
