"""How the service is run: its description on the platform, and its logs."""

from targets.contract.parts import Part, Seconds


class ReleaseRules(Part):
    """What the service description must show."""

    environment: tuple[str, ...]
    request_timeout_s: Seconds


class LogRules(Part):
    """When a log source counts as alive, what application lines carry, and what known incidents write."""

    canary_wait_s: Seconds
    metrics_wait_s: Seconds
    day_s: Seconds
    trace_field: str
    incidents: dict[str, tuple[str, ...]]  # phrases by name; see `probes.logs.incidents`
