"""The gate over a real store of files: what is proved, owed, bounded or failed for one revision, and bad evidence."""

from datetime import timedelta

import pytest

from gate.release.conclusion import Frame, conclude
from gate.release.gathering import gather
from gate.release.store import StoreError
from gate.run import new_run_id
from gate.verdict_document import Document
from tests.gate.release.releases import DAY, REQUIRED, SOAK, A, F, Release, day, given, smoke, soak, whole
from tests.gate.release.stores import NEEDS, START


def test_smoke_every_shard_and_a_whole_day_are_go(release: Release) -> None:
    whole(release)
    document = release.judge()
    assert (document.verdict, document.exit_code) == ("GO", 0), document.reason
    assert document.revision == "rev-1"
    assert [one.phase for one in given(document).inputs] == ["smoke", "soak", "soak", *["day"] * 4]
    assert len(release.outcome(DAY, document).inputs) == 4


def test_smoke_alone_owes_the_hour_and_the_day(release: Release) -> None:
    release.add(smoke())
    document = release.judge()
    assert (document.verdict, document.exit_code) == ("INCONCLUSIVE", 10)
    assert set(document.missing) == {"websocket.one-hour", "logs.zero-500-day"}
    assert release.outcome(DAY, document).outcome == "PENDING"
    assert "make day-staging" in release.outcome(DAY, document).reason


def test_half_a_day_says_until_when_it_is_owed(release: Release) -> None:
    release.add(smoke(), soak(0, of=1), day(0, 6), day(6, 12))
    row = release.outcome(DAY)
    assert row.outcome == "PENDING"
    assert row.evidence["owed_until"] == "2026-11-21T00:00:00Z"
    assert row.figures[0].covered_s == 43_200


def test_a_missing_shard_is_inconclusive_and_named(release: Release) -> None:
    release.add(smoke(), soak(0, of=3), soak(2, of=3))
    document = release.judge(required={"smoke": REQUIRED["smoke"], "soak": REQUIRED["soak"]})
    assert document.verdict == "INCONCLUSIVE"
    assert "missing shard 1 of 3" in release.outcome(SOAK, document).reason


def test_trying_again_does_not_make_a_failure_go_away(release: Release) -> None:
    whole(release)
    release.add(smoke(F, at_h=30), *(smoke(at_h=hour) for hour in (31, 32, 33)))
    document = release.judge()
    assert document.verdict == "NO-GO"
    assert document.reason == "threads.order failed"


def test_a_discard_takes_a_failure_out_by_name_and_for_a_reason(release: Release) -> None:
    whole(release)
    failed = smoke(F, at_h=30)
    release.add(failed)
    release.store.discard("mini", failed.run_id, owner="ada", because="the VPN was down")
    document = release.judge()
    assert document.verdict == "GO"
    assert [one.owner for one in given(document).discarded] == ["ada"]
    note = next(one.note for one in given(document).inputs if one.run_id == failed.run_id)
    assert note == "discarded by ada: the VPN was down"


def test_the_first_word_on_a_run_stands(release: Release) -> None:
    release.store.discard("mini", "run-1", owner="ada", because="one")
    with pytest.raises(StoreError, match="already discarded"):
        release.store.discard("mini", "run-1", owner="bob", because="two")
    assert release.store.discards("mini")["run-1"].owner == "ada"


def test_a_new_revision_starts_afresh(release: Release) -> None:
    whole(release)
    release.add(smoke(revision="rev-2", at_h=40))
    document = release.judge()
    assert (document.revision, document.verdict) == ("rev-2", "INCONCLUSIVE")
    assert release.judge("rev-1").verdict == "GO"


def test_a_rollback_starts_afresh_and_takes_no_failure_away(release: Release) -> None:
    whole(release)
    release.add(smoke(revision="rev-2", at_h=40), smoke(at_h=41))
    document = release.judge()
    assert (document.revision, document.verdict) == ("rev-1", "INCONCLUSIVE")
    assert release.outcome(DAY, document).outcome == "PENDING"
    assert any("from before another one was verified" in note for note in document.notes)
    release.add(smoke(F, revision="rev-3", at_h=42), smoke(revision="rev-2", at_h=43), smoke(revision="rev-3", at_h=44))
    assert release.judge("rev-3").verdict == "NO-GO"


