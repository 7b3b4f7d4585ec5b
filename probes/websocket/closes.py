"""What a close says, and whether closes cluster at one age: a cut-off, whatever their rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from websockets.asyncio.client import ClientConnection
from websockets.frames import CloseCode

from probes.statistics.exact import percentile

FEWEST = 3  # closes that make a cluster
SPREAD_S = 1.0
SPREAD_SHARE = 0.05
EARLY_S, EARLY_SHARE = 1.0, 0.01  # how much before the planned age a cut may come: clocks, and when counting began
LATE_S, LATE_SHARE = 2.0, 0.05
INTERNAL_ERROR = CloseCode.INTERNAL_ERROR  # 1011: the server failed
OUR_PROTOCOL_CODES = frozenset(  # closed by our library over what the server sent
    {CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_DATA, CloseCode.MESSAGE_TOO_BIG}
)


class CloseClass(StrEnum):
    """Who caused a close, as far as the wire shows."""

    OURS = "ours"
    PLANNED_CUT = "planned cut"  # at the platform's request timeout
    GOING_AWAY = "going away"  # 1001, 1012: the server restarts
    POLICY = "policy"  # 1008: the session is not wanted any more
    SERVER_ERROR = "server error"  # 1011: never a success
    PING_TIMEOUT = "ping timeout"  # we heard nothing for too long
    ABNORMAL = "abnormal"  # no close frame
    PROTOCOL_ERROR = "protocol error"  # the server sent what no client may accept
    OTHER = "other"


BY_CODE: dict[int | None, CloseClass] = {
    CloseCode.GOING_AWAY: CloseClass.GOING_AWAY,
    CloseCode.SERVICE_RESTART: CloseClass.GOING_AWAY,
    CloseCode.POLICY_VIOLATION: CloseClass.POLICY,
    CloseCode.INTERNAL_ERROR: CloseClass.SERVER_ERROR,
}
# What a platform's cut may look like; an error at that age stays an error.
CUTS = frozenset({None, CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART})


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """How a session ended, and at what age. `code` is None when the TCP connection just ended (1006)."""

    code: int | None
    reason: str
    age_s: float
    by_us: bool
    failed_by_us: int | None = None  # the code with which our library gave the connection up
    detail: str = ""  # of an end without a close frame: reset, or just ended


def end_of(connection: ClientConnection, age_s: float, *, by_us: bool) -> Closed:
    """How a closed connection ended, as far as its library knows."""
    protocol = connection.protocol
    received, sent = protocol.close_rcvd, protocol.close_sent
    ours_first = sent is not None and protocol.close_rcvd_then_sent is not True
    error, frame = connection.connection_exc, received or sent
    detail = "" if received else f"reset ({type(error).__name__})" if error else "the TCP connection ended"
    return Closed(
        code=received.code if received and received.code != CloseCode.ABNORMAL_CLOSURE else None,
        reason=frame.reason if frame else "",
        age_s=age_s,
        by_us=by_us,
        failed_by_us=sent.code if sent and ours_first and not by_us else None,
        detail=detail,
    )


def classify(closed: Closed, *, planned_at_s: float | None = None) -> CloseClass:
    """Classify one close; `planned_at_s` is the age at which the platform cuts."""
    if closed.by_us:
        return CloseClass.OURS
    if closed.failed_by_us is not None:
        timed_out = closed.failed_by_us not in OUR_PROTOCOL_CODES
        return CloseClass.PING_TIMEOUT if timed_out else CloseClass.PROTOCOL_ERROR
    if closed.code in CUTS and planned_at_s is not None and is_planned(closed.age_s, planned_at_s):
        return CloseClass.PLANNED_CUT
    if closed.code is None:
        return CloseClass.ABNORMAL
    return BY_CODE.get(closed.code, CloseClass.OTHER)


def is_planned(age_s: float, planned_at_s: float) -> bool:
    """Whether a cut at this age is the platform's own, due at `planned_at_s`."""
    early, late = max(EARLY_S, planned_at_s * EARLY_SHARE), max(LATE_S, planned_at_s * LATE_SHARE)
    return planned_at_s - early <= age_s <= planned_at_s + late


def describe(closed: Closed | None) -> str:
    """A close in words."""
    if closed is None:
        return "not closed"
    if closed.failed_by_us is not None:
        how = f"by our library with {closed.failed_by_us} {closed.reason!r}"
    elif closed.code is None:
        how = f"without a close frame ({closed.detail})"
    else:
        how = f"with code {closed.code} {closed.reason!r}"
    return f"closed {how} at age {closed.age_s:.1f} s"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Closes that came at one age."""

    age_s: float
    count: int


def find_cluster(ages_s: Sequence[float], *, spread_share: float = SPREAD_SHARE) -> Cluster | None:
    """The age at which most closes came, if at least three, and half of all, came within 1 s or 5 % of it."""
    ordered = sorted(ages_s)
    first, begin, end = 0, 0, 0
    for last, age in enumerate(ordered):
        while age - ordered[first] > max(SPREAD_S, age * spread_share):
            first += 1
        if last + 1 - first > end - begin:
            begin, end = first, last + 1
    best = ordered[begin:end]
    if len(best) < FEWEST or 2 * len(best) < len(ordered):
        return None
    return Cluster(percentile(best, 0.5), len(best))
