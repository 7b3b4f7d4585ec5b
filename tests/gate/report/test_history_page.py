"""The page of a target's history: its charts read off the pictures, its cells, and where it stops."""

import re
from typing import Any

import pytest

from gate.history import History, ShownFigure, ShownRow, ShownRun, build_history
from gate.outcomes import Outcome, Verdict
from gate.report.history import CHARTS, _cells, render_history
from gate.verdict_document import encode
from tests.gate.report.pictures import Picture
from tests.gate.report.samples import cause, document, row

LATENCY, ERRORS, SESSIONS, DURATIONS = range(4)


def shown(number: int, **given: Any) -> ShownRun:  # noqa: ANN401 - the run's fields
    """The n-th run, ten minutes after the one before; it took 10 s."""
    hour, minute = divmod(10 * number, 60)
    known = {
        "run_id": f"run-{number}",
        "revision": "r-1",
        "phase": "smoke",
        "verdict": "GO",
        "started": f"2026-01-07T{hour:02}:{minute:02}:00Z",
        "ended": f"2026-01-07T{hour:02}:{minute:02}:10Z",
    }
    return ShownRun(**{**known, **given})


def stating(number: int, check: str, **figure: Any) -> ShownRun:  # noqa: ANN401 - the figure's fields
    """The n-th run, which states one figure."""
    return shown(number, checks=[ShownRow(check, check, Outcome.PASSED, (ShownFigure(**figure),))])


def history(*runs: ShownRun) -> History:
    return History(target="t", where="w", runs=runs, revisions=(), causes=(), flaky=(), left_out={})


