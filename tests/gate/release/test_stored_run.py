"""A stored verdict is judged again as it was judged at first."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gate.release.seal import seal
from gate.release.store import StoreError
from gate.release.stored_run import SKEW, StoredRun, Unusable, read, rejudge
from gate.verdict_document import SCHEMA_VERSION, Document, encode
from tests.gate.release.releases import B, F, Release, day, smoke, soak


@pytest.mark.parametrize(
    "document",
    [
        smoke(),
        smoke(F),
        smoke(B),
        smoke(F, known=["threads.order"]),
        smoke(known=["threads.order"]),
        smoke(residue=None),
        smoke(interrupted="SIGTERM"),
        day(0, 3),
        day(0, 3, events=1),
    ],
)
def test_a_stored_run_is_judged_again_alike(document: Document) -> None:
    found = read(document.run_id, encode(seal(document, None, None)), "mini")
    assert isinstance(found, StoredRun), found
    decision = rejudge(found.document)
    assert (decision.verdict, decision.reason) == (document.verdict, document.reason)


def test_a_gates_verdict_is_judged_again_alike(release: Release) -> None:
    release.add(smoke(F), soak(0, of=3))
    document = release.judge()
    found = read(document.run_id, encode(seal(document, None, None)), "mini")
    assert not isinstance(found, Unusable), found
    assert (rejudge(found.document).verdict, rejudge(found.document).reason) == ("NO-GO", document.reason)


LEFT_OUT, ANOTHER = "left out", "20270101T000000Z-abcdef"


def as_json(**changes: object) -> bytes:
    """A run's document with other values, which the schema may not allow, or without a key (`LEFT_OUT`)."""
    values: dict[str, Any] = json.loads(encode(smoke())) | changes
    return json.dumps({key: value for key, value in values.items() if value != LEFT_OUT}).encode()


ACCEPTED = {"name": "a.b", "owner": "ada", "reason": "x", "state": "not seen"}


def twice() -> bytes:
    """A run with a second row for a case that failed, in which it passed."""
    rows = json.loads(encode(smoke()))["checks"]
    counts = {"FAILED": 1, "PASSED": len(rows)}
    return as_json(checks=[rows[0] | {"outcome": "FAILED"}, *rows], counts=counts)


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-20T00:00:00", "2026-11-20", "2026-11-20T24:30:00Z"])
def test_a_window_whose_time_is_none_is_no_evidence(moment: str) -> None:
    document: dict[str, Any] = json.loads(encode(day(0, 3)))
    document["checks"][0]["accruals"][0]["start"] = moment
    found = read(document["run_id"], json.dumps(document).encode(), "mini")
    assert _problem(found).startswith("does not match the schema (")


@pytest.mark.parametrize(
    "body, why, revision",
    [
        (StoreError("x/verdict.json can't be read (Is a directory)"), "x/verdict.json can't be read", ""),
        (encode(smoke())[:500], "is corrupt or half written", ""),
        (b"\xff\xfe", "is corrupt or half written", ""),
        (b"[]", "is not a verdict (", ""),
        (b'{"schema_version": 2, "revision": "rev-1", ', "is corrupt or half written", ""),
        (as_json(schema_version=-1), f"has schema version -1, and this gate reads {SCHEMA_VERSION}: verify", "rev-1"),
        (as_json(schema_version=LEFT_OUT), "has schema version None", "rev-1"),
        (as_json(target=LEFT_OUT), "does not match the schema (Object missing required field `target`)", "rev-1"),
        (as_json(checks=7), "does not match the schema (Expected `array`, got `int` - at `$.checks`)", "rev-1"),
        (as_json(target="other"), "is evidence of another target, 'other'", "rev-1"),
        (as_json(run_id=ANOTHER), f"calls itself run {ANOTHER!r}: it was copied or renamed", "rev-1"),
        (as_json(counts={"PASSED": 3}), "has counts that do not match its rows: it was cut or changed", "rev-1"),
        (as_json(verdict="NO-GO", exit_code=1), "says NO-GO, but its own rows say GO: it was changed", "rev-1"),
        (as_json(started="2026-02-30T00:00:00Z"), "does not match the schema (day is out of range for month)", "rev-1"),
        (
            as_json(ended="0001-01-01T00:00:00+23:59"),
            "does not match the schema ('0001-01-01T00:00:00+23:59' is",
            "rev-1",
        ),
        (as_json(started="2026-11-20T01:00:00+01:00"), "began at 2026-11-20T01:00:00+01:00, which is not", "rev-1"),
        (twice(), "has two rows for one case: it was changed", "rev-1"),
        (
            as_json(known_failures=[ACCEPTED | {"expires": "2026-13-01"}]),
            "does not match the schema (month must",
            "rev-1",
        ),
        (as_json(phase="gate"), "has the phase gate, which does not match its content: it was changed", "rev-1"),
    ],
)
def test_what_can_not_be_used_says_why(body: bytes | StoreError, why: str, revision: str) -> None:
    found = read(smoke().run_id, body, "mini")
    assert isinstance(found, Unusable)
    assert found.run_id == smoke().run_id
    assert found.problem.startswith(why)
    assert found.revision == revision


def _ended(document: Document) -> datetime:
    return datetime.fromisoformat(document.ended)


@pytest.mark.parametrize(
    "now, why",
    [
        (lambda document: _ended(document) - SKEW, ""),
        (lambda document: _ended(document) - SKEW - timedelta(seconds=1), "began or ended in the future ("),
    ],
)
def test_a_reader_whose_clock_is_a_little_behind_reads_it_still(now: Callable[[Document], datetime], why: str) -> None:
    document = smoke()
    found = read(document.run_id, encode(seal(document, None, None)), "mini", now=now(document))
    assert found == Unusable(document.run_id, f"{why}{document.ended})", "rev-1") if why else not _problem(found)


def _problem(found: StoredRun | Unusable) -> str:
    return found.problem if isinstance(found, Unusable) else ""


@pytest.mark.parametrize(
    "start_s, end_s, why",
    [
        (-3600, SKEW.total_seconds(), ""),
        (-3600, SKEW.total_seconds() + 1, "adds to logs.zero-500-day a window that ends after the run itself ("),
        (-3600, -3600, ""),
        (-3600, -3601, "adds to logs.zero-500-day a window that ends before it starts ("),
    ],
)
def test_what_a_run_adds_lies_in_its_time(start_s: float, end_s: float, why: str) -> None:
    document = day(0, 3)
    (row,) = document.checks
    start, end = (
        (_ended(document) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
        for seconds in (start_s, end_s)
    )
    row = replace(row, accruals=[replace(one, start=start, end=end) for one in row.accruals])
    changed = seal(replace(document, checks=[row]), None, None)
    found = read(document.run_id, encode(changed), "mini")
    assert _problem(found) == (f"{why}{end})" if why else "")


def test_the_rows_of_a_run_are_found_by_check_and_case() -> None:
    document = smoke()
    found = read(document.run_id, encode(seal(document, None, None)), "mini")
    assert isinstance(found, StoredRun)
    assert found.id == document.run_id
    assert {key: row.name for key, row in found.rows.items()} == {
        ("threads.order", ""): "threads.order",
        ("auth.accepts", "rest"): "auth.accepts[rest]",
    }
