"""The REST API: its routes, how it refuses, what an item of the list looks like and is compared with."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from probes.foreign.excerpt import excerpt
from targets.contract.parts import DAY_S, Limit, Part, Ratio, Schema, Statuses, Waiting

Written = Literal["", "id", "title", "owner", "metadata", "created_at", "updated_at"]


Path = Annotated[str, Field(pattern=r"^/\S*$")]
PathOrNone = Annotated[str, Field(pattern=r"^(/\S*)?$")]  # empty: the service has no such route


class Paths(Part):
    """The path of each route, below the service's base URL."""

    threads: Path
    health: PathOrNone
    liveness: Path
    readiness: PathOrNone
    metrics: PathOrNone
    websocket: PathOrNone
    auth_health: Path
    auth_validate: Path
    auth_logout: PathOrNone


class ByKind(Part):
    """Which statuses refuse a credential, by its kind."""

    none: Statuses
    basic: Statuses
    bad: Statuses
    overlong: Statuses
    forbidden: Statuses = frozenset()


class RefusalRules(Part):
    """Which answers count as a refusal, by door and kind of credential."""

    rest: ByKind
    auth: ByKind
    handshake: ByKind
    service_credentials: Statuses
    unreadable: Statuses
    outage: Statuses
    close_codes: frozenset[int]
    challenge: bool
    volatile: frozenset[str]
    query_parameters: tuple[str, ...]


class ErrorRules(Part):
    """What an error answer contains."""

    request_id_headers: frozenset[str]
    request_id_fields: frozenset[str]


class SingleThreadRules(Part):
    """One thread through the API: its routes (`METHOD /path`; empty: none), bodies and statuses."""

    create: str
    read: str
    rename: str
    archive: str
    history: str
    title: str
    metadata: str
    partial: bool
    both_kept: bool
    messages_field: str
    created: Statuses
    done: Statuses
    refused: Statuses
    conflict: Statuses
    gone: Statuses

    @model_validator(mode="after")
    def _routes_are_routes(self) -> "SingleThreadRules":
        for name in ("create", "read", "rename", "archive", "history"):
            route = getattr(self, name)
            if route and not re.fullmatch(r"[A-Z]+ /\S*", route):
                raise ValueError(
                    f"{name} must be a method and a path, such as 'GET /api/threads/{{id}}', got {excerpt(route)!r}"
                )
        return self


class MessageRules(Part):
    """The messages of a thread: which fields are compared, their order, and the field with their number."""

    compare: dict[str, Literal["id", "thread", "role", "content"]]
    times: dict[str, Literal["created_at"]]
    roles: tuple[str, str]
    descending: bool
    count_field: str


class ThreadRules(Part):
    """The list: its items, its order, its limits, and how long a page may take."""

    item: Schema
    compare: dict[str, Written]
    times: dict[str, Written]
    one: SingleThreadRules
    messages: MessageRules
    id_field: str
    items_field: str
    limit_parameter: str
    offset_parameter: str
    order_by: Literal["updated_at", "created_at"]
    descending: bool
    min_limit: Limit
    max_limit: Limit
    default_limit: Limit
    out_of_bounds: Statuses
    forged_headers: tuple[str, ...]
    forged_parameters: tuple[str, ...]
    volume_ratio: Ratio
    after_create_s: Waiting
    together_ratio: Ratio

    @model_validator(mode="after")
    def _bounds_hold_the_default(self) -> "ThreadRules":
        if not self.min_limit <= self.default_limit <= self.max_limit:
            raise ValueError(f"default_limit {self.default_limit} is outside {self.min_limit}..{self.max_limit}")
        return self


class HealthRules(Part):
    """How to read the health answers."""

    detailed: Schema
    liveness: Schema
    readiness: Schema
    auth: Schema
    status_field: str
    healthy: str
    unhealthy: str
    checks_field: str
    failed_field: str
    timestamp_field: str
    environment_field: str
    environment: str
    check_names: tuple[str, ...]
    healthy_words: frozenset[str]
    database_check: str
    auth_check: str
    counts_check: str
    total_field: str
    bad_field: str
    good_field: str
    skew_s: float = Field(ge=0, le=DAY_S)
    head: bool
    others_wait_s: Waiting


class MetricRules(Part):
    """The name and labels of the service's own counter of requests."""

    requests_counter: str
    status_label: str
    route_label: str
