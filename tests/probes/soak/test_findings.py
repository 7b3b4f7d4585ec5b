"""What a soak's findings say: every broken promise with its figures, what is still owed, and how old sessions got."""

from dataclasses import replace

import pytest

from probes.soak.events import Back, Begin, Breach, Close, End, Gap, Moment, Open, Unfit
from probes.soak.ledger import MOST_EXAMPLES, Ledger
from probes.soak.soak_findings import SAID, Findings
from probes.websocket.closes import CloseClass
from tests.probes.soak.books import PACE, PLAN, VITALS, ledger_of, life

CUT, RESET, OURS, STALLED = (
    CloseClass.PLANNED_CUT,
    CloseClass.ABNORMAL,
    CloseClass.OURS,
    CloseClass.PING_TIMEOUT,
)


def test_early_ends_without_a_pattern_are_told_by_kind_age_and_the_first_of_them() -> None:
    lives = [
        life(4, 100.0, RESET, at=500.0),
        life(5, 700.0, RESET, at=100.0),
        life(6, 50.0, CloseClass.SERVER_ERROR, at=480.0),
        life(7, 3599.0, CUT),
    ]
    (said,) = Findings(PLAN, ledger_of(*lives)).broken
    assert said == (
        f"3 connections ended early (2 {RESET}, 1 {CloseClass.SERVER_ERROR}), at ages from 50 s to 700 s; first: line 6"
    )


def test_one_event_is_told_where_most_ended_in_a_second() -> None:
    lives = [life(line, 500.0 - 40 * line, CloseClass.GOING_AWAY, at=40.0 * line) for line in range(4)]
    (said,) = Findings(PLAN, ledger_of(*lives)).broken
    assert ", 4 sessions in one second: one event (a restart, a lost instance), no cut-off; first: line 0" in said


def test_as_many_at_a_moment_as_at_an_age_are_a_cut_off() -> None:
    """All opened together: the age explains it, and happens again."""
    (said,) = Findings(PLAN, ledger_of(*(life(line, 300.0, RESET) for line in range(4)))).broken
    assert "4 sessions at the age of 300 s: a cut-off" in said


def test_silent_sessions_that_end_with_the_others_are_in_the_same_finding() -> None:
    lives = [life(1, 10.0, RESET), life(2, 400.0, RESET, at=90.0, silent=30.0)]
    found = Findings(replace(PLAN, idle_s=60.0), ledger_of(*lives))
    assert found.broken == [f"2 connections ended early (2 {RESET}), at ages from 10 s to 400 s; first: line 1"]
    assert found.events == 2


def silent_findings(*closes: CloseClass, idle: float = 700.0) -> Findings:
    lives = [life(line, 3000.0, close, silent=300.0 + 60 * line) for line, close in enumerate(closes)]
    survived = [life(20, 3000.0, OURS, silent=30.0), life(21, 3000.0, OURS, silent=60.0)]
    return Findings(replace(PLAN, idle_s=idle), ledger_of(*lives, *survived, life(30, 3599.0, CUT)))


@pytest.mark.parametrize(
    "closes, how",
    [
        ((RESET, RESET, STALLED), "were cut"),
        ((RESET, STALLED), "were cut"),
        ((STALLED, RESET, STALLED), "stopped answering"),
    ],
)
def test_an_idle_cut_off_is_told_with_the_silence_that_was_survived(closes: tuple[CloseClass, ...], how: str) -> None:
    (said,) = silent_findings(*closes).broken
    assert said == (
        f"an idle cut-off: {len(closes)} connections that said nothing for 300 s or longer {how}, 60 s of silence were "
        "survived; first: line 0"
    )


def test_a_silence_that_no_one_promised_to_survive_breaks_nothing() -> None:
    found = silent_findings(RESET, RESET, RESET, idle=360.0)
    assert [one.line for one in found.cut_while_silent] == [0]
    assert found.events == 1
    assert not silent_findings(RESET, idle=300.0).broken
    only = Findings(replace(PLAN, idle_s=400.0), ledger_of(life(0, 3000.0, RESET, silent=300.0)))
    assert only.broken == [
        "an idle cut-off: 1 connections that said nothing for 300 s or longer were cut; first: line 0"
    ]


def test_a_broken_promise_is_told_by_its_sessions_its_number_and_its_first_detail() -> None:
    ledger = ledger_of(life(0, 3599.0, CUT))
    for number, (line, kind) in enumerate([(3, "state lost"), (1, "not back"), (1, "not back"), (2, "not back")]):
        ledger.apply(Breach(at=float(number), line=line, kind=kind, detail=f"detail {number}"))
    assert Findings(PLAN, ledger).broken == [
        f"2 {SAID['not back']} (3 times); first: detail 1",
        f"1 {SAID['state lost']} (1 times); first: detail 0",
    ]


def test_of_many_breaches_all_are_counted_and_the_first_are_kept() -> None:
    ledger = ledger_of()
    for number in range(MOST_EXAMPLES + 3):
        ledger.apply(Breach(at=0.0, line=number, kind="not back", detail=str(number)))
    assert [detail for _, detail in ledger.examples] == [str(number) for number in range(50)]
    assert ledger.breaches["not back"] == 53 == len(ledger.breach_lines["not back"])


@pytest.mark.parametrize(
    "duration, held, age, owed",
    [
        (1800.0, 1800.0, 3599.0, "bounded so far: 1800 s of the promised 3600 s were asked for"),
        (3600.0, 3598.0, 3600.0, "bounded so far: sessions were held for 3598 s of 3600 s"),
        (3600.0, 3599.0, 3599.0, "bounded so far: no connection reached the age of 3600 s, the oldest 3599 s"),
        (3600.0, 3599.0, 3600.0, ""),
        (7200.0, 7200.0, 3600.0, ""),
    ],
)
def test_what_is_owed_is_the_first_thing_that_is_missing(duration: float, held: float, age: float, owed: str) -> None:
    found = Findings(replace(PLAN, duration_s=duration), ledger_of(life(0, age, OURS), held=held))
    assert found.owed == owed


