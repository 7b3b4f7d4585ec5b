"""The plots that a case can request: one struct per kind, distinguished by `kind`. The page draws them."""

from collections.abc import Mapping, Sequence

import msgspec

from gate.figures import Accrual, Number

Numbers = Sequence[Number]


class _Plot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all kinds have in common. A field's name says the unit of its times."""


class LatencyPlot(_Plot, frozen=True, tag="latency", kw_only=True):
    """The distribution of call times by the deciding clock, with the client's for comparison."""

    ms: Numbers  # of the calls that were answered
    client_ms: Numbers = ()
    limit_ms: Number
    clock: str  # "server" or "client"
    percentile: Number = 0.95
    failed: int = 0


class SequencePlot(_Plot, frozen=True, tag="sequence", kw_only=True):
    """Every call at the moment when it was due; None: it failed."""

    at_s: Numbers
    ms: Sequence[Number | None]
    client_ms: Sequence[Number | None] = ()
    cold: Sequence[str] = ()  # why a call was a cold start; empty: it was not
    limit_ms: Number
    clock: str = "client"


class SessionsPlot(_Plot, frozen=True, tag="sessions", kw_only=True):
    """Open sessions over time."""

    at_s: Numbers
    open: Sequence[int]


class ClosesPlot(_Plot, frozen=True, tag="closes", kw_only=True):
    """Ages of connections at their close, by class."""

    by_class: Mapping[str, Numbers]
    planned_s: Number | None = None  # the platform's planned cut


class RoundTripPlot(_Plot, frozen=True, tag="rtt", kw_only=True):
    """Round trips of an echo over time."""

    at_s: Numbers
    p50_ms: Numbers
    p95_ms: Numbers


class ErrorsByHourPlot(_Plot, frozen=True, tag="errors-by-hour", kw_only=True):
    """Server errors per hour."""

    hours: Sequence[str]
    counts: Sequence[int]


class WindowsPlot(_Plot, frozen=True, tag="windows", kw_only=True):
    """What the windows of a log cover."""

    spans: Sequence[Accrual]


Plot = LatencyPlot | SequencePlot | SessionsPlot | ClosesPlot | RoundTripPlot | ErrorsByHourPlot | WindowsPlot
