"""The service's contract as typed values: `contract.toml`, overridden key by key by a target's `[contract]`.

A target replaces values, adds keys to open tables, and removes things: by an empty path, by a column that is
`absent`, and by the names in its own `absent`. A JSON Schema and a table of headers are replaced as a whole (`WHOLE`).
"""

from pydantic import model_validator

from targets.contract.access import AuthRules, LoginRules, TokenRules, ValidationRules
from targets.contract.browser import ApiRules, BrowserRules
from targets.contract.database import DatabaseRules
from targets.contract.parts import Part
from targets.contract.rest import ErrorRules, HealthRules, MetricRules, Paths, RefusalRules, ThreadRules
from targets.contract.running import LogRules, ReleaseRules
from targets.contract.websocket import WebSocketRules

OK = 200
# Replaced as a whole and never merged with the default: half of one schema and half of another is neither.
WHOLE = frozenset(
    {
        "threads.item",
        "threads.compare",
        "threads.times",
        "threads.messages.compare",
        "threads.messages.times",
        "database.columns",
        "database.messages.constants",
        "health.auth",
        "health.detailed",
        "health.liveness",
        "health.readiness",
        "validation.headers",
        "validation.good",
        "validation.bad",
        "validation.repeats",
        "validation.shown_claims",
        "tokens.extra_claims",
        "tokens.refresh_claims",
        "login.body",
        "websocket.agent.in_thread",
        "websocket.dialect.user_message",
    }
)


class Contract(Part):
    """Everything that the suite requires of the service."""

    paths: Paths
    tokens: TokenRules
    login: LoginRules
    validation: ValidationRules
    refusal: RefusalRules
    errors: ErrorRules
    threads: ThreadRules
    health: HealthRules
    auth: AuthRules
    websocket: WebSocketRules
    database: DatabaseRules
    release: ReleaseRules
    logs: LogRules
    metrics: MetricRules
    browser: BrowserRules
    api: ApiRules

    def __repr__(self) -> str:
        """Not all of it: with `--showlocals` it stands in the locals of every failure, and its files can be read."""
        return "Contract(...)"

    __str__ = __repr__

    @model_validator(mode="after")
    def _a_refusal_can_be_told_from_a_validation(self) -> "Contract":
        by_body = {
            "refusal.auth.bad": self.refusal.auth.bad,
            "refusal.service_credentials": self.refusal.service_credentials,
        }
        found = next((key for key, statuses in by_body.items() if OK in statuses), "")
        if found and not self.validation.bad:
            raise ValueError(
                f"validation.bad is empty, and {found} has 200: describe a refusal by a JSON Schema in validation.bad"
            )
        return self
