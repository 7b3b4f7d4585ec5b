"""The kinds of plot as inline SVG, each with a text alternative."""

from collections.abc import Sequence
from datetime import datetime

from gate.figures import Number
from gate.plots import (
    ClosesPlot,
    ErrorsByHourPlot,
    LatencyPlot,
    Plot,
    RoundTripPlot,
    SequencePlot,
    SessionsPlot,
    WindowsPlot,
)
from gate.report.chart import ACCENT, BAD, FAINT, MOST_TICKS, Chart, Span

PLANNED = "planned cut"
MOST_BARS = 60
ROOM = 1.05  # above the highest point

Drawing = tuple[Chart, str]


def draw(plot: Plot, number: int) -> tuple[str, str]:
    """Draw one plot; return its SVG and its text alternative. `number` keeps ids of several plots apart."""
    chart, text = _drawing(plot)
    return chart.svg(number, text), text


def _latency(plot: LatencyPlot) -> Drawing:
    """The share of calls up to each time, by the deciding clock; with the client's and the limit."""
    values, limit = sorted(plot.ms), float(plot.limit_ms)
    client = "; faint: the client's" if plot.clock == "server" and plot.client_ms else ""
    chart = Chart(
        x=(0, max([limit * 1.15, *(one * ROOM for one in values[-1:])])),
        y=(0, 1.02),
        x_label=f"milliseconds, {plot.clock}'s time{client}; dashed: the limit",
        y_label="share of calls",
    )
    chart.rule(y=float(plot.percentile), colour=FAINT)
    chart.step(_shares(sorted(plot.client_ms), plot.failed), FAINT, 1.0)
    chart.step(_shares(values, plot.failed), ACCENT)
    chart.rule(x=limit, colour=BAD, dashed=True)
    slow = sum(value >= limit for value in values)
    failed = f", {plot.failed} failed" if plot.failed else ""
    slowest = f", slowest {values[-1]:.1f} ms" if values else ""
    return (
        chart,
        f"Distribution of {len(values)} call times: {slow} at or over the limit of {limit:g} ms{failed}{slowest}.",
    )


def _shares(values: Sequence[Number], failed: int) -> list[tuple[Number, float]]:
    """A curve that ends below 1 if calls failed: those were never answered."""
    total = len(values) + failed
    return [(value, (rank + 1) / total) for rank, value in enumerate(values)]


def _sequence(plot: SequencePlot) -> Drawing:
    """Every call at its due time: a stall is a slope of falling points, a cold start a ring, a failure a cross."""
    limit, at = float(plot.limit_ms), plot.at_s
    cold = list(plot.cold) or [""] * len(at)
    points = [(when, ms, kind) for when, ms, kind in zip(at, plot.ms, cold, strict=True) if ms is not None]
    by_client = list(zip(at, plot.client_ms, strict=True)) if plot.clock == "server" else []
    also = [(when, ms) for when, ms in by_client if ms is not None]
    top = max([limit, *(ms for _, ms, _ in points), *(ms for _, ms in also)])
    client = "; faint: the client's" if plot.clock == "server" else ""
    chart = Chart(
        x=_reach(at),
        y=(0, top * ROOM),
        x_label="seconds since the first call; ring: cold start, cross: failed",
        y_label=f"milliseconds{client}",
    )
    chart.dots(also, FAINT, 1.2)
    chart.dots([(when, ms) for when, ms, _ in points], ACCENT)
    chart.rings([(when, ms) for when, ms, kind in points if kind], BAD)
    failed = [when for when, ms in zip(at, plot.ms, strict=True) if ms is None]
    chart.crosses([(when, top) for when in failed], BAD)
    chart.rule(y=limit, colour=BAD, dashed=True)
    kinds = ", ".join(f"{cold.count(kind)} by a {kind}" for kind in sorted(set(cold)) if kind)
    return chart, (
        f"Time of each of {len(at)} calls in the order in which they were due; cold starts: {kinds or 'none'}; "
        f"failed: {len(failed)}."
    )


def _sessions(plot: SessionsPlot) -> Drawing:
    most = max(plot.open, default=0)
    chart = Chart(
        x=_reach(plot.at_s),
        y=(0, most * ROOM),
        x_label="seconds since the first session opened",
        y_label="open sessions",
    )
    chart.y_integer = True
    chart.step(list(zip(plot.at_s, plot.open, strict=True)), ACCENT)
    return chart, f"Open sessions over time, {most} at most."