def test_what_passed_in_a_run_that_was_cut_short_is_not_proved(release: Release) -> None:
    release.add(smoke(interrupted="SIGTERM"))
    document = release.judge(required={"smoke": REQUIRED["smoke"]})
    assert document.verdict == "INCONCLUSIVE"
    assert "cut short: SIGTERM" in release.outcome(A, document).reason


def test_a_known_failure_is_accepted_until_its_date(release: Release) -> None:
    release.add(smoke(F, known=["threads.order"]))
    only = {"smoke": REQUIRED["smoke"]}
    document = release.judge(required=only)
    assert document.verdict == "GO"
    assert document.known_failures[0].state == "still fails"
    frame = Frame(target="mini", environment="local", profile="full", required=only, revision="", needs=NEEDS)
    later = conclude(gather(release.store, "mini"), frame, new_run_id(), START + timedelta(days=20))
    assert later.verdict == "NO-GO"


def test_rows_left_behind_are_a_doubt(release: Release) -> None:
    release.add(smoke(residue=3))
    assert "left 3 seeded rows" in release.judge(required={"smoke": REQUIRED["smoke"]}).reason


def spoil(release: Release, document: Document, how: str) -> None:
    path = release.folder / "mini" / document.run_id / "verdict.json"
    text = path.read_text()
    changed = {
        "half written": text[: len(text) // 2],
        "empty": "",
        "not JSON": "<html>",
        "not an object": "[]",
        "older schema": text.replace('"schema_version": 4', '"schema_version": 3'),
        "newer schema": text.replace('"schema_version": 4', '"schema_version": 5'),
        "another target": text.replace('"target": "mini"', '"target": "other"'),
        "renamed": text.replace(document.run_id, "20260101T000000Z-000000"),
        "a row's outcome changed": text.replace('"outcome": "FAILED"', '"outcome": "PASSED"'),
        "unknown outcome": text.replace('"outcome": "FAILED"', '"outcome": "FINE"'),
        "a key missing": text.replace('"checks"', '"cheques"'),
        "verdict changed": text.replace('"verdict": "NO-GO"', '"verdict": "GO"'),
    }[how]
    assert changed != text
    path.write_text(changed)


HOWS = [
    "half written",
    "empty",
    "not JSON",
    "not an object",
    "older schema",
    "newer schema",
    "another target",
    "renamed",
    "a row's outcome changed",
    "unknown outcome",
    "a key missing",
    "verdict changed",
]


@pytest.mark.parametrize("how", HOWS)
def test_bad_evidence_is_named_and_inconclusive(release: Release, how: str) -> None:
    whole(release)
    failed = smoke(F, at_h=30)
    release.add(failed)
    spoil(release, failed, how)
    before = {path: path.read_bytes() for path in release.folder.rglob("*.json")}
    document = release.judge()
    assert document.verdict == "INCONCLUSIVE"
    assert failed.run_id in document.reason
    assert before == {path: path.read_bytes() for path in release.folder.rglob("*.json")}
    release.store.discard("mini", failed.run_id, owner="ada", because="damaged")
    assert release.judge().verdict == "GO"


def test_bad_evidence_of_another_revision_is_not_this_ones(release: Release) -> None:
    old = smoke(revision="rev-0", at_h=-40)
    release.add(old)
    spoil(release, old, "older schema")
    whole(release)
    assert release.judge().verdict == "GO"


def test_evidence_that_a_gate_has_seen_can_not_vanish(release: Release) -> None:
    whole(release)
    failed = smoke(F, at_h=30)
    release.add(failed)
    release.add(release.judge())
    (release.folder / "mini" / failed.run_id / "verdict.json").unlink()
    document = release.judge()
    assert document.verdict == "INCONCLUSIVE"
    assert f"run {failed.run_id}, which gate" in document.reason


def test_failures_of_an_unknown_revision_are_a_doubt(release: Release) -> None:
    whole(release)
    release.add(smoke(F, revision="", at_h=31))
    document = release.judge()
    assert document.verdict == "INCONCLUSIVE"
    assert "does not know the revision" in document.reason


def test_an_empty_store_is_inconclusive(release: Release) -> None:
    document = release.judge()
    assert document.verdict == "INCONCLUSIVE"
    assert "has no run" in document.reason
