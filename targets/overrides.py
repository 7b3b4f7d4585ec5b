"""Settings from the environment that differ from the target's file, and whether a run with them proves less."""

import math
from collections.abc import Mapping
from typing import Any

from targets.leave import PLACES, flat, variable

# Credentials and confirmations always come from the environment: they are not overrides.
ALWAYS_GIVEN = frozenset(
    {
        "writing.confirm",
        "rollout.confirm",
        "tokens.signing_secret",
        "tokens.login_key",
        "tokens.given",
        "tokens.service_key",
        "platform.access_token",
        "prometheus.access_token",
        "database.url",
        "database.pgbouncer",
    }
)
HARMLESS = frozenset(
    {"platform.credentials", "platform.reads_per_minute", "platform.log_analytics", "database.alembic"}
)
LESS_WHEN_HIGHER = frozenset({"sizes.soak_ping_s", "quick_sizes.soak_ping_s"})


def list_overrides(
    described: Mapping[str, Any], given: Mapping[str, Any], asked_for: Mapping[str, str], defaults: Mapping[str, Any]
) -> dict[str, bool]:
    """The variables that differ from the file, and whether each weakens a run.

    Args:
        described: The file's values (and the twin's addresses, if there is one), by dotted key.
        given: The environment's values, by dotted key.
        asked_for: Keys that the file requires from the environment (`[requires]`).
        defaults: The default values, by dotted key.
    """
    found = {}
    for key, value in flat(given).items():
        before = described.get(key, defaults.get(key))
        if key in ALWAYS_GIVEN and not (key in PLACES and key in described):
            continue
        if (key in asked_for and not described.get(key)) or _same(value, before):
            continue
        found[variable(key)] = _weakens(key, value, before)
    return found


def _weakens(key: str, value: object, before: object) -> bool:
    section = key.partition(".")[0]
    if key in HARMLESS or section in {"prometheus", "pace"}:
        return False
    if section in {"sizes", "quick_sizes"}:
        change = _number(value) - _number(before)
        return change > 0 if key in LESS_WHEN_HIGHER else change < 0
    if section == "deadlines":
        return before is None or _number(value) > _number(before)
    if key == "run_deadline_s":
        return False  # a run that is cut short is INCONCLUSIVE by itself
    return key not in PLACES or bool(before)


def _number(value: object) -> float:
    """A number from TOML or a variable; NaN, neither more nor less, for what the target's types will refuse."""
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _same(value: object, before: object) -> bool:
    return str(value) == str(before)