def _closes(plot: ClosesPlot) -> Drawing:
    """Ages at close: planned closes in the plain colour, all others in the error colour."""
    ages = {kind: [float(age) for age in some] for kind, some in plot.by_class.items()}
    every = [age for some in ages.values() for age in some] + [float(plot.planned_s or 0)]
    low, high = max(0.0, min(every) - 0.5), max(every) + 0.5
    count = min(MOST_BARS, max(5, len(every)))
    width = (high - low) / count
    planned, other = [0] * count, [0] * count
    for kind, some in ages.items():
        for age in some:
            (planned if kind == PLANNED else other)[min(int((age - low) / width), count - 1)] += 1
    dashed = "; dashed: the planned cut" if plot.planned_s else ""
    most = max(one + two for one, two in zip(planned, other, strict=True))
    chart = Chart(
        x=(low, high), y=(0, most * ROOM), x_label=f"age at the close, seconds{dashed}", y_label="connections"
    )
    chart.y_integer = True
    for place, (below, above) in enumerate(zip(planned, other, strict=True)):
        span = (low + place * width, low + (place + 0.94) * width)
        for start, more, colour in ((0, below, ACCENT), (below, above, BAD)):
            if more:
                chart.bar(span, (start, start + more), colour)
    if plot.planned_s:
        chart.rule(x=float(plot.planned_s), colour=FAINT, dashed=True)
    return chart, "Closes by age: " + ", ".join(f"{len(some)} {kind}" for kind, some in plot.by_class.items()) + "."


def _rtt(plot: RoundTripPlot) -> Drawing:
    top = max([*plot.p95_ms, *plot.p50_ms])
    chart = Chart(
        x=_reach(plot.at_s),
        y=(0, top * ROOM),
        x_label="seconds since the soak began",
        y_label="echo, ms (p95; faint: p50)",
    )
    chart.line(zip(plot.at_s, plot.p50_ms, strict=True), FAINT, 1.0)
    chart.line(zip(plot.at_s, plot.p95_ms, strict=True), ACCENT)
    return chart, f"Round trip of an echo over time: p95 between {min(plot.p95_ms):.1f} and {max(plot.p95_ms):.1f} ms."


def _errors_by_hour(plot: ErrorsByHourPlot) -> Drawing:
    hours, counts = plot.hours, plot.counts
    most = max([1, *counts])
    chart = Chart(x=(-0.5, len(hours) - 0.5), y=(0, most * ROOM), x_label="hour (UTC)", y_label="5xx")
    chart.y_integer = True
    step = max(1, -(-len(hours) // MOST_TICKS))
    chart.x_names = [(place, str(hours[place])) for place in range(0, len(hours), step)]
    for place, count in enumerate(counts):
        if count:
            chart.bar((place - 0.4, place + 0.4), (0, count), BAD)
    worst = f", most of them ({max(counts)}) in the hour from {hours[counts.index(max(counts))]}" if any(counts) else ""
    return chart, f"{sum(counts)} server errors in {len(hours)} hour{'s' if len(hours) != 1 else ''}{worst}."


def _windows(plot: WindowsPlot) -> Drawing:
    """What each window of a log covers: requests per hour, in the error colour if there were errors."""
    spans = sorted(plot.spans, key=lambda one: one.start)
    begun = datetime.fromisoformat(spans[0].start)
    bars: list[tuple[Span, float, str]] = []
    for one in spans:
        start, end = (
            (datetime.fromisoformat(moment) - begun).total_seconds() / 3600 for moment in (one.start, one.end)
        )
        colour = BAD if one.events else ACCENT if one.proved else FAINT
        bars.append(((start, start + (end - start) * 0.96), one.n / max(end - start, 1e-6), colour))
    chart = Chart(
        x=(0, max(right for (_, right), _, _ in bars)),
        y=(0, max(height for _, height, _ in bars) * ROOM),
        x_label=f"hours since {begun:%d %b %H:%M} UTC; pale: not proved; red: with 5xx",
        y_label="requests per hour",
    )
    for span, height, colour in bars:
        chart.bar(span, (0, height), colour)
    events, n = sum(one.events for one in spans), sum(one.n for one in spans)
    unproved = sum(not one.proved for one in spans)
    return chart, (
        f"{events} server errors among {n:,} requests in {len(spans)} window{'s' if len(spans) > 1 else ''}"
        f"{f', of which {unproved} are not proved' if unproved else ''}."
    )


def _reach(at_s: Sequence[Number]) -> Span:
    return min([0.0, *map(float, at_s)]), max([0.0, *map(float, at_s)])


def _drawing(plot: Plot) -> Drawing:  # noqa: PLR0911 - one kind a line
    match plot:
        case LatencyPlot():
            return _latency(plot)
        case SequencePlot():
            return _sequence(plot)
        case SessionsPlot():
            return _sessions(plot)
        case ClosesPlot():
            return _closes(plot)
        case RoundTripPlot():
            return _rtt(plot)
        case ErrorsByHourPlot():
            return _errors_by_hour(plot)
        case WindowsPlot():
            return _windows(plot)
