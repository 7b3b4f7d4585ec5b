"""What a case measured, as stored in the verdict's document: figures, accruals, traces, the server's log lines."""

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gate.moments import moment
from gate.strict_json import JSON, plain, word_for

Number = int | float
Count = Annotated[int, Meta(ge=0)]
NUMBERS = ("n", "value", "limit", "confidence", "hazard_per_hour", "covered_s", "need_s")


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measurement: its rule, sample size and value, and the context needed to read the value."""

    rule: str
    n: Number | None
    value: Number | None
    unit: str
    limit: Number | None
    confidence: Number | None  # 0.95 is 95 %
    window: str | None
    interval: tuple[Number | None, Number | None] | None  # of `value`; None: open at that end
    hazard_per_hour: Number | None  # upper bound
    covered_s: Number | None  # of a claim that takes longer than one run
    need_s: Number | None
    not_finite: dict[str, str]  # a number that JSON can't hold is null, and this is its name
    details: dict[str, JSON]  # whatever else the check states


def make_figure(rule: str, **stated: JSON) -> Figure:
    """A figure from a check's statement; a number that is not finite becomes null and a name."""
    known = {key: value for key, value in stated.items() if key in Figure.__struct_fields__}
    details = plain({key: value for key, value in stated.items() if key not in known})
    words = {key: word_for(known[key]) for key in NUMBERS if not _is_finite(known.get(key))}
    known |= dict.fromkeys(words)
    if known.get("interval") is not None:
        low, high = known["interval"]
        known["interval"] = tuple(end if _is_finite(end) else None for end in (low, high))
    blank: dict[str, JSON] = dict.fromkeys((*NUMBERS, "window", "interval")) | {"unit": ""}
    return Figure(rule=rule, **blank | known, not_finite=words, details=details)


def _is_finite(value: Number | None) -> bool:
    return value is None or math.isfinite(value)


class ServerLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One log line of the server for a request of this case."""

    timestamp: str
    severity: str
    trace_id: str
    text: str


class Trace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request of this case, by the trace id that it carried."""

    trace_id: str
    request: str


class Accrual(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run's contribution to a claim that takes longer than one run; the gate merges them by check and revision.

    A "window" covers the time from `start` to `end` of a log: the claim holds once windows that were `proved`
    cover what the contract needs without a gap and without an event. An "exposure" is one shard's share of a soak: the
    claim holds once every shard of its group is present, proved, long enough for the contract, and without an event.
    """

    kind: Literal["window", "exposure"]
    start: str  # RFC 3339, UTC
    end: str
    need_s: Annotated[float, Meta(gt=0)]  # the length of the claim according to the run; the gate uses the contract's
    proved: bool  # whether the source was alive and read to its end; if not, only the events count
    events: Count  # how often the claim was broken in it
    n: Count  # requests, or sessions
    hours: Annotated[float, Meta(ge=0)]  # connection-hours of an exposure
    hour_s: Annotated[float, Meta(gt=0)]  # seconds that an hour takes there: under 3600 is the twin's compressed time
    group: str  # the soak that the shards belong to
    shard: Count  # from 0
    shards: Annotated[int, Meta(ge=1)]

    def __post_init__(self) -> None:
        """Refuse a time that is none. Raises ValueError."""
        moment(self.start)
        moment(self.end)
