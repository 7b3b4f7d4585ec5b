"""How the service is run: its description on the platform, and its logs."""

from targets.contract.parts import Part, Seconds


class ReleaseRules(Part):
    """What the service description must show."""

    environment: tuple[str, ...]
    request_timeout_s: Seconds


class LogRules(Part):
    """When a log source counts as alive, when an export as cut off, and what application lines carry."""

    canary_wait_s: Seconds
    truncation_sizes: frozenset[int]
    day_s: Seconds
    trace_field: str
