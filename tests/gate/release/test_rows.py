"""The rows of the gate's verdict: what a case came to over all runs, each run's part in it, and known failures."""

from datetime import timedelta
from pathlib import Path

import pytest

from gate.document import missing_row
from gate.outcomes import Outcome
from gate.plots import WindowsPlot
from gate.release.rows import owed_row
from gate.verdict_document import Document
from tests.gate.release.releases import DAY, PENDING, SOAK, A, B, C, F, P, Release, day, smoke, soak, whole
from tests.gate.release.stores import HOUR, START


def test_a_case_that_passed_shows_nothing_to_do(release: Release) -> None:
    whole(release)
    for key in (A, SOAK, DAY):
        row = release.outcome(key)
        assert (row.outcome, row.reason, row.expected, row.actual, row.remedy, row.looking) == (P, "", "", "", "", "")
        assert row.required


def test_a_case_that_failed_keeps_what_its_run_saw_and_lists_every_run(release: Release) -> None:
    first, second = smoke(), smoke(F, at_h=1)
    release.add(first, second)
    row = release.outcome(A)
    assert (row.outcome, row.reason, row.actual) == (
        F,
        "expected it to hold, got FAILED",
        "expected it to hold, got FAILED",
    )
    assert row.remedy == "Fix 1"
    assert [(run.run_id, run.outcome, run.counts) for run in row.inputs] == [
        (first.run_id, P, True),
        (second.run_id, F, True),
    ]


def test_a_case_whose_outcome_is_the_merges_says_its_reason(release: Release) -> None:
    release.add(smoke(quick=True))
    row = release.outcome(A)
    assert row.outcome is PENDING
    assert "was a quick run, with smaller samples" in row.reason
    assert (row.expected, row.actual) == ("", row.reason)
    assert [run.counts for run in row.inputs] == [False]


def test_a_case_that_the_profile_does_not_ask_for_is_not_required(release: Release) -> None:
    release.add(smoke())
    row = release.outcome(C, release.judge(required={"smoke": frozenset({A})}))
    assert (row.outcome, row.required) == (P, False)


def test_a_claim_over_a_day_shows_its_windows_and_until_when_it_is_owed(release: Release) -> None:
    release.add(smoke(), day(0, 6), day(6, 12))
    row = release.outcome(DAY)
    assert row.outcome is PENDING
    assert [(window.start, window.end) for window in row.accruals] == [
        (f"2026-11-20T{start:02}:00:00Z", f"2026-11-20T{end:02}:00:00Z") for start, end in ((0, 6), (6, 12))
    ]
    assert row.figures[0].covered_s == 12 * HOUR.total_seconds()
    assert row.evidence["owed_until"].startswith("2026-11-21T00:00:00")
    assert row.plots == [WindowsPlot(spans=row.accruals)]
    release.add(day(12, 18), day(18, 24))
    assert "owed_until" not in release.outcome(DAY).evidence


def test_a_soak_has_its_shards_and_no_windows(release: Release) -> None:
    release.add(smoke(), soak(0), soak(1))
    row = release.outcome(SOAK)
    assert [shard.kind for shard in row.accruals] == ["exposure", "exposure"]
    assert not row.plots


@pytest.mark.parametrize(
    "phase, outcome, reason",
    [
        ("soak", PENDING, "no soak of this revision yet: make soak-staging"),
        ("day", PENDING, "no day phase of this revision yet: make day-staging"),
        ("smoke", missing_row(A).outcome, missing_row(A).reason),
    ],
)
def test_what_no_run_covered_is_owed_by_its_phase(phase: str, outcome: Outcome, reason: str) -> None:
    row = owed_row(A, phase)
    assert (row.key, row.outcome, row.reason) == (A, outcome, reason)
    assert missing_row(A).outcome is not PENDING


KNOWN_DAYS = 9  # how long tests.gate.release.stores accepts a failure


@pytest.mark.parametrize(
    "document, days, state",
    [
        (smoke(F, known=["threads.order"]), 1, "still fails"),
        (smoke(F, known=["threads.order"]), KNOWN_DAYS, "still fails"),
        (smoke(F, known=["threads.order"]), KNOWN_DAYS + 1, "expired"),
        (smoke(known=["threads.order"]), 1, "no longer fails"),
        (smoke(B, known=["threads.order"]), 1, "not seen"),
        (smoke(known=["threads.rename"]), 1, "not seen"),
        (smoke(known=["threads.rename"]), KNOWN_DAYS + 1, "expired"),
    ],
)
def test_a_known_failure_is_listed_with_what_became_of_it(
    tmp_path: Path, document: Document, days: float, state: str
) -> None:
    release = Release(tmp_path)
    release.add(document)
    known = release.judge(now=START + timedelta(days=days)).known_failures
    assert [(failure.name, failure.state) for failure in known] == [(document.known_failures[0].name, state)]


def test_a_known_failure_of_several_runs_is_listed_once(release: Release) -> None:
    release.add(smoke(F, known=["threads.order"]), smoke(F, known=["threads.order"], at_h=1))
    assert [failure.name for failure in release.judge().known_failures] == ["threads.order"]
