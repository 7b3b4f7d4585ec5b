"""Each kind of plot, read off its picture: what is drawn is where the values are, in the colour that it should have."""

from typing import Any

import pytest

from gate.figures import Accrual
from gate.plots import (
    ClosesPlot,
    ErrorsByHourPlot,
    LatencyPlot,
    RoundTripPlot,
    SequencePlot,
    SessionsPlot,
    WindowsPlot,
)
from gate.report.plots import draw
from tests.gate.report.pictures import Picture


def latency(**changes: Any) -> LatencyPlot:  # noqa: ANN401 - the plot's fields
    return LatencyPlot(
        **{"ms": [30.0, 10.0], "client_ms": [40.0, 20.0], "limit_ms": 100.0, "clock": "server", **changes}
    )


def test_the_distribution_ends_below_one_where_calls_failed() -> None:
    svg, text = draw(latency(failed=2), 0)
    picture = Picture(svg, digits=2)
    assert picture.reach == pytest.approx((0, 0, 115, 1.02), abs=0.01)
    assert picture.labels == ["milliseconds, server's time; faint: the client's; dashed: the limit", "share of calls"]
    faint, decided = picture.marks("polyline")
    assert (faint.colour, faint.width) == ("faint", 1.0)
    assert (decided.colour, decided.width) == ("accent", 1.6)
    for line, (first, last) in ((faint, (20, 40)), (decided, (10, 30))):
        expected = [(first, 0.25), (last, 0.25), (last, 0.5)]
        assert line.places == [pytest.approx(place, abs=0.02) for place in expected]
    percentile, limit = picture.marks("line")
    assert [y for _, y in percentile.places] == pytest.approx([0.95, 0.95], abs=0.01)
    assert (percentile.colour, percentile.dashed, limit.colour, limit.dashed) == ("faint", False, "bad", True)
    assert [x for x, _ in limit.places] == pytest.approx([100, 100], abs=0.2)
    assert text == ("Distribution of 2 call times: 0 at or over the limit of 100 ms, 2 failed, slowest 30.0 ms.")


def test_a_call_at_the_limit_is_slow_and_the_slowest_has_room_beside_it() -> None:
    svg, text = draw(latency(ms=[100.0, 99.9, 200.0], percentile=0.5), 0)
    assert text == "Distribution of 3 call times: 2 at or over the limit of 100 ms, slowest 200.0 ms."
    assert Picture(svg).reach[2] == pytest.approx(210, abs=0.2)
    assert [y for _, y in Picture(svg, digits=2).marks("line")[0].places] == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("clock, client", [("server", []), ("client", [20.0])])
def test_the_clients_curve_is_named_only_beside_a_servers(clock: str, client: list[float]) -> None:
    picture = Picture(draw(latency(clock=clock, client_ms=client), 0)[0])
    assert picture.labels[0] == f"milliseconds, {clock}'s time; dashed: the limit"


def sequence(**changes: Any) -> SequencePlot:  # noqa: ANN401 - the plot's fields
    given = {
        "at_s": [0.0, 1.0, 2.0, 4.0],
        "ms": [10.0, 150.0, None, 30.0],
        "client_ms": [20.0, 200.0, None, 40.0],
        "cold": ["", "new instance", "new instance", ""],
        "limit_ms": 100.0,
        "clock": "server",
    }
    return SequencePlot(**{**given, **changes})


def test_every_call_is_a_dot_when_it_was_due() -> None:
    svg, text = draw(sequence(), 0)
    picture = Picture(svg)
    assert picture.reach == pytest.approx((0, 0, 4, 210), abs=0.3)
    assert picture.labels == [
        "seconds since the first call; ring: cold start, cross: failed",
        "milliseconds; faint: the client's",
    ]
    clients, decided = (picture.marks("circle", colour) for colour in ("faint", "accent"))
    assert [one.places[0] for one in clients] == [pytest.approx(one, abs=1) for one in [(0, 20), (1, 200), (4, 40)]]
    assert [one.places[0] for one in decided] == [pytest.approx(one, abs=1) for one in [(0, 10), (1, 150), (4, 30)]]
    assert {one.width for one in clients} == {1.2} != {one.width for one in decided} == {1.6}
    (ring,), (cross,) = picture.marks("ring", "bad"), picture.marks("path", "bad")
    assert ring.places[0] == pytest.approx((1, 150), abs=1)
    assert cross.places[0] == pytest.approx((2, 200), abs=1)  # as high as the slowest that was answered
    (limit,) = picture.marks("line")
    assert (limit.colour, limit.dashed) == ("bad", True)
    assert limit.places[0][1] == pytest.approx(100, abs=1)
    assert text.endswith("cold starts: 2 by a new instance; failed: 1.")


