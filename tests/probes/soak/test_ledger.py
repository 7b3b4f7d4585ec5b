"""The books: what a journal rebuilds, what the findings make of it, and what they call it."""

import json
from pathlib import Path

import pytest

from probes.client_health.vitals import Vitals
from probes.errors import SourceRefused
from probes.soak.events import Begin, Breach, Close, Moment, Open
from probes.soak.journal import Journal, resume
from probes.soak.round_trips import Times
from probes.soak.shards import Shard, shard_of
from probes.soak.soak_findings import Findings
from probes.websocket.closes import CloseClass, Closed, classify, find_cluster
from tests.probes.soak.books import PLAN, VITALS, ledger_of, life


def test_an_hour_with_its_planned_cuts_is_all_that_is_owed() -> None:
    found = Findings(PLAN, ledger_of(*(life(line, 3599.0, CloseClass.PLANNED_CUT) for line in range(10))))
    assert (found.broken, found.owed, found.events) == ([], "", 0)


def test_sessions_that_never_grew_so_old_leave_the_hour_owed() -> None:
    found = Findings(PLAN, ledger_of(*(life(line, 1800.0, CloseClass.OURS) for line in range(10))))
    assert found.owed == "bounded so far: no connection reached the age of 3600 s, the oldest 1800 s"


def test_a_leak_is_told_by_the_sessions_age_and_not_by_the_connections() -> None:
    """Sessions are cut every 20 s and dropped at 61 s: at a connection's age of 1 s, which others outlive."""
    lives = []
    for line in range(9):
        lives += [life(line, 20.0, CloseClass.PLANNED_CUT, session_age=20.0 * number) for number in (1, 2, 3)]
        lives.append(life(line, 1.0, CloseClass.SERVER_ERROR, session_age=61.0, at=60.0 + 2 * line))
        lives.append(life(line, 20.0, CloseClass.PLANNED_CUT, session_age=81.0, at=62.0 + 2 * line))
    (said,) = Findings(PLAN, ledger_of(*lives)).broken
    assert "9 sessions when they were 61 s old, over their reconnects" in said


def test_every_broken_promise_counts_whatever_it_is() -> None:
    ledger = ledger_of(*(life(line, 300.0, CloseClass.ABNORMAL) for line in range(3)))
    for number in range(2):
        ledger.apply(Breach(at=float(number), line=number, kind="agent", detail="no answer"))
    assert Findings(PLAN, ledger).events == 3 + 2


def test_a_restart_is_told_by_its_moment() -> None:
    lives = [life(line, 500.0 - 40 * line, CloseClass.GOING_AWAY, at=40.0 * line) for line in range(10)]
    (said,) = Findings(PLAN, ledger_of(*lives)).broken
    assert "10 sessions in one second: one event" in said


def test_a_cut_off_is_told_by_its_age() -> None:
    lives = [life(line, 300.0 + line / 10, CloseClass.ABNORMAL, at=40.0 * line) for line in range(10)]
    (said,) = Findings(PLAN, ledger_of(*lives)).broken
    assert "10 sessions at the age of 300 s: a cut-off" in said


@pytest.mark.parametrize(
    "age,code,kind",
    [
        (3599.0, None, CloseClass.PLANNED_CUT),
        (3564.5, 1001, CloseClass.PLANNED_CUT),
        (3700.0, None, CloseClass.PLANNED_CUT),
        (3500.0, None, CloseClass.ABNORMAL),
        (3599.0, 1011, CloseClass.SERVER_ERROR),
        (3599.0, 1008, CloseClass.POLICY),
        (900.0, 1001, CloseClass.GOING_AWAY),
        (10.0, 4000, CloseClass.OTHER),
    ],
)
def test_a_planned_cut_is_one_at_its_age_and_no_error(age: float, code: int | None, kind: CloseClass) -> None:
    assert classify(Closed(code=code, reason="", age_s=age, by_us=False), planned_at_s=3600.0) is kind


def test_ten_thousand_closes_are_clustered_at_once() -> None:
    found = find_cluster([300 + number / 5000 for number in range(5000)] + [number * 0.7 for number in range(4000)])
    assert found is not None
    assert (round(found.age_s), found.count >= 5000) == (300, True)


def test_a_journal_rebuilds_the_books_up_to_the_line_it_died_in(tmp_path: Path) -> None:
    before = Journal(tmp_path / "before/soak.jsonl")
    before.note(Begin(at=100.0, frame={"target": "x"}))
    before.note(Open(at=101.0, line=0, number=1, since=101.0, silent=0.0))
    before.note(Open(at=101.0, line=1, number=1, since=101.0, silent=0.0))
    before.note(Close(at=121.0, life=life(1, 20.0, CloseClass.PLANNED_CUT, at=101.0)))
    before.note(Moment(at=130.0, open=1, p50=1.0, p95=2.0, rtt={"10": 5}, held=29.0, vitals=VITALS))
    before.close()
    path = tmp_path / "before/soak.jsonl"
    path.write_text(path.read_text() + '{"t":"open","at":131.0,"li')
    resumed = resume(path, tmp_path / "after/soak.jsonl")
    resumed.close()
    ledger = resumed.ledger
    assert ledger.gaps[0][0] == 130.0
    assert [(one.line, one.age_s, one.close) for one in ledger.lives] == [
        (1, 20.0, CloseClass.PLANNED_CUT),
        (0, 29.0, CloseClass.OURS),
    ]
    assert (ledger.held_s, ledger.times.n, ledger.first_line, ledger.open) == (29.0, 5, 2, {})
    kept = (tmp_path / "after/soak.jsonl").read_text().splitlines()
    assert [json.loads(line)["t"] for line in kept] == ["begin", "open", "open", "close", "tick", "gap"]


@pytest.mark.parametrize("text,said", [("", "had not begun"), ("{}\n", "line 1"), ("no JSON\n", "line 1")])
def test_what_is_no_journal_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "soak.jsonl").write_text(text)
    with pytest.raises(SourceRefused, match=said):
        resume(tmp_path / "soak.jsonl", tmp_path / "after.jsonl")


def test_percentiles_are_within_five_percent_and_little_is_kept() -> None:
    times = Times()
    for number in range(1, 100_001):
        times.add(number / 100)
    for share in (0.5, 0.95, 0.99):
        found = times.percentile(share)
        assert found is not None
        assert share * 1000 <= found <= share * 1000 * 1.051
    assert len(times.counts) < 300


@pytest.mark.parametrize(
    "lag,descriptors,unfit", [(1200, 10, False), (1300, 10, True), (0, 960, True), (0, 940, False)]
)
def test_who_stood_still_or_ran_out_of_descriptors_is_unfit(lag: float, descriptors: int, unfit: bool) -> None:  # noqa: FBT001 - a column of the table
    assert bool(Vitals(lag, 100.0, descriptors).unfit(5.0, 1000)) is unfit


def test_one_process_is_the_only_share() -> None:
    assert shard_of({}) == Shard(0, 1, "")
