"""Clients, sessions and a table over a world in memory, with the answers spoiled as a test wants."""

import asyncio
import json as text
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Unpack
from urllib.parse import quote

import httpx
from websockets.exceptions import ConnectionClosedOK
from websockets.frames import Close

from fixtures.sockets import dialect_of
from fixtures.tokens import Login
from fixtures.twin import TwinControl
from gate.evidence import Recorder
from gate.plan import Plan
from gate.run import Run
from probes.auth.pool import UserPool
from probes.database.connection import OURS
from probes.database.messages import Message
from probes.database.seeding import Row, RowSpec
from probes.foreign.json_values import read_json
from probes.google.access_tokens import no_token
from probes.google.cloud_run import CloudRun
from probes.google.google_api import GoogleApi
from probes.http.client import Answer, HttpClient
from probes.http.network_path import find_path
from probes.http.request_options import RequestOptions
from probes.identity import RunIdentity
from probes.logs.cloud_logging import CloudLogging
from probes.secret import reveal
from probes.timing.deadlines import Deadlines
from probes.timing.window import SteadyClock
from probes.websocket.handshake import Credential, Refused
from probes.websocket.sessions import Doorway
from targets.model import Target
from tests.fuzz.spoiling import spoil, spoil_headers
from tests.fuzz.world import World, user_of

SHORT = Deadlines(
    answer=1.0, health=1.0, welcome=0.05, message=0.05, close=0.05, platform=1.0, server_lines=0.05, recovery=0.05
)


@dataclass
class Spoiler:
    """Which answers are spoiled: every one, or one in some, from a seed; none without a seed."""

    seed: int | None
    share: float = 1.0
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Begin."""
        self.draw = random.Random(self.seed)  # noqa: S311 - seeded

    def body(self, body: bytes) -> bytes:
        """A body, spoiled perhaps."""
        return spoil(self.draw, body) if self._now() else body

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Headers, spoiled perhaps."""
        return spoil_headers(self.draw, headers) if self._now() else headers

    def _now(self) -> bool:
        return self.seed is not None and self.draw.random() < self.share


class MemoryClient(HttpClient):
    """A client whose answers come from a world."""

    def __init__(self, door: str, world: World, spoiler: Spoiler, identity: RunIdentity) -> None:
        super().__init__("http://127.0.0.1:9", identity, deadline_s=1.0, path=find_path("http://127.0.0.1:9"))
        self._door, self._world, self._spoiler = door, world, spoiler

    async def send(
        self,
        method: str,
        path: str,
        *,
        trace_id: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Answer:
        """One answer."""
        json, trace = options.get("json"), trace_id or self.identity.new_trace()
        sent = self._headers(trace, options)
        query = "&".join(f"{key}={quote(str(value))}" for key, value in (reveal(options.get("params")) or {}).items())
        target = f"{path}?{query}" if query else path
        body = reveal(json) if json is not None else _read(options.get("content"))
        status, headers, answer = self._world.answer(self._door, method, target, sent, body)
        headers, answer = self._spoiler.headers(headers), self._spoiler.body(answer)
        await asyncio.sleep(0)
        return Answer(
            status=status,
            headers=httpx.Headers([(name.encode(), value.encode("latin-1")) for name, value in headers.items()]),
            body=answer,
            elapsed_s=0.001,
            trace_id=trace,
            request=f"{method} {target[:200]}",
        )

    def _headers(self, trace: str, options: RequestOptions) -> dict[str, str]:
        """Every header that the request has, by its name in small letters."""
        headers, token = options.get("headers"), options.get("token")
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or ())
        whole = reveal([*self.identity.headers(trace).items(), *pairs])
        sent = {str(name).lower(): str(value) for name, value in whole}
        return sent if token is None else sent | {"authorization": f"Bearer {token.reveal()}"}


def _read(content: bytes | None) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return read_json(content or b"")
    except ValueError:
        return None


class MemoryConnection:
    """A WebSocket connection's end, as far as a session looks at it."""

    def __init__(self, world: World, user: str, spoiler: Spoiler) -> None:
        self._world, self._user, self._spoiler = world, user, spoiler
        self._inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.transport = SimpleNamespace(abort=lambda: self._inbox.put_nowait(None), write=self._refuse)
        closed = Close(1000, "bye")
        self.protocol = SimpleNamespace(close_rcvd=closed, close_sent=None, close_rcvd_then_sent=True)
        self.connection_exc = None
        self.subprotocol = world.contract.websocket.dialect.subprotocol
        self.request = self.response = SimpleNamespace(headers=httpx.Headers())
        self.close_code = 1000
        self._say(world.welcome(user))

    def _refuse(self, _frame: bytes) -> None:
        """A frame that was written by hand is answered with an error."""
        self._say(self._world.message(b"", self._user))

    def _say(self, message: dict[str, Any]) -> None:
        said = self._spoiler.body(text.dumps(message).encode())
        self._inbox.put_nowait(said if self._spoiler.draw.random() < 0.2 else said.decode("utf-8", "surrogateescape"))

    async def send(self, message: str | bytes | Iterable[str]) -> None:
        """Answer a message; one in fragments comes as a list."""
        whole = message if isinstance(message, str | bytes) else "".join(message)
        self._say(self._world.message(whole, self._user))

    async def recv(self) -> str | bytes:
        """The next message. Raises what websockets raises at the end."""
        said = await self._inbox.get()
        if said is None:
            raise ConnectionClosedOK(self.protocol.close_rcvd, None, None)
        return said

    async def close(self, *_: object) -> None:
        """End."""
        self._inbox.put_nowait(None)

    async def wait_closed(self) -> None:
        """Ended at once."""

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (said := await self._inbox.get()) is not None:
            yield said