def test_a_client_that_decides_is_drawn_once() -> None:
    picture = Picture(draw(sequence(clock="client", ms=[10.0, 20.0, None, 30.0]), 0)[0])
    assert picture.labels[1] == "milliseconds"
    assert not picture.marks("circle", "faint")
    assert picture.reach[3] == pytest.approx(105, abs=0.3)  # the limit is the highest thing


@pytest.mark.parametrize("short", [{"ms": [1.0]}, {"client_ms": [1.0]}, {"cold": ["new instance"]}])
def test_lists_of_a_sequence_that_do_not_belong_together_are_refused(short: dict[str, list[float] | list[str]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        draw(sequence(**short), 0)


def test_open_sessions_are_steps_of_whole_numbers() -> None:
    svg, text = draw(SessionsPlot(at_s=[0.0, 10.0, 20.0], open=[1, 2, 0]), 0)
    later = Picture(draw(SessionsPlot(at_s=[10.0, 20.0], open=[1, 2]), 0)[0])
    assert later.reach[:3:2] == pytest.approx((0, 20), abs=0.1)
    picture = Picture(svg)
    assert text == "Open sessions over time, 2 at most."
    assert picture.labels == ["seconds since the first session opened", "open sessions"]
    assert picture.reach == pytest.approx((0, 0, 20, 2.1), abs=0.1)
    assert list(picture.y_ticks) == ["0", "1", "2"]
    (line,) = picture.marks()
    assert (line.colour, line.places) == ("accent", [(0, 1), (10, 1), (10, 2), (20, 2), (20, 0)])
    assert draw(SessionsPlot(at_s=[], open=[]), 0)[1] == "Open sessions over time, 0 at most."
    with pytest.raises(ValueError, match="zip"):
        draw(SessionsPlot(at_s=[0.0], open=[1, 2]), 0)


def test_planned_closes_stand_below_the_others_of_the_same_age() -> None:
    ages = {"planned cut": [10.0, 10.1, 10.5], "reset": [10.05, 5.5], "error": [5.6]}
    svg, text = draw(ClosesPlot(by_class=ages, planned_s=10), 0)
    picture = Picture(svg, digits=2)
    assert text == "Closes by age: 3 planned cut, 2 reset, 1 error."
    assert picture.labels == ["age at the close, seconds; dashed: the planned cut", "connections"]
    assert picture.reach == pytest.approx((5, 0, 11, 3.15), abs=0.02)
    assert list(picture.y_ticks) == ["0", "1", "2", "3"]
    bars = [(one.colour, *one.places[0], *one.places[1]) for one in picture.marks("rect")]
    width = 6 / 7  # seven values on six seconds, the planned cut among them
    expected = [("bad", 0, 0, 2), ("accent", 5, 0, 2), ("bad", 5, 2, 3), ("accent", 6, 0, 1)]
    assert bars == [
        (colour, *(pytest.approx(one, abs=0.03) for one in (5 + n * width, below, 5 + (n + 0.94) * width, above)))
        for colour, n, below, above in expected
    ]
    (cut,) = picture.marks("line")
    assert (cut.colour, cut.dashed) == ("faint", True)
    assert cut.places[0][0] == pytest.approx(10, abs=0.01)


def test_closes_without_a_planned_cut_have_no_line_for_it() -> None:
    picture = Picture(draw(ClosesPlot(by_class={"reset": [1.2, 4.5]}), 0)[0], digits=2)
    assert picture.labels[0] == "age at the close, seconds"
    assert picture.reach[:3:2] == pytest.approx((0, 5), abs=0.01)  # no age is negative
    assert [round(one.places[0][0]) for one in picture.marks("rect")] == [1, 4]  # five bars of a second
    assert [one.places[1][0] - one.places[0][0] for one in picture.marks()] == pytest.approx([0.94] * 2, abs=0.02)
    assert list(picture.y_ticks) == ["0", "1"]
    assert not picture.marks("line")


@pytest.mark.parametrize("closes, bars", [(59, 60), (400, 60), (19, 20)])
def test_closes_of_many_ages_have_at_most_sixty_bars(closes: int, bars: int) -> None:
    """The planned cut counts as a value; without one it is an age of zero."""
    ages = [0.5 + 9 * number / (closes - 1) for number in range(closes)]
    picture = Picture(draw(ClosesPlot(by_class={"reset": ages}), 0)[0], digits=3)
    wide = [one.places[1][0] - one.places[0][0] for one in picture.marks("rect")]
    assert wide == pytest.approx([0.94 * 10 / bars] * len(wide), abs=0.0022)
    assert sum(round(one.places[1][1]) for one in picture.marks("rect")) == closes


def test_a_round_trips_high_percentile_is_the_line_that_stands_out() -> None:
    svg, text = draw(RoundTripPlot(at_s=[0.0, 60.0, 120.0], p50_ms=[5.0, 6.0, 5.0], p95_ms=[9.0, 20.0, 8.0]), 0)
    picture = Picture(svg)
    assert text == "Round trip of an echo over time: p95 between 8.0 and 20.0 ms."
    assert picture.labels == ["seconds since the soak began", "echo, ms (p95; faint: p50)"]
    assert picture.reach == pytest.approx((0, 0, 120, 21), abs=0.2)
    p50, p95 = picture.marks()
    assert (p50.colour, p50.width, p95.colour, p95.width) == ("faint", 1.0, "accent", 1.6)
    assert p50.places == [pytest.approx(one, abs=0.2) for one in [(0, 5), (60, 6), (120, 5)]]
    assert p95.places == [pytest.approx(one, abs=0.2) for one in [(0, 9), (60, 20), (120, 8)]]
    for unequal in ({"p50_ms": [1.0], "p95_ms": [1.0, 2.0]}, {"p50_ms": [1.0, 2.0], "p95_ms": [1.0]}):
        with pytest.raises(ValueError, match="zip"):
            draw(RoundTripPlot(at_s=[0.0, 1.0], **unequal), 0)


def test_errors_by_hour_are_bars_and_the_worst_hour_is_named() -> None:
    hours, counts = [f"{hour:02}:00" for hour in range(13)], [0, 3, *[0] * 9, 1, 0]
    svg, text = draw(ErrorsByHourPlot(hours=hours, counts=counts), 0)
    assert text == "4 server errors in 13 hours, most of them (3) in the hour from 01:00."
    assert list(Picture(svg, x_ticks={one: float(one[:2]) for one in hours}).x_ticks) == hours[::3]
    picture = Picture(svg, x_ticks={one: float(one[:2]) for one in hours})
    assert picture.labels == ["hour (UTC)", "5xx"]
    assert picture.reach == pytest.approx((-0.5, 0, 12.5, 3.15), abs=0.1)
    assert [(one.colour, one.places) for one in picture.marks()] == [
        ("bad", [(0.6, 0), (1.4, 3)]),
        ("bad", [(10.6, 0), (11.4, 1)]),
    ]


def test_hours_without_errors_have_no_bar_and_no_worst() -> None:
    svg, text = draw(ErrorsByHourPlot(hours=["07:00", "08:00"], counts=[0, 0]), 0)
    picture = Picture(svg, x_ticks={"07:00": 0, "08:00": 1}, digits=2)
    assert text == "0 server errors in 2 hours."
    assert not picture.marks()
    assert picture.reach == pytest.approx((-0.5, 0, 1.5, 1.05), abs=0.02)
    assert draw(ErrorsByHourPlot(hours=["07:00"], counts=[2]), 0)[1] == (
        "2 server errors in 1 hour, most of them (2) in the hour from 07:00."
    )


def window(start: str, end: str, n: int, **changes: Any) -> Accrual:  # noqa: ANN401 - the accrual's fields
    given = {"kind": "window", "need_s": 86_400.0, "proved": True, "events": 0, "hours": 0.0, "hour_s": 3600.0}
    return Accrual(**{**given, "group": "", "shard": 0, "shards": 1, "start": start, "end": end, "n": n, **changes})


def test_a_window_of_a_log_is_as_wide_as_its_time_and_as_high_as_its_traffic() -> None:
    spans = [
        window("2026-03-01T02:00:00Z", "2026-03-01T04:00:00Z", 2_000, events=3, proved=False),
        window("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", 500),
        window("2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z", 250, proved=False),
    ]
    svg, text = draw(WindowsPlot(spans=spans), 0)
    picture = Picture(svg, digits=2)
    assert text == "3 server errors among 2,750 requests in 3 windows, of which 2 are not proved."
    assert picture.labels == ["hours since 01 Mar 00:00 UTC; pale: not proved; red: with 5xx", "requests per hour"]
    assert picture.reach == pytest.approx((0, 0, 3.92, 1050), abs=0.02, rel=0.001)
    expected = [("accent", 0, 0, 0.96, 500), ("faint", 1, 0, 1.96, 250), ("bad", 2, 0, 3.92, 1000)]
    for one, (colour, *box) in zip(picture.marks(), expected, strict=True):
        assert one.colour == colour
        assert [*one.places[0], *one.places[1]] == [
            pytest.approx(at, abs=err) for at, err in zip(box, (0.02, 6) * 2, strict=True)
        ]


def test_a_single_window_that_is_proved_is_said_to_be_nothing_else() -> None:
    spans = [window("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", 1)]
    assert draw(WindowsPlot(spans=spans), 0)[1] == "0 server errors among 1 requests in 1 window."
