"""The service's contract as typed values: `contract.toml`, overridden key by key by a target's `[contract]`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Annotated[int, Field(ge=100, le=599)]
Seconds = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Part(BaseModel):
    """A section of a TOML file: unknown keys are errors, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Paths(Part):
    """Where each door is, below the service's base URL."""

    threads: str
    health: str
    liveness: str
    metrics: str
    websocket: str
    auth_health: str
    auth_validate: str


class TokenRules(Part):
    """What a good access token says of itself."""

    issuer: str
    audience: str
    lifetime_s: Seconds
    clock_skew_s: Seconds


class LoginRules(Part):
    """A login endpoint of the auth service that gives an access token to whoever holds its key; none: no path."""

    path: str
    key_header: str
    body: dict[str, str]
    token_field: str


class RefusalRules(Part):
    """Which answers count as a refusal, door by door."""

    rest_statuses: frozenset[Status]
    auth_statuses: frozenset[Status]
    service_key_statuses: frozenset[Status]
    handshake_statuses: frozenset[Status]
    close_codes: frozenset[int]
    valid_field: str


class ThreadRules(Part):
    """Bounds of the list and what a page may cost."""

    default_limit: int
    max_limit: int
    volume_ratio: float


class HealthRules(Part):
    """How the detailed health answer is read."""

    check_names: tuple[str, ...]
    healthy_words: frozenset[str]
    skew_s: Seconds


class AuthRules(Part):
    """Success metric 5, made exact, and what surrounds it."""

    latency_limit_ms: Seconds
    latency_percentile: Fraction
    latency_confidence: Fraction
    latency_clock: Literal["server", "client"]
    server_time: Literal["server-timing", "request-log"]
    server_timing_metric: str
    noop: str
    refusal_cost_ratio: float
    service_key_header: str


class WebSocketRules(Part):
    """Success metric 3 and the limits of a message."""

    max_message_bytes: int
    session_seconds: Seconds
    reconnect_s: Seconds
    idle_s: Seconds
    echo_field: str


class DatabaseRules(Part):
    """What the code needs of the schema."""

    table: str
    version_table: str
    heads: frozenset[str]
    revisions: frozenset[str]
    columns: dict[str, tuple[str, ...]]


class ReleaseRules(Part):
    """What the service description must show."""

    environment: tuple[str, ...]
    request_timeout_s: Seconds


class MetricRules(Part):
    """How the service's own counter of requests is named and labelled."""

    requests_counter: str
    status_label: str
    route_label: str


class LogRules(Part):
    """When a log source counts as alive, and when an export as cut off."""

    canary_wait_s: Seconds
    truncation_sizes: frozenset[int]
    day_s: Seconds


class Contract(Part):
    """Everything that the suite holds the service to."""

    paths: Paths
    tokens: TokenRules
    login: LoginRules
    refusal: RefusalRules
    threads: ThreadRules
    health: HealthRules
    auth: AuthRules
    websocket: WebSocketRules
    database: DatabaseRules
    release: ReleaseRules
    logs: LogRules
    metrics: MetricRules