def chart(which: int, *runs: ShownRun) -> tuple[Picture, str]:
    """One of the charts of these runs, with the text that stands below it."""
    drawn = CHARTS[which](history(*runs))
    assert drawn
    labels = re.findall(r'y="230" text-anchor="middle">(.*?)</text>', drawn["svg"])
    every = max(1, -(-len(runs) // 6))
    return Picture(drawn["svg"], x_ticks={text: every * place for place, text in enumerate(labels)}), drawn["text"]


def test_the_p95_of_each_run_is_drawn_with_its_interval_and_the_limit() -> None:
    picture, text = chart(
        LATENCY,
        stating(0, "auth.latency", value=40.0, unit="ms", limit=100.0, interval=(30.0, 55.0)),
        stating(1, "auth.latency", value=120.0, unit="ms", limit=100.0, interval=(90.0, None)),
        stating(2, "auth.latency", value=100.0, unit="ms", limit=100.0, interval=(80.0, 150.0)),
    )
    assert text == "The p95 of the auth service in 3 runs, with its 95 % interval; dashed: the limit of 100 ms."
    assert picture.labels == ["runs, in order of time", "milliseconds, 95th percentile"]
    assert list(picture.x_ticks) == ["07 Jan 00:00", "07 Jan 00:10", "07 Jan 00:20"]
    assert picture.reach == pytest.approx((-0.5, 0, 2.5, 165), abs=0.4)
    intervals, dots = picture.marks("polyline"), picture.marks("circle")
    assert [(one.colour, one.width) for one in intervals] == [("faint", 3.0)] * 2
    assert [one.places for one in intervals] == [
        [pytest.approx((0, 30), abs=0.5), pytest.approx((0, 55), abs=0.5)],
        [pytest.approx((2, 80), abs=0.5), pytest.approx((2, 150), abs=0.5)],
    ]
    assert [(one.colour, one.width) for one in dots] == [("accent", 2.5), ("bad", 2.5), ("accent", 2.5)]
    assert [one.places[0] for one in dots] == [pytest.approx((n, ms), abs=0.5) for n, ms in enumerate((40, 120, 100))]
    (limit,) = picture.marks("line")
    assert (limit.colour, limit.dashed) == ("bad", True)
    assert limit.places[0][1] == pytest.approx(100, abs=0.5)


def test_without_a_limit_nothing_is_over_it() -> None:
    picture, _ = chart(LATENCY, stating(0, "auth.latency", value=40.0), stating(1, "auth.latency", value=20.0))
    assert [one.colour for one in picture.marks()] == ["accent", "accent"]
    assert picture.reach[3] == pytest.approx(44, abs=0.2)


def test_a_chart_of_many_runs_names_six_moments() -> None:
    def moments(number: int) -> list[str]:
        picture, _ = chart(DURATIONS, *(shown(place) for place in range(number)))
        return list(picture.x_ticks)

    assert [len(moments(number)) for number in (5, 6, 7, 12, 13)] == [5, 6, 4, 6, 5]
    assert moments(7)[1] == "07 Jan 00:20"


def test_server_errors_are_counted_run_by_run() -> None:
    picture, text = chart(ERRORS, stating(0, "logs.zero-500", value=0), stating(1, "logs.zero-500", value=4))
    assert text == "Server errors: entries of 500 to 599 in a run, in 2 runs; at most 4."
    assert [(one.colour, one.width, one.places[0]) for one in picture.marks()] == [
        ("accent", 2.5, (0.0, 0.0)),
        ("accent", 2.5, (1.0, 4.0)),
    ]
    assert picture.reach[3] == pytest.approx(4.4, abs=0.05)
    none, _ = chart(ERRORS, stating(0, "logs.zero-500", value=0), stating(1, "logs.zero-500", value=0))
    assert none.reach[3] == pytest.approx(1, abs=0.05)


def test_the_bound_on_drops_is_drawn_where_one_is_stated() -> None:
    picture, text = chart(
        SESSIONS,
        stating(0, "websocket.steady", value=0, hazard_per_hour=2.0),
        stating(1, "websocket.one-hour", value=0, hazard_per_hour=0.5),
    )
    assert text == "The upper bound (95 %) on dropped WebSocket sessions per hour in 2 runs."
    assert [one.places[0][1] for one in picture.marks()] == pytest.approx([2.0, 0.5], abs=0.05)
    assert picture.reach[3] == pytest.approx(2.2, abs=0.05)


def test_durations_are_coloured_by_the_verdict() -> None:
    verdicts = ["GO", "NO-GO", "INCONCLUSIVE", "GO"]
    picture, text = chart(DURATIONS, *(shown(place, verdict=one) for place, one in enumerate(verdicts)))
    assert text == "How long 4 runs of the smoke phase took; by colour GO, NO-GO and INCONCLUSIVE."
    assert [(one.colour, one.places[0][0]) for one in picture.marks()] == [
        ("accent", 0),
        ("accent", 3),
        ("bad", 1),
        ("faint", 2),
    ]
    assert {one.places[0][1] for one in picture.marks()} == {10.0}
    assert picture.reach[3] == pytest.approx(11, abs=0.1)


def test_what_no_run_states_has_no_chart() -> None:
    assert [draw(history(shown(0, phase="soak"))) for draw in CHARTS] == [None] * 4
    assert [draw(history(stating(0, "auth.latency", limit=1.0))) for draw in CHARTS][:3] == [None] * 3
    assert CHARTS[SESSIONS](history(stating(0, "websocket.steady", value=0))) is None


def of_documents(*documents: bytes) -> History:
    return build_history("mini", "here", [(f"run-{place}", body) for place, body in enumerate(documents)], [])


def test_a_revisions_cells_are_its_figures_in_words() -> None:
    figures = {
        "auth.latency": ShownFigure(value=41.256, unit="ms", interval=(38.04, 44.0)),
        "logs.zero-500": ShownFigure(value=3.0),
        "health.checks": ShownFigure(value=4, n=5),
        "websocket.steady": ShownFigure(value=0, hazard_per_hour=0.0512),
    }
    revision = of_documents(encode(document(row("a.b")))).revisions[0]
    assert _cells(revision) == {"p95": "", "errors": "", "health": "", "sessions": "", "took": "90 s"}
    rows = [ShownRow(check, check, Outcome.PASSED, (figure,)) for check, figure in figures.items()]
    revision.add(shown(1, checks=rows))
    assert _cells(revision) == {
        "p95": "41.3 ms (38 to 44)",
        "errors": "3",
        "health": "4 of 5",
        "sessions": "at most 0.051 per hour",
        "took": "50 s",
    }
    revision.add(stating(2, "auth.latency", value=7.0, unit="ms", interval=(None, 9.0)))
    assert _cells(revision)["p95"] == "7 ms"


def test_causes_have_a_column_for_each_of_the_last_ten_revisions() -> None:
    given = {"verdict": Verdict.NO_GO, "exit_code": 1, "causes": [cause("s", "a.b")]}
    runs = [
        encode(document(row("a.b"), revision=f"r-{place:02}", started=f"2026-01-07T10:{place:02}:00Z", **given))
        for place in range(12)
    ]
    page = render_history(of_documents(*runs))
    assert page.index("r-11") < page.index("r-00")
    named = [page.count(f"r-{place:02}") for place in range(12)]
    assert named[2] == named[10] > named[0] == named[1]


def test_the_page_has_one_title_and_no_script() -> None:
    page = render_history(of_documents(encode(document(row("a.b")))))
    assert page.count("<h1") == 1
    assert page.index("<h1") < page.index("<h2")
    assert "script-src &#39;none&#39;" in page
