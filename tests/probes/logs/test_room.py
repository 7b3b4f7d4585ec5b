"""What is kept of a log is bounded by the memory that it takes, not by its characters."""

import tracemalloc
from collections.abc import Iterator

import pytest

from probes.logs.entries import LogEntry
from probes.logs.export_survey import Survey
from probes.logs.incidents import Incidents
from probes.logs.parsing import parse_entry
from probes.logs.room import ROOM_BYTES, Room


def entry(number: int, text: str) -> LogEntry:
    return parse_entry(
        {
            "insertId": str(number),
            "timestamp": "2026-11-26T10:00:00Z",
            "logName": "projects/p/logs/run.googleapis.com%2Frequests",
            "resource": {"type": "cloud_run_revision", "labels": {"service_name": "s", "revision_name": "r"}},
            "httpRequest": {"status": 500},
            "textPayload": text,
        }
    )


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("character", ["x", "\N{CHECK MARK}", "\N{GRINNING FACE}"], ids=["ascii", "wide", "widest"])
@pytest.mark.usefixtures("traced")
def test_entries_take_no_more_memory_than_there_is_room(character: str) -> None:
    room, kept = Room(), list[LogEntry]()
    before, _ = tracemalloc.get_traced_memory()
    while room.takes(one := entry(len(kept), character * 15_000)):
        kept.append(one)
    taken = tracemalloc.get_traced_memory()[0] - before
    assert 0.5 * ROOM_BYTES < taken < 1.2 * ROOM_BYTES, f"{len(kept)} entries"


def test_what_an_export_has_beyond_it_is_counted() -> None:
    survey, text, number = Survey(incidents=Incidents.from_phrases({})), "\N{GRINNING FACE}" * 250_000, 0
    while not survey.dropped:
        survey.keep(entry(number, text))
        number += 1
    assert len(survey.telling) == number - 1
    assert survey.room.taken <= ROOM_BYTES
