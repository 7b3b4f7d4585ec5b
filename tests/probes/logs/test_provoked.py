"""What a run provoked is found by the log alone; and a copied User-Agent hides nothing beyond our own outages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from probes.identity import Outage, RunIdentity
from probes.logs.entries import LogEntry
from probes.logs.parsing import parse_entry
from probes.logs.provoked import LONGEST, MOST, find_outages, is_marked, without_provoked
from probes.timing.window import parse_time

BEGUN = parse_time("2026-11-25T09:00:00Z")
RUN = "20261125T090000Z-abcdef"


def entry(second: float, outage: Outage, status: int = 200, *, agent: str = "", run: str = RUN) -> LogEntry:
    return parse_entry(
        {
            "logName": "projects/p/logs/run.googleapis.com%2Frequests",
            "timestamp": (BEGUN + timedelta(seconds=second)).isoformat(),
            "insertId": f"{second}-{status}-{agent}-{run}",
            "httpRequest": {"status": status, "userAgent": agent or RunIdentity(run, outage).user_agent},
        }
    )


OUTAGE = [entry(0, "outage begins"), entry(1, "outage", 503), entry(2, "outage", 503), entry(9, "outage ends")]


def test_the_503s_between_the_marks_are_the_runs_own() -> None:
    (outage,) = find_outages(reversed(OUTAGE))
    assert [error.status for error in outage.errors] == [503, 503]
    assert outage.text.startswith(f"2 x 503 provoked by run {RUN} from 2026-11-25 09:00:00")


NOT_EXCUSED: dict[str, LogEntry] = {
    "somebody else's": entry(5, "", 503, agent="Mozilla/5.0"),
    "an unmarked one of the same run": entry(5, "", 503),
    "another status": entry(5, "outage", 500),
    "before the outage": entry(-1, "outage", 503),
    "after it": entry(10, "outage", 503),
    "a copy that names another run": entry(5, "outage", 503, run="20261125T080000Z-fedcba"),
    "a copy with more in it": entry(5, "", 503, agent=f"{RunIdentity(RUN, 'outage').user_agent} curl"),
}


@pytest.mark.parametrize("what", NOT_EXCUSED)
def test_whatever_else_fails_meanwhile_still_counts(what: str) -> None:
    excused = [error for outage in find_outages([*OUTAGE, NOT_EXCUSED[what]]) for error in outage.errors]
    assert NOT_EXCUSED[what] not in excused
    assert len(excused) == 2


UNBOUNDED: dict[str, list[LogEntry]] = {
    "no beginning": OUTAGE[1:],
    "no end": OUTAGE[:-1],
    "a beginning that failed": [entry(0, "outage begins", 503), *OUTAGE[1:]],
    "longer than ours can be": [*OUTAGE[:-1], entry(LONGEST.total_seconds() + 1, "outage ends")],
}


@pytest.mark.parametrize("what", UNBOUNDED)
def test_an_outage_without_both_of_its_ends_excuses_nothing(what: str) -> None:
    assert not find_outages(UNBOUNDED[what])


def test_an_outage_excuses_no_more_than_one_run_asks() -> None:
    many = [entry(1 + number / 1000, "outage", 503) for number in range(MOST + 5)]
    (outage,) = find_outages([OUTAGE[0], *many, OUTAGE[-1]])
    assert len(outage.errors) == MOST


def test_only_requests_during_an_outage_are_marked() -> None:
    assert [is_marked(one) for one in (*OUTAGE, entry(3, ""))] == [True] * 4 + [False]


def traceback_at(second: float, trace: str = "") -> LogEntry:
    return parse_entry(
        {
            "logName": "projects/p/logs/run.googleapis.com%2Fstderr",
            "timestamp": (BEGUN + timedelta(seconds=second)).isoformat(),
            "insertId": f"traceback-{second}",
            "trace": trace,
            "textPayload": "Traceback (most recent call last):",
        }
    )


def test_a_traceback_over_frames_that_no_server_can_take_is_the_runs_own() -> None:
    sessions = [entry(0, "hostile frames", 101), entry(60, "", 101)]
    own, others, traced = traceback_at(0.3), traceback_at(60.3), traceback_at(0.4, "projects/p/traces/abc")
    assert without_provoked([own, others, traced], sessions) == [others, traced]


def lasting(latency: str) -> LogEntry:
    """A session of hostile frames that took this long, by the request log."""
    return replace(entry(0, "hostile frames", 101), latency=latency)


@pytest.mark.parametrize(
    "latency, second, own",
    [
        ("10s", -0.9, True),
        ("10s", -1.1, False),
        ("10s", 10.9, True),
        ("10s", 11.1, False),
        ("300s", 30.9, True),
        ("300s", 31.1, False),
        ("-5s", 0.9, True),
        ("-5s", 1.1, False),
        ("long", 0.9, True),
        ("inf", 1.1, False),
    ],
)
def test_a_traceback_is_the_runs_own_from_a_second_before_its_session_to_a_second_after(
    latency: str, second: float, *, own: bool
) -> None:
    written = [traceback_at(second)]
    assert without_provoked(written, [lasting(latency)]) == ([] if own else written)


def test_a_session_without_a_time_or_of_another_log_excuses_no_traceback() -> None:
    written = [traceback_at(0.1)]
    assert without_provoked(written, [replace(lasting("1s"), timestamp="")]) == written
    assert without_provoked(written, [replace(lasting("1s"), log_name="projects/p/logs/other")]) == written


def test_outages_of_several_runs_are_found_in_order_and_one_may_be_as_long_as_ours_can() -> None:
    later = [entry(20, "outage begins", run="b"), entry(20 + LONGEST.total_seconds(), "outage ends", run="b")]
    found = find_outages([*later, *OUTAGE])
    assert [(outage.run_id, len(outage.errors)) for outage in found] == [(RUN, 2), ("b", 0)]
    assert found[1].text == "0 x 503 provoked by run b from 2026-11-25 09:00:20 to 09:03:20 UTC"
    twice = [
        *OUTAGE,
        entry(11, "outage", 503),
        entry(12, "outage begins"),
        entry(13, "outage", 503),
        entry(14, "outage ends"),
    ]
    assert [len(outage.errors) for outage in find_outages(twice)] == [2, 1]
    again = [entry(0, "outage begins"), entry(1, "outage", 503), entry(2, "outage begins"), entry(3, "outage ends")]
    assert [outage.errors for outage in find_outages(again)] == [()]


def test_one_session_provokes_two_at_most_and_a_copied_agent_with_more_in_it_none() -> None:
    written = [traceback_at(0.1 * number) for number in range(5)]
    assert len(without_provoked(written, [entry(0, "hostile frames", 101)])) == 3
    copied = entry(0, "", 101, agent=f"{RunIdentity(RUN, 'hostile frames').user_agent} curl")
    assert without_provoked(written, [copied]) == written
