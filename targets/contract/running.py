"""How the service runs: its description on the platform, and its logs."""

from targets.contract.parts import Part, Seconds, Waiting


class ReleaseRules(Part):
    """What the service description must contain."""

    environment: tuple[str, ...]
    request_timeout_s: Seconds


class LogRules(Part):
    """When a log source counts as alive, what application lines contain, and what known incidents write."""

    canary_wait_s: Waiting
    metrics_wait_s: Waiting
    day_s: Seconds
    trace_field: str
    incidents: dict[str, tuple[str, ...]]  # name -> phrases; see `probes.logs.incidents`
