"""What the platform knows: services, revisions, traffic, settings, and every log entry."""

import bisect
import json
import math
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from twin.platform.query import nanoseconds

Entry = dict[str, Any]
HOUR_S = 3600.0


@dataclass(slots=True, kw_only=True)
class Revision:
    """One revision of a service; without an upstream it does not run."""

    name: str
    created: str
    image: str
    ready: bool
    env: dict[str, str]
    upstream_port: int | None
    cold_s: float = 0.0  # what its first instance takes to come up, once somebody asks
    warm_at: float = 0.0  # of the monotonic clock

    def warming_s(self, now: float) -> float:
        """How long a request has to wait for the first instance."""
        if self.cold_s:
            self.warm_at, self.cold_s = now + self.cold_s, 0.0
        return max(0.0, self.warm_at - now)


@dataclass(slots=True, kw_only=True)
class Service:
    """One service with its edge."""

    name: str
    edge_port: int
    request_timeout_s: float
    traffic: dict[str, int]
    revisions: dict[str, Revision]
    latest: str
    tags: dict[str, str] = field(default_factory=dict)  # tag -> revision
    tag_ports: dict[str, int] = field(default_factory=dict)  # tag -> the edge's port for it
    ready: bool = True
    updated: str = ""  # when the traffic was changed last
    instance: str = field(default_factory=lambda: "0069c7a988" + secrets.token_hex(60))
    listen: Callable[[str], Awaitable[None]] | None = None  # the edge's, for a new tag

    @property
    def serving(self) -> str:
        """The revision with most of the traffic."""
        return max(self.traffic, key=lambda name: self.traffic[name])

    def tag_of(self, host: str) -> str:
        """The tag in a host such as `verify---netra-backend-staging-abc-uc.a.run.app`; empty without one."""
        tag, dashes, rest = host.partition(".")[0].partition("---")
        return tag if dashes and rest.startswith(self.name) else ""

    def choose(self, tag: str = "") -> Revision | None:
        """The tagged revision (None: there is no such tag), or one by the traffic split."""
        if tag:
            return self.revisions.get(self.tags.get(tag, ""))
        names = list(self.traffic)
        return self.revisions[random.choices(names, [self.traffic[name] for name in names])[0]]  # noqa: S311 - a split


@dataclass(slots=True)
class Stored:
    """An entry and when it becomes visible."""

    entry: Entry
    visible_at: float
    stamped: int = field(init=False)  # the entry's time stamp, in nanoseconds since 1970

    def __post_init__(self) -> None:
        self.stamped = nanoseconds(self.entry["timestamp"])


_stamped = attrgetter("stamped")


@dataclass(slots=True, kw_only=True)
class Platform:
    """Everything; the parts that a fault replaces are attributes."""

    project: str
    region: str
    services: dict[str, Service]
    log_dir: Path
    api_port: int
    control_port: int
    log_delay_s: float = 0.05
    read_quota_per_minute: int = 6000
    empty_page_every: int = 0  # self-tests: every n-th page comes empty, with a token
    hour_s: float = 3600.0  # what an hour of a WebSocket takes here: less is compressed time
    most_listed: int = 0  # of revisions and series a page, however many are asked for; 0: no limit
    # What pages are still to be cut from, by query and moment.
    listings: dict[tuple[str, float], list[Entry]] = field(default_factory=dict)
    store: list[Stored] = field(default_factory=list)
    counts: Counter[tuple[str, str, int, int]] = field(default_factory=Counter)  # service, revision, code, minute
    born: dict[str, str] = field(default_factory=dict)  # creation times of boot, of revisions that were aged
    keep: Callable[["Platform", Entry], list[Entry]] = field(default=lambda _platform, entry: [entry])
    found: Callable[["Platform", list[Entry]], list[Entry]] = field(default=lambda _platform, entries: entries)
    refuse_api: Callable[[], tuple[int, str] | None] = field(default=lambda: None)
    page: Callable[[int, int], tuple[int, bool]] = field(default=lambda asked, left: (asked, left > asked))
    describe: Callable[["Platform", Service, Entry], Entry] = field(default=lambda _platform, _service, body: body)
    let_through: Callable[[bytes], bool] = field(default=lambda _data: True)  # WebSocket bytes from the client
    carrier: Callable[[], Callable[[bytes], bytes]] = field(default=lambda: bytes)  # of a connection: as they go on
    rewrite: Callable[[dict[str, str]], dict[str, str]] = field(default=lambda headers: headers)
    has_instance: Callable[[Service, str], bool] = field(default=lambda _service, _revision: True)  # that is free
    idle_lasts_s: Callable[[Service], float] = field(default=lambda _service: math.inf)  # until its instance closes it
    asks_again: Callable[[], bool] = field(default=lambda: True)  # where the instance had closed an idle connection
    cut_after: Callable[["Platform", Service], float] = field(  # a WebSocket's life, in seconds of the platform
        default=lambda _platform, service: service.request_timeout_s
    )

    def log(self, entry: Entry) -> None:
        """Take an entry in; it is visible after the ingestion delay."""
        now = datetime.now(UTC)
        entry.setdefault("insertId", secrets.token_hex(12))
        entry.setdefault("timestamp", stamp(now))
        entry.setdefault("receiveTimestamp", stamp(now))
        for one in self.keep(self, entry):
            self.put(Stored(one, time.monotonic() + self.log_delay_s))

    def put(self, stored: Stored) -> None:
        """Keep the store in the order of time stamps, so that a span of it is found without looking at all of it."""
        bisect.insort(self.store, stored, key=_stamped)

    def visible(self, at: float | None = None, since: float = -math.inf, until: float = math.inf) -> list[Entry]:
        """Every entry whose delay is over, now or at a moment of the monotonic clock, with its time stamp in a span."""
        now = time.monotonic() if at is None else at
        first = bisect.bisect_left(self.store, since, key=_stamped)
        last = bisect.bisect_right(self.store, until, lo=first, key=_stamped)
        within = [one.entry for one in self.store[first:last] if one.visible_at <= now]
        return self.found(self, within)

    def lasts(self, seconds: float) -> float:
        """How long seconds of a WebSocket's life take here."""
        return seconds * self.hour_s / HOUR_S

    def count(self, service: str, revision: str, code: int) -> None:
        """Count a request that reached the container, at its end."""
        self.counts[service, revision, code, int(time.time() // 60)] += 1

    def resource(self, service: Service, revision: str) -> Entry:
        """An entry's resource."""
        labels = {
            "configuration_name": service.name,
            "location": self.region,
            "project_id": self.project,
            "revision_name": revision,
            "service_name": service.name,
        }
        return {"type": "cloud_run_revision", "labels": labels}


def stamp(moment: datetime) -> str:
    """RFC 3339 with six digits, as the real entries have."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def load(path: Path) -> Platform:
    """Read the configuration that the stack wrote."""
    config = json.loads(path.read_text())
    services = {}
    for name, described in config["services"].items():
        revisions = {key: Revision(name=key, **value) for key, value in described["revisions"].items()}
        latest = max(revisions.values(), key=lambda one: one.created).name
        services[name] = Service(
            name=name,
            edge_port=described["edge_port"],
            request_timeout_s=described["request_timeout_s"],
            traffic=dict(described["traffic"]),
            revisions=revisions,
            latest=latest,
            tags=dict(described.get("tags", {})),
        )
    return Platform(
        project=config["project"],
        region=config["region"],
        services=services,
        log_dir=Path(config["log_dir"]),
        api_port=config["api_port"],
        control_port=config["control_port"],
        log_delay_s=config["log_delay_s"],
        hour_s=config["hour_s"],
    )
