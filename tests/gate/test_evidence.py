"""What a case records comes out as its row's parts: the latest of each, in order, and not too much of it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gate.evidence import MOST_TRACES, Recorder
from gate.figures import Accrual, ServerLine, make_figure
from gate.plots import SessionsPlot

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LINE = ServerLine("2026-11-24T12:00:00Z", "ERROR", "a", "it broke")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_a_new_recorder_has_nothing(recorder: Recorder) -> None:
    assert not any(recorder.parts().values())
    assert (recorder.failed, recorder.lines_since, recorder.accruals, recorder.trace_ids) == (False, None, (), ())


def test_a_later_figure_of_a_rule_takes_the_earlier_ones_place(recorder: Recorder) -> None:
    recorder.figures(rule="p95", n=5, value=41.5, unit="ms", limit=100.0, confidence=0.95, window="a minute", extra=1)
    recorder.figures(rule="share", value=0.5)
    recorder.figures(rule="p95", n=6, value=float("inf"))
    later, share = recorder.parts()["figures"]
    assert (later.rule, later.n, later.value, later.unit, later.not_finite) == (
        "p95",
        6,
        None,
        "",
        {"value": "infinite"},
    )
    assert (share.rule, share.value, share.n, share.limit) == ("share", 0.5, None, None)
    recorder.figures(rule="p95", n=5, value=41.5, unit="ms", limit=100.0, confidence=0.95, window="a minute", extra=1)
    whole = recorder.parts()["figures"][0]
    assert (whole.limit, whole.confidence, whole.window, whole.details) == (100.0, 0.95, "a minute", {"extra": 1})


def test_requests_are_in_the_order_of_their_last_mention_and_keep_their_names(recorder: Recorder) -> None:
    recorder.trace("a", "GET /a")
    recorder.trace("b", "GET /b")
    recorder.trace("a")
    assert recorder.trace_ids == ("b", "a")
    recorder.trace("b", "PUT /b")
    assert [(one.trace_id, one.request) for one in recorder.parts()["traces"]] == [("a", "GET /a"), ("b", "PUT /b")]


def test_of_a_thousand_requests_the_last_ones_are_shown(recorder: Recorder) -> None:
    for number in range(1000):
        recorder.trace(f"{number}")
    assert len(recorder.trace_ids) == 1000
    assert [one.trace_id for one in recorder.parts()["traces"]] == [f"{number}" for number in range(960, 1000)]
    assert MOST_TRACES == 40


def test_of_command_lines_the_last_five_are_kept_each_once(recorder: Recorder) -> None:
    for number in (0, 1, 2, 2, 3, 4, 4, 5, 6):
        recorder.curl(f"curl {number}")
    assert recorder.parts()["curl"] == [f"curl {number}" for number in (2, 3, 4, 5, 6)]


def test_evidence_is_the_latest_of_a_name_as_json_holds_it(recorder: Recorder) -> None:
    recorder.attach("rows", (1, float("nan")))
    recorder.attach("when", NOON)
    recorder.attach("rows", {1: None})
    recorder.note_judgement({"found": ["x"]})
    assert recorder.parts()["evidence"] == {"rows": {"1": None}, "when": str(NOON), "found": ["x"]}


def test_what_a_run_adds_to_a_longer_claim_is_stated_in_utc(recorder: Recorder) -> None:
    begun = NOON.astimezone(timezone(timedelta(hours=5)))
    recorder.accrue(
        "window", start=begun, end=NOON + timedelta(milliseconds=1), need_s=60.0, proved=True, events=2, n=9
    )
    recorder.accrue("exposure", start=NOON, end=NOON, need_s=1, proved=False, events=0, n=0, hours=2.5, hour_s=5.0,
                    group="soak", shard=1, shards=3)  # fmt: skip
    window, exposure = recorder.accruals
    assert window == Accrual(
        kind="window", start="2026-11-24T12:00:00Z", end="2026-11-24T12:00:00.001000Z", need_s=60.0, proved=True,
        events=2, n=9, hours=0.0, hour_s=3600.0, group="", shard=0, shards=1
    )  # fmt: skip
    assert (exposure.hours, exposure.hour_s, exposure.group, exposure.shard, exposure.shards) == (
        2.5,
        5.0,
        "soak",
        1,
        3,
    )
    assert recorder.parts()["accruals"] == [window, exposure]


def test_lines_and_plots_are_kept_in_their_order(recorder: Recorder) -> None:
    plots = [SessionsPlot(at_s=[0.0], open=[number]) for number in (1, 2)]
    for plot in plots:
        recorder.plot(plot)
    recorder.server_lines([LINE])
    recorder.server_lines([LINE, LINE])
    assert recorder.parts()["plots"] == plots
    assert recorder.parts()["server_lines"] == [LINE] * 3


@pytest.mark.parametrize(
    "own, earlier, since",
    [(None, None, None), (NOON, None, NOON), (None, NOON, NOON), (NOON, NOON - timedelta(1), NOON - timedelta(1))],
)
def test_what_was_recorded_before_a_cases_turn_becomes_its_own(
    recorder: Recorder, own: datetime | None, earlier: datetime | None, since: datetime | None
) -> None:
    before = Recorder(lines_since=earlier)
    before.add_figure(make_figure("p95", value=1.0))
    before.attach("rows", [1])
    before.trace("a", "GET /a")
    before.curl("curl 1")
    recorder.lines_since = own
    recorder.attach("own", 0)
    recorder.take_over(before)
    parts = recorder.parts()
    assert parts == before.parts() | {"evidence": {"own": 0, "rows": [1]}}
    assert recorder.lines_since == since
