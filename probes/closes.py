"""What a close says, and whether closes cluster at one age: a cut-off, whatever their rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from probes.sessions import Closed
from probes.statistics import percentile

FEWEST = 3  # closes that make a cluster
SPREAD_S = 1.0
SPREAD_SHARE = 0.05


class CloseClass(StrEnum):
    """Whose doing a close was, as far as the wire tells."""

    OURS = "ours"
    PLANNED_CUT = "planned cut"  # at the platform's request timeout
    GOING_AWAY = "going away"  # 1001, 1012: the server restarts
    POLICY = "policy"  # 1008: the session is not wanted any more
    SERVER_ERROR = "server error"  # 1011: never a success
    PING_TIMEOUT = "ping timeout"  # we heard nothing for too long
    ABNORMAL = "abnormal"  # no close frame
    OTHER = "other"


BY_CODE = {
    1001: CloseClass.GOING_AWAY,
    1012: CloseClass.GOING_AWAY,
    1008: CloseClass.POLICY,
    1011: CloseClass.SERVER_ERROR,
}


def classify(closed: Closed, *, planned_at_s: float | None = None) -> CloseClass:
    """Classify one close; `planned_at_s` is the age at which the platform cuts."""
    if closed.by_us:
        return CloseClass.OURS
    if planned_at_s is not None and abs(closed.age_s - planned_at_s) <= max(SPREAD_S, planned_at_s * SPREAD_SHARE):
        return CloseClass.PLANNED_CUT
    if closed.code is None:
        return CloseClass.ABNORMAL
    if closed.code == 1011 and "keepalive ping timeout" in closed.reason:  # noqa: PLR2004 - ours, by the library
        return CloseClass.PING_TIMEOUT
    return BY_CODE.get(closed.code, CloseClass.OTHER)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Closes that came at one age."""

    age_s: float
    count: int


def find_cluster(ages_s: Sequence[float]) -> Cluster | None:
    """The age at which most closes came, when at least three and half of all came within 1 s or 5 % of it."""
    ordered = sorted(ages_s)
    best: list[float] = []
    for age in ordered:
        near = [other for other in ordered if abs(other - age) <= max(SPREAD_S, age * SPREAD_SHARE) / 2]
        best = max(best, near, key=len)
    if len(best) < FEWEST or 2 * len(best) < len(ordered):
        return None
    return Cluster(percentile(best, 0.5), len(best))
