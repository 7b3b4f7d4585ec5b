"""Deviations from the contract that a target declares: what is absent, and what is accepted until a date."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from pydantic import Field, model_validator

from targets.contract import Contract
from targets.contract.parts import Part

# What a target may call absent -> the need of the checks that are left out then.
ABSENT: Mapping[str, str] = {
    "api.document": "document",
    "auth.server-timing": "server-timing",
    "auth.service-credentials": "credentials",
    "database.messages": "messages",
    "frontend": "frontend",
    "health.counts": "counts",
    "health.detailed": "health",
    "logs.trace": "app-trace",
    "metrics": "exposition",
    "threads.one": "single",
    "tokens.login": "login",
    "tokens.logout": "logout",
    "websocket.agent": "agent",
    "websocket.agent.in_thread": "talk",
    "tokens.refresh": "refresh-tokens",
    "websocket": "ws",
}
# The core of the suite: a profile that requires a check of these can't be satisfied without them.
CORE: Mapping[str, str] = {"auth": "auth", "database": "db", "threads": "http"}


class Accepted(Part):
    """A known failure that is accepted until a date: a check, or one case of it, by its name in reports."""

    what: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    until: date

    @model_validator(mode="after")
    def _is_still_good(self) -> "Accepted":
        if self.until < datetime.now(UTC).date():
            raise ValueError(
                f"{self.what}: accepted until {self.until.isoformat()}, which has passed: fix it, or ask {self.owner} "
                "for a new date"
            )
        return self


def taken_away(contract: Contract) -> frozenset[str]:
    """What the contract itself removes: by an empty path, an empty field, an empty table."""
    gone = {
        "api.document": not contract.api.document,
        "database.messages": not contract.database.messages.table,
        "frontend": not contract.browser.frontend,
        "health.counts": not (contract.health.counts_check and contract.health.bad_field),
        "health.detailed": not contract.paths.health,
        "metrics": not contract.paths.metrics,
        "tokens.login": not contract.login.path,
        "tokens.logout": not contract.paths.auth_logout,
        "websocket.agent": not contract.websocket.agent.events,
        "websocket.agent.in_thread": not contract.websocket.agent.in_thread,
        "threads.one": not contract.threads.one.create,
        "websocket": not contract.paths.websocket,
        "tokens.refresh": not contract.tokens.refresh_claims,
        "auth.server-timing": (contract.auth.latency_clock, contract.auth.server_time) != ("server", "server-timing"),
        "logs.trace": not contract.logs.trace_field,
        "auth.service-credentials": not contract.validation.headers,
    }
    return frozenset(name for name, is_gone in gone.items() if is_gone)
