"""Evidence can't be improved: the contract says what a claim takes; a weaker, older or altered run proves less."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.evidence import Recorder
from gate.outcomes import Outcome
from gate.release.conclusion import Frame, conclude
from gate.release.gathering import gather
from gate.release.seal import KEY_VARIABLE, seal
from gate.release.store import MOST_LOOKED_BACK, Store
from gate.release.stored_run import StoredRun, Unusable, read
from gate.release.terms import MOST_AGE, Need, Terms
from gate.run import new_run_id
from gate.verdict import Key
from gate.verdict_document import Document, Override, encode
from probes.secret import Secret
from tests.gate.release.stores import NEEDS, START, shard, stored, window

ORDER: Key = ("threads.order", "")
SOAK: Key = ("websocket.one-hour", "")
DAY: Key = ("logs.zero-500-day", "")
P, F, PENDING = Outcome.PASSED, Outcome.FAILED, Outcome.PENDING


def judge(
    store: Store, required: dict[str, frozenset[Key]], after: timedelta = timedelta(days=2), asked: str = "rev-1"
) -> Document:
    frame = Frame(target="mini", environment="staging", profile="full", required=required, revision=asked, needs=NEEDS)
    return conclude(gather(store, "mini"), frame, new_run_id(), START + after)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


SMOKE = {"smoke": frozenset({ORDER})}


def test_a_day_is_as_long_as_the_contract_says_whatever_the_evidence_says(store: Store) -> None:
    store.put(stored({DAY: P}, phase="day", at_h=2, accruals={DAY: [window(0, 1) | {"need_s": 1.0}]}))
    document = judge(store, {"day": frozenset({DAY})})
    assert document.verdict == "INCONCLUSIVE"
    assert "1 of 24 hours" in document.checks[0].reason


@pytest.mark.parametrize("changed", [{"need_s": 1.0, "end": START + timedelta(minutes=1)}, {"hour_s": 60.0}])
def test_an_hour_is_as_long_as_the_contract_says(store: Store, changed: dict[str, Any]) -> None:
    store.put(stored({SOAK: P}, phase="soak", at_h=2, accruals={SOAK: [shard(0, 1) | changed]}))
    document = judge(store, {"soak": frozenset({SOAK})})
    assert (document.verdict, "too short shard 0" in document.checks[0].reason) == ("INCONCLUSIVE", True)


def test_a_window_is_no_share_of_a_soak(store: Store) -> None:
    store.put(stored({SOAK: P}, phase="soak", at_h=2, accruals={SOAK: [window(-48, 0)]}))
    assert judge(store, {"soak": frozenset({SOAK})}).verdict == "INCONCLUSIVE"


WEAKER: dict[str, Callable[[Document], Document]] = {
    "was a quick run": lambda document: replace(document, quick=True),
    "was weakened by NETRA_PROFILE (environment)": lambda document: replace(
        document, overrides=[Override("NETRA_PROFILE", "environment", weakens=True)]
    ),
    "had the profile 'tiny'": lambda document: replace(document, profile="tiny"),
}


@pytest.mark.parametrize("why", WEAKER)
def test_a_weaker_run_is_not_taken_for_a_full_one(store: Store, why: str) -> None:
    store.put(WEAKER[why](stored({ORDER: P})))
    document = judge(store, SMOKE)
    assert document.verdict == "INCONCLUSIVE"
    assert why in document.checks[0].reason
    assert any(why in note for note in document.notes)


@pytest.mark.parametrize("why", WEAKER)
def test_a_failure_of_a_weaker_run_counts(store: Store, why: str) -> None:
    store.put(WEAKER[why](stored({ORDER: F})))
    assert judge(store, SMOKE).verdict == "NO-GO"


def test_an_override_that_does_not_weaken_is_no_objection(store: Store) -> None:
    store.put(replace(stored({ORDER: P}), overrides=[Override("NETRA_DATABASE__URL", "environment", weakens=False)]))
    assert judge(store, SMOKE).verdict == "GO"


def test_a_pass_counts_for_thirty_days(store: Store) -> None:
    store.put(stored({ORDER: P}))
    assert judge(store, SMOKE, after=MOST_AGE).verdict == "GO"
    later = judge(store, SMOKE, after=MOST_AGE + timedelta(hours=1))
    assert (later.verdict, "a pass counts for 30 days" in later.checks[0].reason) == ("INCONCLUSIVE", True)


IMPOSSIBLE: dict[str, Callable[[Document], Document]] = {
    "in the future": lambda document: replace(document, started="2999-01-01T00:00:00Z", ended="2999-01-01T00:00:01Z"),
    "before it began": lambda document: replace(document, ended="2026-11-19T00:00:00Z"),
    "ends after the run itself": lambda document: replace(document, ended=document.started),
    "phase gate": lambda document: replace(document, phase="gate"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_what_no_run_can_say_is_refused_by_name(store: Store, what: str) -> None:
    run = stored({DAY: F}, phase="day", at_h=1, accruals={DAY: [window(0, 12, events=1)]})
    store.put(IMPOSSIBLE[what](run))
    document = judge(store, {"day": frozenset({DAY})})
    assert document.verdict == "INCONCLUSIVE"
    assert run.run_id in document.reason
    assert what in document.reason


def rewritten(
    store: Store, run: Document, change: Callable[[Document], Document], *, key: Secret | None = None
) -> None:
    """The stored run as somebody would leave it who may write into the store and knows how a digest is made."""
    assert store.folder is not None
    path = store.folder / "mini" / run.run_id / "verdict.json"
    found = read(run.run_id, path.read_bytes(), "mini")
    assert isinstance(found, StoredRun)
    before = found.document.seal.before if found.document.seal else None
    path.write_bytes(encode(seal(change(found.document), before, key)))


def passed(document: Document) -> Document:
    rows = [replace(row, outcome=P, reason="", actual="") for row in document.checks]
    return replace(document, checks=rows, counts={P: len(rows)}, verdict=stored({ORDER: P}).verdict, exit_code=0)


def test_an_edit_is_seen_by_the_runs_own_digest(store: Store) -> None:
    run = stored({ORDER: F})
    store.put(run)
    assert store.folder is not None
    path = store.folder / "mini" / run.run_id / "verdict.json"
    text = json.loads(path.read_text())
    path.write_text(json.dumps(text | {"profile": "other"}))
    assert "its digest does not match its content" in judge(store, SMOKE).reason


@pytest.mark.parametrize(
    "change, said",
    [
        ({"schema_version": 0}, "has schema version 0"),
        ({"schema_version": 99999}, "has schema version 99999"),
        ({"verdict": "MAYBE"}, "does not match the schema"),
        ({"surprise": 1}, "does not match the schema"),
        ({"profile": "other"}, "is not what was stored"),
    ],
)
def test_what_can_not_be_used_is_named_where_no_revision_is_known_and_where_it_may_be_the_newest(
    store: Store, change: dict[str, Any], said: str
) -> None:
    run = stored({ORDER: P}, at_h=1)
    store.put(run)
    assert store.folder is not None
    path = store.folder / "mini" / run.run_id / "verdict.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    alone = judge(store, SMOKE, asked="")
    assert (alone.verdict, f"run {run.run_id} {said}" in alone.reason) == ("INCONCLUSIVE", True), alone.reason
    store.put(stored({ORDER: P}, revision="rev-0"))
    newest = judge(store, SMOKE, asked="")
    assert (newest.revision, newest.verdict, said in newest.reason) == ("rev-0", "INCONCLUSIVE", True), newest.reason
    assert judge(store, SMOKE, asked="rev-0").verdict == "GO"


def test_an_edit_with_a_new_digest_is_seen_by_the_run_after_it(store: Store) -> None:
    failed, good = stored({ORDER: F}), stored({ORDER: P}, at_h=1)
    store.put(failed)
    store.put(good)
    rewritten(store, failed, passed)
    document = judge(store, SMOKE)
    assert document.verdict == "INCONCLUSIVE"
    assert f"run {failed.run_id} is not what was in the store before run {good.run_id}" in document.reason


def test_a_removal_is_seen_by_the_run_after_it(store: Store) -> None:
    failed, good = stored({ORDER: F}), stored({ORDER: P}, at_h=1)
    store.put(failed)
    store.put(good)
    assert store.folder is not None
    (store.folder / "mini" / failed.run_id / "verdict.json").unlink()
    document = judge(store, SMOKE)
    assert f"run {failed.run_id}, which was in the store before run {good.run_id}, is gone" in document.reason


@pytest.mark.parametrize("name", ["20260101T000000Z-%06x", "20990101T000000Z-%06x"])
def test_a_removal_is_seen_however_many_damaged_files_came_between(store: Store, name: str) -> None:
    """More than are compared with: somebody who can write to a store, but has no key, could end its chain with them."""
    failed, good = stored({ORDER: F}), stored({ORDER: P}, at_h=1)
    store.put(failed)
    assert store.folder is not None
    for number in range(MOST_LOOKED_BACK + 5):
        folder = store.folder / "mini" / (name % number)
        folder.mkdir()
        (folder / "verdict.json").write_bytes(b"{")
    store.put(good)
    for path in [store.folder / "mini" / failed.run_id, *store.folder.glob(f"mini/{name[:8]}*")]:
        shutil.rmtree(path)
    document = judge(store, SMOKE)
    assert f"run {failed.run_id}, which was in the store before run {good.run_id}, is gone" in document.reason


def test_runs_of_before_the_revision_may_be_tidied_away(store: Store) -> None:
    old = stored({ORDER: P}, revision="rev-0", at_h=-9)
    store.put(old)
    store.put(stored({ORDER: P}))
    assert store.folder is not None
    (store.folder / "mini" / old.run_id / "verdict.json").unlink()
    assert judge(store, SMOKE).verdict == "GO"


KEY = "a-key-of-more-than-sixteen-characters"


def test_with_a_key_no_run_can_be_made_without_it(tmp_path: Path) -> None:
    store, run = Store(str(tmp_path), Secret(KEY)), stored({ORDER: P})
    store.put(run)
    assert judge(store, SMOKE).verdict == "GO"
    rewritten(store, run, lambda document: document)
    assert f"not signed with {KEY_VARIABLE}" in judge(store, SMOKE).reason
    rewritten(store, run, lambda document: document, key=Secret("another-key-of-many-characters"))
    assert f"signed with another key than {KEY_VARIABLE}" in judge(store, SMOKE).reason


def test_a_run_without_a_digest_is_no_evidence() -> None:
    document = stored({ORDER: P})
    found = read(document.run_id, encode(document), "mini")
    assert isinstance(found, Unusable)
    assert "has no digest" in found.problem


@given(
    quick=st.booleans(),
    weakens=st.lists(st.booleans(), max_size=2),
    profile=st.sampled_from(["full", "tiny"]),
    days=st.integers(0, 60),
)
def test_whatever_is_weaker_never_lifts_an_objection(
    *, quick: bool, weakens: list[bool], profile: str, days: int
) -> None:
    terms, now = Terms(frozenset({"full"})), START + timedelta(days=days)
    run = replace(
        stored({ORDER: P}),
        quick=quick,
        profile=profile,
        overrides=[Override("NETRA_X", "environment", weakens=one) for one in weakens],
    )
    worse = [
        replace(run, quick=True),
        replace(run, profile="tiny"),
        replace(run, overrides=[*run.overrides, Override("NETRA_Y", "environment", weakens=True)]),
    ]
    if terms.objection(run, now):
        assert all(terms.objection(one, now) for one in worse)
        assert terms.objection(run, now + timedelta(days=1))


@pytest.mark.parametrize("compressed,length", [(True, 3600.0), (False, 0.0)])
def test_compressed_time_counts_where_the_twin_is_and_nowhere_else(*, compressed: bool, length: float) -> None:
    recorder = Recorder()
    recorder.accrue(**shard(0, 1) | {"end": START + timedelta(seconds=4), "hour_s": 4.0, "need_s": 4.0})
    assert Need("exposure", 3600.0, compressed=compressed).length(recorder.accruals[0]) == length


def test_what_can_be_discarded_is_whatever_is_in_the_store_and_whatever_is_gone_from_it(store: Store) -> None:
    gone, run = stored({ORDER: F}), stored({ORDER: P}, at_h=2)
    soak = stored({SOAK: P}, phase="soak", at_h=1, accruals={SOAK: [shard(0, 1)]})
    for document in (gone, soak, run):
        store.put(document)
    assert store.folder is not None
    (store.folder / "mini" / gone.run_id / "verdict.json").unlink()
    (store.folder / "mini" / run.run_id / "verdict.json").write_text("{")
    assert {gone.run_id, run.run_id, soak.run_id, "soak-1"} == set(gather(store, "mini").known_ids)


def test_a_discard_that_can_not_be_read_excuses_no_failure(store: Store, tmp_path: Path) -> None:
    failed, again = stored({ORDER: F}), stored({ORDER: P}, at_h=1)
    for run in (failed, again):
        store.put(run)
    assert judge(store, SMOKE).verdict == "NO-GO"
    folder = tmp_path / "store/mini/discarded"
    folder.mkdir()
    (folder / "other.json").write_text("{")
    assert judge(store, SMOKE).verdict == "NO-GO"
    store.discard("mini", failed.run_id, owner="ada", because="the VPN was down")
    document = judge(store, SMOKE)
    assert (document.verdict, "other.json can't be read" in document.reason) == ("INCONCLUSIVE", True)
