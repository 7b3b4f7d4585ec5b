"""A soak's state in one line, and its evidence on disk."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.soak.events import Begin, Breach, End
from probes.soak.journal import Journal, resume
from probes.soak.progress import Progress, clock

STATE = Progress(
    open=98,
    total=100,
    youngest_s=59.9,
    oldest_s=3_661.0,
    closes=Counter(),
    breaches=0,
    back=0,
    rtt_p50_ms=None,
    rtt_p95_ms=None,
    left_s=0.0,
)


@pytest.mark.parametrize(
    "seconds, said",
    [
        (0, "0:00"),
        (9.9, "0:09"),
        (60, "1:00"),
        (3_599.9, "59:59"),
        (3_600, "1:00:00"),
        (7_325, "2:02:05"),
        (86_400, "24:00:00"),
    ],
)
def test_seconds_are_shown_as_on_a_clock(seconds: float, said: str) -> None:
    assert clock(seconds) == said


def test_a_state_is_one_line() -> None:
    quiet = "98/100 sessions, ages 0:59 to 1:01:01, closes: none, 0 back, rtt p50/p95 -, 0:00 left"
    assert str(STATE) == quiet
    assert str(replace(STATE, rtt_p50_ms=1.0)) == quiet
    assert str(replace(STATE, rtt_p95_ms=1.0)) == quiet
    closes = Counter({"abnormal": 1, "planned cut": 12})
    full = replace(STATE, closes=closes, breaches=2, back=13, rtt_p50_ms=1.25, rtt_p95_ms=10.0, left_s=61.0)
    assert str(full) == (
        "98/100 sessions, ages 0:59 to 1:01:01, closes: 12 planned cut, 1 abnormal, 13 back, 2 broken promises, "
        "rtt p50/p95 1.2/10.0 ms, 1:01 left"
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_written_was_cleaned_and_what_is_known_was_not(tmp_path: Path) -> None:
    def clean(values: dict[str, Any]) -> dict[str, Any]:
        return {key: "***" if value == "opensesame" else value for key, value in values.items()}

    journal = Journal(tmp_path / "new/folder/soak.jsonl", clean=clean)
    journal.note(Begin(at=1.0, frame={"target": "x"}))
    journal.note(Breach(at=2.0, line=0, kind="agent", detail="opensesame"))
    journal.flush()
    assert lines(tmp_path / "new/folder/soak.jsonl")[1]["detail"] == "***"
    assert journal.ledger.examples == [("agent", "opensesame")]
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        journal.note(End(at=3.0, why="over"))


def test_a_journal_is_appended_to(tmp_path: Path) -> None:
    for at in (1.0, 2.0):
        journal = Journal(tmp_path / "soak.jsonl")
        journal.note(Begin(at=at, frame={"target": "x"}))
        journal.close()
    assert [line["at"] for line in lines(tmp_path / "soak.jsonl")] == [1.0, 2.0]


def test_a_journal_that_does_not_exist_is_named_with_the_reason(tmp_path: Path) -> None:
    before = tmp_path / "nowhere.jsonl"
    with pytest.raises(SourceRefused) as caught:
        resume(before, tmp_path / "after.jsonl")
    assert str(caught.value) == f"the journal {before}: can't be read: No such file or directory"


@pytest.mark.parametrize(
    "line", ['{"t":"begin","at":1.0,"frame":{},"odd":1}', '{"t":"other","at":1.0}', '{"t":"end","at":"x","why":""}']
)
def test_a_line_that_is_no_event_is_named_by_its_number(line: str, tmp_path: Path) -> None:
    before = tmp_path / "soak.jsonl"
    before.write_text(f'{{"t":"begin","at":1.0,"frame":{{"target":"x"}}}}\n{line}\n')
    with pytest.raises(SourceRefused) as caught:
        resume(before, tmp_path / "after.jsonl")
    assert str(caught.value).startswith(f"the journal {before}: line 2 is not an event of a soak: ")
    assert not (tmp_path / "after.jsonl").exists()


def test_a_resumed_journal_goes_on_in_a_folder_of_its_own_with_the_gap_noted(tmp_path: Path) -> None:
    before, after = tmp_path / "soak.jsonl", tmp_path / "new/folder/soak.jsonl"
    before.write_text('{"t":"begin","at":1.0,"frame":{"target":"x"}}\n{"t":"end","at":7.5,"why":"over"}\n{"t":"e')
    journal = resume(before, after, clean=lambda values: {**values, "cleaned": True})
    journal.close()
    begin, end, gap = lines(after)
    assert (begin["t"], end["t"], gap["t"], gap["since"], gap["cleaned"]) == ("begin", "end", "gap", 7.5, True)
    ((since, at),) = journal.ledger.gaps
    assert (since, at) == (7.5, gap["at"])
