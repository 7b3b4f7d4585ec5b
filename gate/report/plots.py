"""Plots as inline SVG in the page's colours: latency, sequence, sessions, closes, round trips, errors by hour."""

import io
import re
from collections.abc import Sequence
from datetime import datetime

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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

# Stand-ins that no theme uses; the SVG's own colours are replaced by the page's variables.
COLOURS = {"#010101": "var(--ink)", "#020202": "var(--accent)", "#030303": "var(--bad)", "#040404": "var(--faint)"}
INK, ACCENT, BAD, FAINT = COLOURS
MOST_TICKS = 6  # longer labels would run into each other
PLANNED = "planned cut"


def draw(plot: Plot, number: int) -> tuple[str, str]:
    """Draw one plot; return its SVG and its text alternative. `number` keeps ids of several plots apart."""
    figure = Figure(figsize=(6.4, 2.6))
    axes = figure.add_subplot()
    figure.subplots_adjust(left=0.1, right=0.985, bottom=0.18, top=0.97)  # a layout engine would draw it all twice
    text = _draw(axes, plot)
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=8)
    buffer = io.StringIO()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    FigureCanvasSVG(figure)
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(buffer.getvalue(), number, text), text


def _inline(svg: str, number: int, text: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id="|url\(#|xlink:href="#|href="#)', rf"\g<1>p{number}-", svg)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    for stand_in, variable in COLOURS.items():
        svg = svg.replace(stand_in, variable)
    label = text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _latency(axes: Axes, plot: LatencyPlot) -> str:
    """The share of calls up to each time, by the clock that decides; the client's beside it, and the limit."""
    values, limit, q = sorted(plot.ms), float(plot.limit_ms), float(plot.percentile)
    failed = plot.failed
    _shares(axes, sorted(plot.client_ms), failed, FAINT, 1.0)
    _shares(axes, values, failed, ACCENT, 1.6)
    axes.axvline(limit, color=BAD, linewidth=1.2, linestyle="--")
    axes.axhline(q, color=FAINT, linewidth=0.8)
    beside = "; faint: the client's" if plot.clock == "server" and plot.client_ms else ""
    axes.set(xlabel=f"milliseconds, {plot.clock}'s time{beside}; dashed: the limit", ylabel="share of calls")
    axes.set(ylim=(0, 1.02))
    axes.set_xlim(left=0, right=max([limit * 1.15, *(one * 1.05 for one in values[-1:])]))
    slow = sum(value >= limit for value in values)
    said = f", {failed} failed" if failed else ""
    slowest = f", slowest {values[-1]:.1f} ms" if values else ""
    return f"Distribution of {len(values)} call times: {slow} at or over the limit of {limit:g} ms{said}{slowest}."


def _shares(axes: Axes, values: Sequence[Number], failed: int, colour: str, width: float) -> None:
    """A curve that ends below 1 where calls failed: those never came."""
    total = len(values) + failed
    axes.step(values, [(rank + 1) / total for rank in range(len(values))], where="post", color=colour, linewidth=width)


def _sequence(axes: Axes, plot: SequencePlot) -> str:
    """Every call when it was due: a stall is a flank of falling points, a cold start a ring, a failure a cross."""
    limit = float(plot.limit_ms)
    at, client = plot.at_s, plot.client_ms
    cold = list(plot.cold) or [""] * len(at)
    points = [(when, ms, kind) for when, ms, kind in zip(at, plot.ms, cold, strict=True) if ms is not None]
    top = max([limit, *(ms for _, ms, _ in points), *(ms for ms in client if ms is not None)])
    if plot.clock == "server":
        also = [(when, ms) for when, ms in zip(at, client, strict=True) if ms is not None]
        axes.scatter([when for when, _ in also], [ms for _, ms in also], s=4, color=FAINT, linewidths=0)
    axes.scatter([when for when, _, _ in points], [ms for _, ms, _ in points], s=6, color=ACCENT, linewidths=0)
    rings = [(when, ms) for when, ms, kind in points if kind]
    axes.scatter([w for w, _ in rings], [ms for _, ms in rings], s=36, facecolors="none", edgecolors=BAD, linewidths=1)
    failed = [when for when, ms in zip(at, plot.ms, strict=True) if ms is None]
    axes.scatter(failed, [top] * len(failed), s=18, marker="x", color=BAD, linewidths=1)
    axes.axhline(limit, color=BAD, linewidth=1.2, linestyle="--")
    beside = "; faint: the client's" if plot.clock == "server" else ""
    axes.set(xlabel="seconds since the first call; ring: cold start, cross: failed", ylabel=f"milliseconds{beside}")
    axes.set_ylim(bottom=0, top=top * 1.05)
    kinds = ", ".join(f"{cold.count(kind)} by a {kind}" for kind in sorted(set(cold)) if kind)
    return (
        f"Time of each of {len(at)} calls in the order in which they were due; cold starts: {kinds or 'none'}; "
        f"failed: {len(failed)}."
    )


def _sessions(axes: Axes, plot: SessionsPlot) -> str:
    axes.step(plot.at_s, plot.open, where="post", color=ACCENT, linewidth=1.6)
    axes.set(xlabel="seconds since the first session opened", ylabel="open sessions")
    axes.set_ylim(bottom=0)
    return f"Open sessions over time, {max(plot.open, default=0)} at most."


def _closes(axes: Axes, plot: ClosesPlot) -> str:
    """Ages at the close: those that were planned in the plain colour, all others in the colour of what is wrong."""
    by_class = plot.by_class
    ages = [age for some in by_class.values() for age in some]
    groups = {
        ACCENT: by_class.get("planned cut", []),
        BAD: [a for c, some in by_class.items() if c != "planned cut" for a in some],
    }
    axes.hist(list(groups.values()), bins=min(60, max(5, len(ages))), color=list(groups), stacked=True)
    if plot.planned_s:
        axes.axvline(float(plot.planned_s), color=FAINT, linewidth=0.8, linestyle="--")
    axes.set(xlabel="age at the close, seconds" + ("; dashed: the planned cut" if plot.planned_s else ""))
    axes.set(ylabel="connections")
    return "Closes by age: " + ", ".join(f"{len(some)} {kind}" for kind, some in by_class.items()) + "."


def _rtt(axes: Axes, plot: RoundTripPlot) -> str:
    axes.plot(plot.at_s, plot.p95_ms, color=ACCENT, linewidth=1.4)
    axes.plot(plot.at_s, plot.p50_ms, color=FAINT, linewidth=1.0)
    axes.set(xlabel="seconds since the soak began", ylabel="echo, ms (p95; below it p50)")
    axes.set_ylim(bottom=0)
    return f"Round trip of an echo over time: p95 between {min(plot.p95_ms):.1f} and {max(plot.p95_ms):.1f} ms."


def _errors_by_hour(axes: Axes, plot: ErrorsByHourPlot) -> str:
    hours, counts = plot.hours, plot.counts
    axes.bar(range(len(counts)), counts, color=BAD)
    step = max(1, -(-len(hours) // MOST_TICKS))
    axes.set_xticks(range(0, len(hours), step), [str(hour) for hour in hours[::step]])
    axes.set_ylim(bottom=0, top=max(1, *counts) * 1.1 if counts else 1)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="hour (UTC)", ylabel="5xx")
    worst = f", most of them ({max(counts)}) in the hour from {hours[counts.index(max(counts))]}" if any(counts) else ""
    return f"{sum(counts)} server errors in {len(hours)} hour{'s' if len(hours) != 1 else ''}{worst}."


def _windows(axes: Axes, plot: WindowsPlot) -> str:
    """What each window of a log covers: requests an hour, in the colour of what is wrong where there were errors."""
    spans = sorted(plot.spans, key=lambda one: one.start)
    begun = datetime.fromisoformat(spans[0].start)
    for one in spans:
        start, end = (datetime.fromisoformat(moment) - begun for moment in (one.start, one.end))
        hours = max((end - start).total_seconds() / 3600, 1e-6)
        colour = BAD if one.events else ACCENT if one.proved else FAINT
        axes.bar(start.total_seconds() / 3600, one.n / hours, hours * 0.96, align="edge", color=colour)
    axes.set(xlabel=f"hours since {begun:%d %b %H:%M} UTC; pale: not proved; red: with 5xx", ylabel="requests an hour")
    events, n = sum(one.events for one in spans), sum(one.n for one in spans)
    unproved = sum(not one.proved for one in spans)
    return (
        f"{events} server errors among {n:,} requests in {len(spans)} window{'s' if len(spans) > 1 else ''}"
        f"{f', of which {unproved} are not proved' if unproved else ''}."
    )


def _draw(axes: Axes, plot: Plot) -> str:  # noqa: PLR0911 - one kind a line
    match plot:
        case LatencyPlot():
            return _latency(axes, plot)
        case SequencePlot():
            return _sequence(axes, plot)
        case SessionsPlot():
            return _sessions(axes, plot)
        case ClosesPlot():
            return _closes(axes, plot)
        case RoundTripPlot():
            return _rtt(axes, plot)
        case ErrorsByHourPlot():
            return _errors_by_hour(axes, plot)
        case WindowsPlot():
            return _windows(axes, plot)
