"""A chart's ticks are round, its marks are where their values are, and its labels are where a reader looks for them."""

import re
from xml.etree import ElementTree as ET  # what is read was drawn by this test

import pytest

from gate.report.chart import ACCENT, BAD, FAINT, MOST_TICKS, Chart, Span, ticks, wide


def pixels(**changes: Span) -> Chart:
    """A chart whose units are pixels: x from 62 to 630, y from 214 up to 8."""
    return Chart(x=changes.get("x", (0, 568)), y=changes.get("y", (0, 206)), x_label="time <s>", y_label="a & b")


def drawn(chart: Chart) -> list[dict[str, str]]:
    """The marks of a chart: each element's name and attributes."""
    group = ET.fromstring(chart.svg(0, "")).find("g")  # noqa: S314 - what is read was drawn by this test
    assert group is not None
    assert group.get("clip-path") == "url(#p0-clip)"
    return [{"tag": one.tag, **one.attrib} for one in group]


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (0, 5, [0, 1, 2, 3, 4, 5]),
        (0, 6, [0, 2, 4, 6]),
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 11, [0, 5, 10]),
        (0, 26, [0, 10, 20]),
        (0, 0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (0, 1000, [0, 200, 400, 600, 800, 1000]),
        (3, 9, [4, 6, 8]),
        (-7, 7, [-5, 0, 5]),
        (-0.5, 2.5, [0, 1, 2]),
        (0.1, 0.35, [0.1, 0.15, 0.2, 0.25, 0.3, 0.35]),
    ],
)
def test_ticks_are_one_two_or_five_apart(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)
    assert len(expected) <= MOST_TICKS == 6


def test_ticks_of_counts_are_whole_and_of_others_are_not() -> None:
    assert ticks(0, 1.05, integer=True) == [0, 1]
    assert ticks(0, 2.1, integer=True) == [0, 1, 2]
    assert ticks(0, 30, integer=True) == [0, 10, 20, 30]
    assert ticks(0, 1.05) == pytest.approx([0, 0.5, 1])


def test_an_axis_of_one_value_has_a_length() -> None:
    assert wide(3, 3) == (3, 4)
    assert wide(3, 3.5) == (3, 3.5)
    assert wide(3, 2) == (3, 4)


def test_a_line_joins_its_points_where_they_are() -> None:
    chart = pixels()
    chart.line([(0, 0), (100, 50.25), (568, 206)], ACCENT)
    chart.line([(1, 1)], FAINT, 1.0)
    one, other = drawn(chart)
    assert one == {
        "tag": "polyline",
        "points": "62.0,214.0 162.0,163.8 630.0,8.0",
        "fill": "none",
        "stroke": ACCENT,
        "stroke-width": "1.6",
    }
    assert (other["stroke"], other["stroke-width"]) == (FAINT, "1")


def test_axes_may_begin_elsewhere_than_at_zero() -> None:
    chart = pixels(x=(-100, 184), y=(50, 153))
    chart.line([(-100, 50), (42, 101.5), (184, 153)], ACCENT)
    assert drawn(chart)[0]["points"] == "62.0,214.0 346.0,111.0 630.0,8.0"


def test_a_step_holds_its_value_until_the_next_point() -> None:
    chart = pixels()
    chart.step([(0, 10), (100, 20), (300, 0)], ACCENT)
    chart.step([(5, 6)], FAINT, 1.0)
    chart.step([], FAINT)
    three, single, empty = drawn(chart)
    assert three["points"] == "62.0,204.0 162.0,204.0 162.0,194.0 362.0,194.0 362.0,214.0"
    assert three["stroke-width"] == "1.6"
    assert (single["points"], single["stroke-width"]) == ("67.0,208.0", "1")
    assert not empty["points"]


def test_dots_are_full_and_rings_are_empty_and_larger() -> None:
    chart = pixels()
    chart.dots([(10, 20), (30, 40)], ACCENT)
    chart.rings([(10, 20)], BAD)
    chart.dots([(0, 0)], FAINT, 1.2)
    assert drawn(chart) == [
        {"tag": "circle", "class": "mark", "cx": "72.0", "cy": "194.0", "r": "1.6", "fill": ACCENT},
        {"tag": "circle", "class": "mark", "cx": "92.0", "cy": "174.0", "r": "1.6", "fill": ACCENT},
        {"tag": "circle", "class": "mark", "cx": "72.0", "cy": "194.0", "r": "4", "fill": "none", "stroke": BAD},
        {"tag": "circle", "class": "mark", "cx": "62.0", "cy": "214.0", "r": "1.2", "fill": FAINT},
    ]


