"""Other people's requests at a share of the traffic."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import scipy  # its parts are imported when they are used

from probes.comparison.share import FEWEST, Traffic, is_slower, requests_needed, traffic_of
from probes.logs.parsing import parse_entry

RATIO = 1.25


def entry(revision: str, status: int, latency: str, agent: str = "Mozilla/5.0", number: int = 0) -> dict[str, object]:
    return {
        "insertId": f"{revision}{number}",
        "logName": "projects/p/logs/run.googleapis.com%2Frequests",
        "timestamp": "2026-11-26T01:00:00Z",
        "resource": {"type": "cloud_run_revision", "labels": {"revision_name": revision, "service_name": "s"}},
        "httpRequest": {"status": status, "latency": latency, "userAgent": agent, "requestUrl": "https://h/api"},
    }


def test_our_own_requests_are_nobodys_traffic() -> None:
    listed = [
        entry("new", 200, "0.1s"),
        entry("new", 500, "0.2s"),
        entry("new", 200, "0.3s", "netra-verify/0.1.0 (run x)"),
        entry("new", 101, "3.5s"),
        entry("new", 101, "35s"),
        entry("old", 200, "0.4s"),
        entry("new", 404, "0.1s"),
        entry("new", 200, "no time"),
    ]
    parsed = [parse_entry(one | {"insertId": str(number)}) for number, one in enumerate(listed)]
    at = parsed[0].moment
    assert traffic_of(parsed, "new", "netra-verify/") == Traffic(
        requests=4, failed=1, seconds=(0.1,), sessions=2, cut_short=1, untimed=1, last=at
    )


@pytest.mark.parametrize(
    "asked_s, stopped",
    [
        (range(0, 100, 10), False),  # all the time
        (range(60, 100, 2), False),  # it began late, and goes on
        (range(0, 50, 2), True),  # halfway
        (range(0, 74, 2), True),
        ((), False),  # never: that there are too few says it
    ],
)
def test_traffic_that_came_and_then_stopped_is_seen(asked_s: Sequence[int], *, stopped: bool) -> None:
    """Known of Flagger (fluxcd/flagger#1011): where traffic ended halfway it went on by what came before."""
    since = datetime(2026, 11, 26, 1, tzinfo=UTC)
    stamps = [(since + timedelta(seconds=one)).isoformat() for one in asked_s]
    asked = [entry("new", 200, "0.1s", number=number) | {"timestamp": stamp} for number, stamp in enumerate(stamps)]
    traffic = traffic_of([parse_entry(one) for one in asked], "new", "netra-verify/")
    assert traffic.has_stopped(since, since + timedelta(seconds=100)) is stopped


def test_requests_of_a_revision_that_the_log_does_not_know_are_none() -> None:
    """Of the kind of fluxcd/flagger#1581: a query for the wrong name finds nothing, and nothing is not a pass."""
    listed = [parse_entry(entry("new", 200, "0.1s", number=number)) for number in range(300)]
    traffic = traffic_of(listed, "renamed", "netra-verify/")
    assert traffic == Traffic(requests=0, failed=0, seconds=(), sessions=0, cut_short=0)
    assert is_slower(traffic.seconds, [0.1] * 300, RATIO) is None


@pytest.mark.parametrize("rate, needed", [(0.01, 299), (0.05, 59), (0.001, 2995)])
def test_the_requests_needed_without_a_failure_are_enough_and_no_fewer_are(rate: float, needed: int) -> None:
    assert requests_needed(rate) == needed
    assert (1 - rate) ** needed <= 0.05 < (1 - rate) ** (needed - 1)


@pytest.mark.parametrize("ties", [False, True])
def test_the_decision_is_scipys_mann_whitney(*, ties: bool) -> None:
    chance = random.Random(ties)  # noqa: S311 - a simulation
    for _ in range(60):
        digits = 1 if ties else 9
        new = [round(chance.lognormvariate(0.3, 0.5), digits) + 0.1 for _ in range(40)]
        old = [round(chance.lognormvariate(0, 0.5), digits) + 0.1 for _ in range(60)]
        within = [time / RATIO for time in new]
        theirs = scipy.stats.mannwhitneyu(within, old, alternative="greater", method="asymptotic")
        if abs(theirs.pvalue - 0.05) > 1e-3:
            assert is_slower(new, old, RATIO) == (theirs.pvalue <= 0.05)


def test_close_to_five_percent_the_decision_is_still_scipys() -> None:
    """Few times on each side, with ties: half a rank more or less would decide otherwise here and there."""
    chance = random.Random(9)  # noqa: S311 - a simulation
    decided = set[bool]()
    for _ in range(1_500):
        sizes = chance.randint(FEWEST, FEWEST + 3), chance.randint(FEWEST, FEWEST + 3)
        new, old = (
            [0.5 + chance.randint(0, 40 - shift) / 10 for _ in range(n)] for n, shift in zip(sizes, (0, 9), strict=True)
        )
        theirs = scipy.stats.mannwhitneyu(new, old, alternative="greater", method="asymptotic").pvalue
        if abs(theirs - 0.05) > 1e-5:
            assert is_slower(new, old, 1.0) == (theirs <= 0.05)
            decided.add(bool(theirs <= 0.05))
    assert decided == {True, False}


@pytest.mark.parametrize("n, known", [(FEWEST - 1, False), (FEWEST, True)])
def test_twenty_times_on_either_side_are_enough(n: int, known: bool) -> None:  # noqa: FBT001 - a column of the table
    assert FEWEST == 20
    assert is_slower([9.0] * n, [1.0] * 100, RATIO) is (True if known else None)
    assert is_slower([1.0] * 100, [9.0] * n, RATIO) is (False if known else None)


@pytest.mark.parametrize(
    "status, failed, good", [(199, 0, 0), (200, 0, 1), (299, 0, 1), (300, 0, 0), (500, 1, 0), (599, 1, 0)]
)
def test_an_answer_is_good_or_failed_by_its_status(status: int, failed: int, good: int) -> None:
    traffic = traffic_of([parse_entry(entry("new", status, "0.5s"))], "new", "netra-verify/")
    assert (traffic.requests, traffic.failed, len(traffic.seconds), traffic.untimed) == (1, failed, good, 0)


@pytest.mark.parametrize("latency, cut", [("9.9s", 1), ("10s", 0), ("10.5s", 0), ("", 1), ("long", 1)])
def test_a_session_of_less_than_ten_seconds_was_cut_short(latency: str, cut: int) -> None:
    traffic = traffic_of([parse_entry(entry("new", 101, latency))], "new", "netra-verify/")
    assert (traffic.sessions, traffic.cut_short, traffic.requests) == (1, cut, 0)


def test_the_error_rate_is_held_at_the_limit_itself() -> None:
    chance, runs = random.Random(1), 1_000  # noqa: S311 - a simulation

    def times(factor: float, n: int) -> list[float]:
        return [factor * chance.lognormvariate(0, 0.7) for _ in range(n)]

    wrong = sum(bool(is_slower(times(RATIO, 30), times(1.0, 200), RATIO)) for _ in range(runs))
    assert scipy.stats.binom.sf(wrong - 1, runs, 0.05) > 1e-4


@pytest.mark.parametrize("new, old", [([], [1.0] * 100), ([1.0] * 100, []), ([9.0] * 19, [1.0] * 100)])
def test_traffic_that_stopped_on_a_side_says_nothing(new: list[float], old: list[float]) -> None:
    assert is_slower(new, old, RATIO) is None


def test_times_that_are_all_the_same_are_not_slower() -> None:
    assert is_slower([1.0] * 30, [1.0] * 30, RATIO) is False
