"""What the environment says otherwise than the target's file, and whether a run with it proves less."""

from collections.abc import Mapping
from typing import Any

from targets.leave import PLACES, flat, variable

# Credentials and the confirmation are the environment's part, and no word against the file.
ITS_PART = frozenset(
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
    """By variable what the environment says otherwise than the file, and whether that weakens a run.

    Args:
        described: What the file says (and the twin's addresses, where there is one), by dotted key.
        given: What the environment says, by dotted key.
        asked_for: Keys that the file itself asks of the environment (`[requires]`).
        defaults: What holds where neither says anything, by dotted key.
    """
    found = {}
    for key, value in flat(given).items():
        before = described.get(key, defaults.get(key))
        if key in ITS_PART and not (key in PLACES and key in described):
            continue
        if (key in asked_for and not described.get(key)) or _same(value, before):
            continue
        found[variable(key)] = _weakens(key, value, before)
    return found


def _weakens(key: str, value: object, before: object) -> bool:
    section = key.partition(".")[0]
    if key in HARMLESS or section == "prometheus":
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
    """A number as TOML or a variable writes it; what is none is refused by the target's own types, before this."""
    return float(str(value))


def _same(value: object, before: object) -> bool:
    return str(value) == str(before)