def test_a_cross_has_two_strokes_around_its_point() -> None:
    chart = pixels()
    chart.crosses([(100, 100)], BAD)
    chart.crosses([(100, 100)], BAD, 5)
    usual, wider = drawn(chart)
    assert usual["d"] == "M159.0 111.0l6 6m0 -6l-6 6"
    assert wider["d"] == "M157.0 109.0l10 10m0 -10l-10 10"
    assert (usual["stroke"], usual["fill"], usual["class"]) == (BAD, "none", "mark")


def test_a_bar_goes_from_one_place_to_another_and_is_never_too_thin_to_be_seen() -> None:
    chart = pixels()
    chart.bar((10, 30), (0, 50), ACCENT)
    chart.bar((10, 10.1), (20, 20), BAD)
    chart.bar((10, 11), (30, 10), BAD)  # upside down: without a height, not with a negative one
    full, thin, upside_down = drawn(chart)
    assert full == {"tag": "rect", "x": "72.0", "y": "164.0", "width": "20.0", "height": "50.0", "fill": ACCENT}
    assert (thin["width"], thin["height"]) == ("0.5", "0.0")
    assert (upside_down["width"], upside_down["height"]) == ("1.0", "0.0")


def test_a_rule_goes_through_the_whole_chart() -> None:
    chart = pixels()
    chart.rule(x=100, colour=BAD, dashed=True)
    chart.rule(y=100, colour=FAINT)
    chart.rule(x=0, y=0, colour=ACCENT)
    upright, level, *both = drawn(chart)
    assert upright == {
        "tag": "line",
        "x1": "162.0",
        "x2": "162.0",
        "y1": "8",
        "y2": "214",
        "stroke": BAD,
        "stroke-dasharray": "5 4",
    }
    assert level == {"tag": "line", "x1": "62", "x2": "630", "y1": "114.0", "y2": "114.0", "stroke": FAINT}
    assert [(one["x1"], one["y1"]) for one in both] == [("62.0", "8"), ("62", "214.0")]


def test_the_axes_have_lines_ticks_and_labels() -> None:
    svg = pixels(x=(0, 10), y=(0, 2000)).svg(7, 'calls "of" <users>')
    assert svg.startswith('<svg role="img" aria-label="calls &quot;of&quot; &lt;users&gt;" viewBox="0 0 640 260"')
    assert '<clipPath id="p7-clip"><rect x="62" y="4" width="568" height="210"/></clipPath>' in svg
    assert '<g clip-path="url(#p7-clip)">' in svg
    lines = re.findall(r'<line x1="(\S+)" x2="(\S+)" y1="(\S+)" y2="(\S+)" stroke="var\(--faint\)"/>', svg)
    assert lines[:4] == [
        ("62", "630", "214", "214"),
        ("62", "62", "8", "214"),
        ("62.0", "62.0", "214", "218"),
        ("175.6", "175.6", "214", "218"),
    ]
    assert lines[-2:] == [("58", "62", "59.5", "59.5"), ("58", "62", "8.0", "8.0")]
    assert '<text x="175.6" y="230" text-anchor="middle">2</text>' in svg
    assert '<text x="55" y="63.5" text-anchor="end">1,500</text>' in svg
    assert '<text x="346.0" y="252" text-anchor="middle">time &lt;s&gt;</text>' in svg
    assert '<text transform="translate(12 111.0) rotate(-90)" text-anchor="middle">a &amp; b</text>' in svg


def test_named_places_stand_instead_of_numbers() -> None:
    chart = pixels(x=(0, 2))
    chart.x_names = [(0, "first"), (1, "<second>")]
    found = re.findall(r'<text x="(\S+)" y="230" text-anchor="middle">(.*?)</text>', chart.svg(0, ""))
    assert found == [("62.0", "first"), ("346.0", "&lt;second&gt;")]


def test_counts_have_whole_ticks_only_where_that_is_asked_for() -> None:
    def labels(*, whole: bool) -> list[str]:
        chart = pixels(y=(0, 1))
        chart.y_integer = whole
        return re.findall(r'text-anchor="end">(.*?)</text>', chart.svg(0, ""))

    assert labels(whole=True) == ["0", "1"]
    assert labels(whole=False) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert not pixels().y_integer