@dataclass(frozen=True, slots=True)
class MemoryDoorway(Doorway):
    """Opens sessions of a world."""

    world: World | None = None
    spoiler: Spoiler | None = None

    async def _dial(self, credential: Credential, trace_id: str, ping_interval: float | None) -> Any:  # noqa: ANN401 - a connection, or how we were refused
        del trace_id, ping_interval
        user = user_of(credential.token.reveal() if credential.token is not None else "")
        if not user or self.world is None or self.spoiler is None:
            return Refused("handshake", 401, "no")
        return MemoryConnection(self.world, user, self.spoiler)


@dataclass
class MemorySeeder:
    """A table of a world."""

    world: World
    count: int = 0

    def reserve(self, specs: Sequence[RowSpec]) -> list[Row]:
        """Name the rows."""
        rows = []
        for spec in specs:
            self.count += 1
            name, owner = f"{OURS}{self.count:07d}", spec.column_owner or spec.owner
            rows.append(Row(name, owner, spec.owner, {"id": name, "owner": owner, "title": spec.title}))
        return rows

    async def insert(self, rows: Sequence[Row], specs: Sequence[RowSpec]) -> None:
        """Put them in."""
        for row, spec in zip(rows, specs, strict=True):
            self.world.rows[row.id] = self.world.item(row.id, row.owner, spec.title, None)

    async def remove(self, rows: Sequence[Row]) -> int:
        """Take them out."""
        return sum(self.world.rows.pop(row.id, None) is not None for row in rows)

    async def kind_of_metadata(self, thread_id: str) -> str | None:
        """An object, if it is there."""
        return "object" if thread_id in self.world.rows else None

    async def remove_of(self, user: str) -> int:
        """Take a user's out."""
        gone = [key for key, row in self.world.rows.items() if row["user_id"] == user]
        return sum(self.world.rows.pop(key) is not None for key in gone)


@dataclass
class MemoryMessages:
    """The messages of a world."""

    world: World
    count: int = 0

    def reserve(self, thread: str, said: Sequence[tuple[str, str, timedelta]]) -> list[Message]:
        """Name the messages."""
        made, now = list[Message](), datetime.now(UTC)
        for role, content, age in said:
            self.count += 1
            says = {"id": f"m{self.count:07d}", "thread": thread, "role": role, "content": content}
            made.append(Message(says["id"], says | {"created_at": int((now - age).timestamp())}))
        return made

    async def insert(self, messages: Sequence[Message]) -> None:
        """Put them in."""
        for one in messages:
            kept = {"thread_id": one.says["thread"], **one.says}
            self.world.messages.setdefault(one.says["thread"], []).append(kept)

    async def remove_of(self, threads: Iterable[str]) -> int:
        """Take those of some threads out."""
        return sum(len(self.world.messages.pop(one, ())) for one in threads)


def given(target: Target, plan: Plan, spoiler: Spoiler, world: World) -> dict[str, Any]:
    """What stands for the fixtures that reach out of the process, or belong to pytest."""
    identity = RunIdentity("20261126T000000Z-abcdef")
    return {
        **_of_the_run(target, plan, identity),
        **_of_the_world(target, spoiler, world, identity),
        "clock": SteadyClock(),
        "user_pool": UserPool(mark=OURS, each=2),
        "provoked_503s": 0,
        "narrate": lambda _: None,
        "outages": (),
        **dict.fromkeys(("export", "exported_log", "network", "candidate")),
    }


def _of_the_run(target: Target, plan: Plan, identity: RunIdentity) -> dict[str, Any]:
    """The run, and how it is configured."""
    return {
        "target": target,
        "configured": target,
        "contract": target.contract,
        "run": Run(plan=plan, id=identity.run_id),
        "identity": identity,
        "recorder": Recorder(),
        "deadlines": SHORT,
        "sizes": target.quick_sizes,
    }


def _of_the_world(target: Target, spoiler: Spoiler, world: World, identity: RunIdentity) -> dict[str, Any]:
    """What answers, and the table."""
    clients = {door: MemoryClient(door, world, spoiler, identity) for door in ("backend", "auth", "google")}
    google, place = GoogleApi(clients["google"], no_token), target.platform
    return {
        "backend_client": clients["backend"],
        "auth_client": clients["auth"],
        "login": Login(clients["auth"], target, lambda _secret: None),
        "twin": TwinControl(
            MemoryClient("control", world, Spoiler(None), identity), clients["backend"], target.contract.paths.liveness
        ),
        "seeder": MemorySeeder(world),
        "message_writer": MemoryMessages(world),
        "cloud_logging": CloudLogging(google, place.project),
        "cloud_run": CloudRun(google, google, place.project, place.region),
        "doorway": MemoryDoorway(
            url=target.backend.url.replace("http", "ws", 1).rstrip("/") + target.contract.paths.websocket,
            identity=identity,
            deadlines=SHORT,
            dialect=dialect_of(target.contract),
            path=None,
            world=world,
            spoiler=spoiler,
        ),
    }
