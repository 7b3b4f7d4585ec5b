"""What was seen of a revision before traffic, in the gate over all of its runs."""

import msgspec

from gate.outcomes import Outcome
from gate.verdict_document import Document
from tests.gate.release.releases import PENDING, REQUIRED, A, C, F, P, Release, smoke, whole
from tests.gate.release.stores import stored


def candidate(outcome: Outcome = P, *, revision: str = "rev-1", at_h: float = 0.0) -> Document:
    document = stored({A: outcome, C: P}, phase="candidate", revision=revision, at_h=at_h)
    return msgspec.structs.replace(document, release={"standing": "candidate, 0 % of traffic", "tag": "verify"})


def test_what_was_seen_before_traffic_proves_smoke_and_neither_the_hour_nor_the_day(release: Release) -> None:
    release.add(candidate())
    assert release.judge(required={"smoke": REQUIRED["smoke"]}).verdict == "GO"
    document = release.judge()
    assert document.verdict == "INCONCLUSIVE"
    assert document.reason.startswith("candidate, 0 % of traffic: ")
    assert {row.name for row in document.checks if row.outcome == PENDING} == {
        "websocket.one-hour",
        "logs.zero-500-day",
    }


def test_a_failure_before_traffic_is_a_failure(release: Release) -> None:
    release.add(candidate(F), smoke(at_h=1))
    assert release.judge(required={"smoke": REQUIRED["smoke"]}).verdict == "NO-GO"


def test_a_candidate_ends_nobodys_stint_and_is_not_the_newest_revision(release: Release) -> None:
    whole(release)
    release.add(candidate(revision="rev-2", at_h=40))
    document = release.judge()
    assert (document.revision, document.verdict) == ("rev-1", "GO")


def test_what_serves_meanwhile_does_not_make_a_candidates_evidence_older(release: Release) -> None:
    release.add(candidate(revision="rev-2", at_h=40), smoke(at_h=41))
    only = {"smoke": REQUIRED["smoke"]}
    assert release.judge("rev-2", required=only).verdict == "GO"
    release.add(smoke(revision="rev-2", at_h=42), smoke(at_h=43))
    assert release.judge("rev-2", required=only).verdict == "GO"
    release.add(candidate(revision="rev-2", at_h=44))
    assert any("from before another one was verified" in note for note in release.judge("rev-2", required=only).notes)