@pytest.mark.parametrize("due, seen", [(3600.0, 3600.0), (None, 3590.0), (3000.0, 3590.0)])
def test_a_planned_cut_counts_as_the_age_at_which_it_is_due(due: float | None, seen: float) -> None:
    plan = replace(PLAN, pace=replace(PACE, planned_cut_s=due))
    assert Findings(plan, ledger_of(life(0, 3590.0, CUT))).seen_s == seen
    assert Findings(plan, ledger_of(life(0, 3590.0, OURS))).seen_s == 3590.0
    assert Findings(plan, ledger_of(life(0, 100.0, OURS), life(1, 3590.0, CUT, silent=9.0))).seen_s == 100.0


def test_cuts_are_counted_for_each_session_of_the_last_run() -> None:
    lives = [life(line, 60.0, close) for line, close in [(0, CUT), (0, CUT), (0, OURS), (1, CUT), (2, OURS)]]
    assert Findings(PLAN, ledger_of(*lives)).cuts_a_session == (0, 2)
    assert Findings(PLAN, ledger_of(*lives[:4])).cuts_a_session == (1, 2)
    assert Findings(PLAN, ledger_of()).cuts_a_session == (0, 0)
    resumed = ledger_of(*lives)
    resumed.first_line = 1
    assert Findings(PLAN, resumed).cuts_a_session == (0, 1)


def test_ages_of_compressed_time_say_what_they_stand_for() -> None:
    assert Findings(PLAN, ledger_of()).age(61.6) == "62 s"
    assert Findings(replace(PLAN, hour_s=20.0), ledger_of()).age(10.26) == "10.3 s (stands for 1847 s)"


def test_connections_are_counted_by_the_ages_that_they_reached() -> None:
    lives = [life(0, 299.9, RESET), life(1, 300.0, RESET), life(2, 600.0, OURS), life(3, 3600.0, RESET)]
    found = Findings(PLAN, ledger_of(*lives)).by_age()
    assert [row["age_s"] for row in found] == [300.0 * number for number in range(13)]
    assert [row["seen"] for row in found] == [4, 3, 2, *[1] * 10]
    assert [row["ended_early"] for row in found] == [1, 1, *[0] * 10, 1]
    assert [row["age_s"] for row in Findings(replace(PLAN, need_s=10.0), ledger_of()).by_age(3)] == [
        0,
        3.333,
        6.667,
        10,
    ]


def test_a_run_that_was_resumed_numbers_its_sessions_on() -> None:
    ledger = Ledger()
    for at in (100.0, 200.0):
        ledger.apply(Begin(at=at, frame={"at": at}))
    ledger.first_line = 4
    ledger.apply(Open(at=200.0, line=1, number=1, since=200.0, silent=0.0))
    assert list(ledger.open) == [5]
    ledger.apply(Close(at=260.0, life=life(1, 60.0, CUT, at=200.0)))
    ledger.apply(Breach(at=250.0, line=1, kind="not back", detail=""))
    ledger.apply(Moment(at=255.0, open=3, p50=1.5, p95=2.5, rtt={"-3": 2}, held=10.0, vitals=VITALS))
    ledger.apply(Moment(at=256.0, open=2, p50=None, p95=None, rtt={"-3": 1, "7": 1}, held=1.0, vitals=VITALS))
    assert not ledger.open
    assert ([one.line for one in ledger.lives], ledger.breach_lines) == ([5], {"not back": {5}})
    assert (ledger.began_at, ledger.last_at, ledger.frame) == (100.0, 260.0, {"at": 200.0})
    assert (ledger.held_s, ledger.times.counts) == (11.0, {-3: 3, 7: 1})
    first, second = ledger.ticks
    assert ledger.slowest_back_s == 0
    assert (first.at, first.open, first.rtt_p50_ms, first.rtt_p95_ms) == (255.0, 3, 1.5, 2.5)
    assert (second.open, second.rtt_p50_ms) == (2, None)


def test_sessions_that_came_back_are_counted_with_the_slowest() -> None:
    ledger = ledger_of()
    for took, attempts in ((0.5, 1), (2.0, 3), (1.0, 1)):
        ledger.apply(Back(at=1.0, line=0, took=took, attempts=attempts))
    assert (ledger.slowest_back_s, ledger.attempts, ledger.backs.n) == (2.0, 5, 3)
    ledger.apply(Unfit(at=2.0, reason="the first"))
    ledger.apply(Unfit(at=3.0, reason="the second"))
    assert ledger.unfit == "the first"


def test_a_connection_that_is_open_is_as_old_as_the_last_event() -> None:
    ledger = Ledger()
    ledger.apply(Gap(at=100.0, since=90.0))
    assert (ledger.first_line, ledger.gaps) == (0, [(90.0, 100.0)])
    ledger.apply(Open(at=100.0, line=0, number=2, since=40.0, silent=7.0))
    ledger.apply(End(at=130.0, why="done"))
    (one,) = ledger.exposure.lives
    assert (one.line, one.number, one.opened_at, one.silent_s) == (0, 2, 100.0, 7.0)
    assert (one.age_s, one.session_age_s, one.close) == (30.0, 90.0, OURS)
    ledger.apply(Gap(at=200.0, since=140.0))
    assert (ledger.first_line, ledger.open, ledger.last_at) == (1, {}, 200.0)
    assert [one.age_s for one in ledger.lives] == [40.0]
