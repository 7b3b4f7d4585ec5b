"""A chart as inline SVG: two linear axes, and lines, dots and bars on them, in the page's own colours.

A plotting library would weigh more than everything else that the suite installs (100 MB) and take longer to import than
a report to write; seven kinds of plot with linear axes need this much of one.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from gate.figures import Number

INK, ACCENT, BAD, FAINT = "var(--ink)", "var(--accent)", "var(--bad)", "var(--faint)"
WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 10, 8, 46
MOST_TICKS = 6  # longer labels would overlap
STEPS = (1, 2, 5, 10)

Point = tuple[Number, Number]
Span = tuple[float, float]


def ticks(low: float, high: float, *, integer: bool = False) -> list[float]:
    """Round values between two bounds, at most `MOST_TICKS` of them, a step of 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / (MOST_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in STEPS if power * one >= rough * (1 - 1e-9))
    step = max(1.0, step) if integer else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def wide(low: float, high: float) -> Span:
    """The same bounds, moved apart if they are equal, so that the axis has a length."""
    return (low, high) if high > low else (low, low + 1.0)


class Chart:
    """Draws in the units of its two axes; later drawings are on top. Values beyond an axis are clipped."""

    def __init__(self, *, x: Span, y: Span, x_label: str, y_label: str) -> None:
        self._x, self._y = wide(*x), wide(*y)
        self._labels = (x_label, y_label)
        self._marks: list[str] = []
        self.x_names: list[tuple[float, str]] = []  # named places instead of numbers
        self.y_integer = False

    def line(self, points: Iterable[Point], colour: str, width: float = 1.6) -> None:
        """Points joined by straight lines."""
        joined = " ".join(f"{self._across(x):.1f},{self._up(y):.1f}" for x, y in points)
        self._marks.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>')

    def step(self, points: Sequence[Point], colour: str, width: float = 1.6) -> None:
        """Points joined by steps: a value holds until the next one."""
        held = [(after[0], before[1]) for before, after in pairwise(points)]
        stairs = [one for pair in zip(points, held, strict=False) for one in pair]
        self.line([*stairs, *points[-1:]], colour, width)

    def dots(self, points: Iterable[Point], colour: str, radius: float = 1.6) -> None:
        """A filled circle at each point."""
        self._circles(points, radius, f'fill="{colour}"')

    def rings(self, points: Iterable[Point], colour: str, radius: float = 4.0) -> None:
        """An empty circle around each point."""
        self._circles(points, radius, f'fill="none" stroke="{colour}"')

    def crosses(self, points: Iterable[Point], colour: str, reach: float = 3.0) -> None:
        """A cross at each point."""
        for across, up in self._placed(points):
            long = 2 * reach
            strokes = f"M{across - reach:.1f} {up - reach:.1f}l{long:g} {long:g}m0 {-long:g}l{-long:g} {long:g}"
            self._marks.append(f'<path class="mark" d="{strokes}" stroke="{colour}" fill="none"/>')

    def bar(self, span: Span, heights: Span, colour: str) -> None:
        """A filled box from one x to another and from one y to another."""
        left, right = (self._across(one) for one in span)
        bottom, top = (self._up(one) for one in heights)
        box = f'x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.5):.1f}" height="{max(bottom - top, 0):.1f}"'
        self._marks.append(f'<rect {box} fill="{colour}"/>')

    def rule(self, *, x: float | None = None, y: float | None = None, colour: str, dashed: bool = False) -> None:
        """A straight line through the whole chart: upright at x, level at y."""
        if x is not None:
            ends = f'x1="{self._across(x):.1f}" x2="{self._across(x):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"'
            self._marks.append(_stroke(ends, colour, dashed=dashed))
        if y is not None:
            ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self._up(y):.1f}" y2="{self._up(y):.1f}"'
            self._marks.append(_stroke(ends, colour, dashed=dashed))

    def svg(self, number: int, text: str) -> str:
        """The drawing, with its text alternative; `number` keeps the ids of several on one page apart."""
        inside = f'x="{LEFT}" y="{TOP - 4}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM + 4}"'
        clip = f'<clipPath id="p{number}-clip"><rect {inside}/></clipPath>'
        marks = f'<g clip-path="url(#p{number}-clip)">{"".join(self._marks)}</g>'
        head = (
            f'<svg role="img" aria-label="{escape(text)}" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="11" fill="{INK}">'
        )
        return f"{head}{clip}{self._axes()}{marks}</svg>"

    def _axes(self) -> str:
        floor, named = HEIGHT - BOTTOM, self.x_names or [(one, f"{one:,.4g}") for one in ticks(*self._x)]
        parts = [
            _stroke(f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"', FAINT),
            _stroke(f'x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{floor}"', FAINT),
        ]
        for place, name in named:
            across = self._across(place)
            parts.append(_stroke(f'x1="{across:.1f}" x2="{across:.1f}" y1="{floor}" y2="{floor + 4}"', FAINT))
            parts.append(f'<text x="{across:.1f}" y="{floor + 16}" text-anchor="middle">{escape(name)}</text>')
        for value in ticks(*self._y, integer=self.y_integer):
            up = self._up(value)
            parts.append(_stroke(f'x1="{LEFT - 4}" x2="{LEFT}" y1="{up:.1f}" y2="{up:.1f}"', FAINT))
            parts.append(f'<text x="{LEFT - 7}" y="{up + 4:.1f}" text-anchor="end">{value:,.4g}</text>')
        x_label, y_label = (escape(one) for one in self._labels)
        middle = (TOP + floor) / 2
        parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>')
        parts.append(
            f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>',
        )
        return "".join(parts)

    def _circles(self, points: Iterable[Point], radius: float, paint: str) -> None:
        for across, up in self._placed(points):
            self._marks.append(f'<circle class="mark" cx="{across:.1f}" cy="{up:.1f}" r="{radius:g}" {paint}/>')

    def _placed(self, points: Iterable[Point]) -> list[tuple[float, float]]:
        return [(self._across(x), self._up(y)) for x, y in points]

    def _across(self, x: Number) -> float:
        low, high = self._x
        return LEFT + (float(x) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def _up(self, y: Number) -> float:
        low, high = self._y
        return HEIGHT - BOTTOM - (float(y) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _stroke(ends: str, colour: str, *, dashed: bool = False) -> str:
    return f'<line {ends} stroke="{colour}"{" stroke-dasharray=" + chr(34) + "5 4" + chr(34) if dashed else ""}/>'
