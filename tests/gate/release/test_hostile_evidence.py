"""Who may write into a store chooses its texts, names of folders too: none of them is obeyed, or forges a line."""

import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from commands.gate import judge_again
from gate.outcomes import Outcome
from gate.redaction import Redactor
from gate.release.conclusion import Frame, conclude
from gate.release.gathering import gather
from gate.release.seal import seal
from gate.release.store import Store
from gate.run import new_run_id
from gate.verdict import Key
from gate.verdict_document import Document, encode
from probes.secret import Secret
from tests.gate.release.stores import START, stored
from tests.gate.test_plain_text import OBEYED, UNSEEN, rendered

ORDER: Key = ("threads.order", "")
CANARY = "canary-of-the-evidence-store"
FORGED = f"\x1b[2J\n::error::forged\n##[error]x\nVERDICT: GO revision=forged\n![x](https://evil.invalid) {CANARY}"


def forged() -> Document:
    own = FORGED.removesuffix(CANARY)  # a case's own words stay as they are, except for what is obeyed
    run = stored({ORDER: Outcome.FAILED}, known=[f"threads.other[{own}]"])
    shown = [replace(row, expected="one", actual=FORGED, requirement=FORGED, claim=FORGED) for row in run.checks]
    shown = [replace(row, case=own, name=f"threads.order[{own}]", family=own) for row in shown]
    run = replace(
        run, revision=f"rev-1{FORGED}", notes=[FORGED], release={"image": FORGED, FORGED: [FORGED]}, checks=shown
    )
    return seal(replace(run, interrupted=FORGED, reason=FORGED), None, None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One run that was forged whole, and folders and a discard that were named by the same hand."""
    store = Store(str(tmp_path / "store"), redactor=Redactor([Secret(CANARY)]))
    folder = tmp_path / "store/mini"
    run = forged()
    line = FORGED.replace("/", "")
    for name, file, body in (
        (run.run_id, "verdict.json", encode(run)),
        (f"20261120T000000Z{line}", "verdict.json", b"no JSON" + FORGED.encode()),
        (f"20261121T000000Z{line}", "begun.json", b"{}"),
        (
            "discarded",
            "x.json",
            json.dumps({"id": line, "owner": FORGED, "because": FORGED, "at": "2026-11-20T00:00:00Z"}).encode(),
        ),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / file).write_bytes(body)
    return store


def test_a_gate_shows_no_forged_text_as_its_own(store: Store, tmp_path: Path) -> None:
    frame = Frame(target="mini", environment="staging", profile="full", required={"smoke": frozenset({ORDER})})
    document = conclude(gather(store, "mini"), frame, new_run_id(), START + timedelta(days=2))
    assert (document.verdict, document.revision[:5]) == ("NO-GO", "rev-1")
    assert_plain(rendered(document, tmp_path))


def assert_plain(shown: dict[str, str]) -> None:
    for name, report in shown.items():
        assert CANARY not in report, name
        assert not UNSEEN.search(report), name
        assert not OBEYED.search(report), name
    said = [line for line in shown["terminal"].splitlines() if line.lstrip().upper().startswith("VERDICT:")]
    assert len(said) == 1
    assert said[0].startswith("VERDICT: NO-GO revision=rev-1")


def test_what_a_run_compares_itself_with_is_plain(store: Store) -> None:
    last = store.last("mini", "smoke")
    assert last is not None
    text = msgspec.json.encode(last).decode()
    assert CANARY not in text
    assert "\\nVERDICT: GO" not in text
    assert not OBEYED.search(text)


@pytest.mark.usefixtures("store")
def test_judging_a_stored_run_again_says_one_verdict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    judge_again(tmp_path / "store/mini" / forged().run_id)
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if line.lstrip().upper().startswith("VERDICT:")]
    assert said == [lines[-1]]
    assert said[0].startswith("VERDICT: NO-GO revision=rev-1")


def test_a_file_that_is_no_evidence_forges_no_verdict(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps({"run_id": f"x{FORGED}", "target": f"y{FORGED}"}))
    assert judge_again(tmp_path) == 10
    said = [line for line in capsys.readouterr().err.splitlines() if line.lstrip().upper().startswith("VERDICT:")]
    assert said == ["VERDICT: INCONCLUSIVE"]


@pytest.mark.parametrize("depth", [400, 900, 100_000])
def test_what_is_nested_without_end_is_corrupt_and_crashes_nothing(
    tmp_path: Path, depth: int, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run = Store(str(tmp_path / "store")), stored({ORDER: Outcome.FAILED})
    store.put(run)
    path = tmp_path / "store/mini" / run.run_id / "verdict.json"
    deep = b'"evidence": {"x": ' + b"[" * depth + b"]" * depth + b"}"
    path.write_bytes(path.read_bytes().replace(b'"evidence": {}', deep))
    frame = Frame(
        target="mini", environment="staging", profile="full", required={"smoke": frozenset({ORDER})}, revision="rev-1"
    )
    document = conclude(gather(store, "mini"), frame, new_run_id(), START + timedelta(days=2))
    assert document.verdict == "INCONCLUSIVE"
    assert f"run {run.run_id} is corrupt" in document.reason
    assert store.last("mini", "smoke") is None
    if depth < 100_000:  # more than that can't be named either
        assert judge_again(path) == 10
        assert "nested" in capsys.readouterr().err
